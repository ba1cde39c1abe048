"""The super-resolution generator: where it starts, what it sees, what it refuses; and how pix2pix uses it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from ganvas.apps.tiles import translate_tiled
from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.methods import Pix2Pix, Pix2PixConfig
from ganvas.networks.upscaler import Upscaler, factors, times_between
from ganvas.runs import load
from ganvas.runs.export import export
from ganvas.runs.model import own_tensors, write_model


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("times", "source", "target"), [(2, 3, 3), (3, 1, 3), (4, 1, 1), (6, 3, 3)])
def test_it_starts_from_the_bicubic_enlargement(times, source, target):
    picture = noise(2, source, 7, 5)
    found = Upscaler(source, target, times=times, width=4, blocks=1)(picture)
    wanted = interpolate(picture, scale_factor=times, mode="bicubic").expand(-1, target, -1, -1)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_channels_that_say_nothing_start_from_nothing_but_learn():
    net = Upscaler(4, 3, times=2, width=4, blocks=1)
    picture = noise(1, 4, 6, 6)
    net(picture).sum().backward()
    assert net(picture).abs().max() > 0
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_it_sees_no_further_than_it_says():
    torch.manual_seed(0)
    net = Upscaler(1, 1, times=4, width=4, blocks=3)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    picture = noise(1, 1, 41, 41).requires_grad_(True)
    net(picture)[0, 0, 80:84, 80:84].sum().backward()  # of source pixel 20
    rows = picture.grad[0, 0].abs().amax(1).nonzero()[:, 0]
    assert 20 - (2 * 3 + 6) <= int(rows.min()) < int(rows.max()) <= 20 + (2 * 3 + 6)


def test_a_trained_one_enlarges_anything_and_goes_to_onnx(tmp_path):
    torch.manual_seed(0)
    spec = Spec((3, 32, 32), source=(3, 16, 16), paired=True)
    method = Pix2Pix(Pix2PixConfig(width=4, blocks=1), spec)
    for parameter in method.generator.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model = load(write_model(tmp_path / "model", method, {k: v.clone() for k, v in own_tensors(method).items()}, {"step": 1}))
    assert model.translate(noise(2, 3, 9, 21)).shape == (2, 3, 18, 42)
    whole = translate_tiled(lambda part: model.translate(part), noise(3, 300, 70), tile=160)
    torch.testing.assert_close(whole, model.translate(noise(3, 300, 70)[None])[0], atol=1e-5, rtol=0)
    pytest.importorskip("onnxruntime")
    assert export(model, tmp_path / "m.onnx", "onnx").stat().st_size > 0  # it compares three sizes before it writes


def test_sizes_are_whole_multiples():
    assert [factors(times) for times in (1, 2, 3, 4, 6, 8)] == [[], [2], [3], [2, 2], [2, 3], [2, 2, 2]]
    assert times_between((1, 8, 6), (3, 32, 24)) == 4
    for source, target in (
        ((1, 8, 8), (1, 16, 24)),
        ((1, 8, 8), (1, 12, 12)),
        ((1, 16, 16), (1, 8, 8)),
        ((1, 2, 2), (1, 32, 32)),
    ):
        with pytest.raises(UsageError, match="1 to 8 times as large"):
            times_between(source, target)
