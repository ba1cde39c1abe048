"""Pivotal tuning: a copy of the model learns the pictures, the rest of its latent space stays where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ganvas
import tiny
from ganvas.apps import tune as module
from ganvas.apps.latent import Codes, drawn, pictures
from ganvas.apps.tune import tune
from ganvas.errors import UsageError
from ganvas.methods import METHODS
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.runs import Model
from ganvas.runs.export import export


def trained(name: str, folder: Path) -> Model:
    torch.manual_seed(0)
    data = tiny.data_for(name)
    method = METHODS[name](tiny.config_for(name), data.spec)
    for _ in ganvas.train(method, data, ganvas.Run(folder), steps=2):
        pass
    return ganvas.load(folder)


def targets(count: int) -> torch.Tensor:
    """Noise that is smooth enough to be learnt."""
    coarse = torch.rand(count, 1, 3, 3, generator=torch.Generator().manual_seed(4)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (8, 8), mode="bilinear")


@pytest.mark.parametrize("name", ["sngan", "stylegan"])
def test_a_copy_learns_the_pictures_at_their_latents(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 4)
    model = trained(name, tmp_path / "run")
    pivots, target = drawn(model, range(6)), targets(6)  # two parts
    before = pictures(model, pivots)
    found = tune(model, pivots, target, passes=20, names=["a.png"])
    assert torch.equal(pictures(model, pivots), before), "the model itself has moved"
    start = (before - target).square().flatten(1).mean(1)
    assert found.distance.mean() < start.mean() / 2
    assert found.moved < start.mean() / 3, "the rest of the space went with them"
    facts = found.model.facts["tuned"]
    assert (facts["from"], facts["pictures"], facts["passes"]) == (model.hash, ["a.png"], 20)
    assert found.model.hash != model.hash
    again = ganvas.load(export(found.model, tmp_path / "tuned.safetensors"))
    assert again.hash == found.model.hash and torch.allclose(pictures(again, pivots), found.made, atol=1e-6)
    assert torch.equal(tune(model, pivots, target, passes=20).made, found.made)


def test_what_lies_between_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained("sngan", tmp_path)
    pivots, target = drawn(model, range(4)), targets(4)
    spec = model.spec
    judge = LeNetFeatures(LeNet(spec).eval().requires_grad_(False), "random", 0.0, "", spec)
    held = tune(model, pivots, target, network=judge, passes=40)
    monkeypatch.setattr(module, "KEEP", 0.0)
    loose = tune(model, pivots, target, network=judge, passes=40)
    assert held.moved < loose.moved * 0.6


def test_what_cannot_be_tuned_is_refused(tmp_path: Path) -> None:
    model = trained("dcgan", tmp_path)
    pivots = drawn(model, range(2))
    for codes, target, passes in ((pivots, targets(3), 5), (pivots, targets(2)[..., 1:], 5), (pivots, targets(2), 0)):
        with pytest.raises(UsageError):
            tune(model, codes, target, passes=passes)
    assert isinstance(pivots, Codes)
