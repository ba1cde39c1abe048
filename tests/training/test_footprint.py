"""What training will need: counted without numbers as it is with them, and said before it starts."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import ganvas
import tiny
from ganvas.errors import ResourceError
from ganvas.methods import METHODS
from ganvas.networks.slopes import scores_and_slopes
from ganvas.training import footprint as module
from ganvas.training.footprint import PLAYED, WASTE, Alive, bytes_of, footprint, samples_that_fit

PLAYABLE = [name for name in METHODS if name != "cyclegan"]  # its pool of pictures looks at numbers


@pytest.mark.parametrize("name", ["dcgan", "wgan-gp", "r3gan", "stylegan", "pix2pix"])
def test_a_step_without_numbers_takes_what_a_real_one_does(name: str) -> None:
    spec, config = tiny.data_for(name).spec, tiny.config_for(name)
    found = footprint(METHODS[name], config, spec)
    assert found is not None
    peaks = []
    for samples in PLAYED:
        real = METHODS[name](type(config)(**{**vars(config), "batch_size": samples}), spec).train()
        with Alive(real) as alive:
            module.step(real, samples)
        peaks.append(alive.peak)
        assert alive.now < 0.02 * alive.peak  # what is left has an owner: stylegan's mean style, say
    few, many = PLAYED
    assert found.sample == pytest.approx(WASTE * (peaks[1] - peaks[0]) / (many - few), rel=0.05)


def test_r3gans_slopes_which_autograd_does_not_know_of_are_counted() -> None:
    """Held against what a slope takes: beside the layers' outputs of the scores, those of the way back."""
    spec, config = tiny.data_for("r3gan").spec, tiny.config_for("r3gan")
    method = METHODS["r3gan"](config, spec).train()
    pictures = torch.zeros(8, *spec.shape)
    with Alive(method) as scored:
        scores = method.discriminator(pictures)
    with Alive(method) as both:
        slopes = scores_and_slopes(method.discriminator, pictures)
    assert both.now > 1.5 * scored.now > 0
    del scores, slopes
    assert scored.now == 0
    assert both.now == pictures.nbytes  # seen through a view


def test_memory_is_counted_once_and_weights_and_their_gradients_not_at_all() -> None:
    layer = nn.Linear(8, 8, bias=False)
    with Alive(layer) as alive:
        x = torch.zeros(4, 8, requires_grad=True)
        y = layer(x)
        z = y.view(32).view(4, 8)  # of the same memory
        assert alive.now == alive.peak == 2 * 4 * 8 * 4
        del x, y, z
        assert alive.now == 0
        layer(torch.zeros(4, 8)).sum().backward()
    assert layer.weight.grad is not None
    assert alive.now == 0


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_but_one_can_be_played(name: str) -> None:
    found = footprint(METHODS[name], tiny.config_for(name), tiny.data_for(name).spec)
    if name not in PLAYABLE:
        assert found is None
        return
    assert found is not None and found.sample > 0
    method = METHODS[name](tiny.config_for(name), tiny.data_for(name).spec)
    assert found.fixed > 4 * bytes_of(method.parameters())


def method_of(name: str) -> Any:
    return METHODS[name](tiny.config_for(name), tiny.data_for(name).spec)


def free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """``count`` bytes beside the weights, which are there already."""
    monkeypatch.setattr(module, "free_bytes", lambda device: count)


def test_what_fits_is_said_before_it_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    method = method_of("dcgan")
    needs = footprint(type(method), method.config, method.spec)
    assert needs is not None
    weights = bytes_of(method.parameters()) + bytes_of(method.buffers())
    free(monkeypatch, needs.of(2) - weights)
    assert samples_that_fit(method, torch.device("cpu")) == 2
    run = ganvas.Run(tmp_path)
    (last,) = deque(ganvas.train(method, tiny.data_for("dcgan"), run, steps=2), maxlen=1)
    assert last.done and last.session is not None and last.session.micro_batch == 2
    assert "does not hold" in next(f for f in last.findings if f.name == "memory").seen
    free(monkeypatch, int(needs.of(1) / 1.3) - weights)
    with pytest.raises(ResourceError, match="GiB") as refused:
        samples_that_fit(method_of("dcgan"), torch.device("cpu"))
    width = int(str(refused.value).split("--width ")[1].split()[0])
    fits, not_fits = (footprint(type(method), replace(method.config, width=each), method.spec) for each in (width, 2 * width))
    assert fits is not None and not_fits is not None
    assert fits.of(method.config.batch_size) <= int(needs.of(1) / 1.3) < not_fits.of(method.config.batch_size)


def test_nothing_is_played_where_there_is_plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1 << 40)
    monkeypatch.setattr(module, "footprint", lambda *_: pytest.fail("played"))
    assert samples_that_fit(method_of("biggan"), torch.device("cpu")) is None


def test_a_method_that_cannot_be_played_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0)
    assert samples_that_fit(method_of("cyclegan"), torch.device("cpu")) is None
