"""The plain loop of pix2pix has our layers, up to biases that an instance norm takes away again, and learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.data.batches import Spec
from ganvas.methods.pix2pix import Pix2Pix, Pix2PixConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WIDTHS = [64, 128, 256, 512, 512, 512]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def weights(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(value.shape) for value in module.state_dict().values() if value.dim() == 4]


def test_networks_have_the_same_layers_and_dropout() -> None:
    import plain_translation

    with torch.device("meta"):
        ours = Pix2Pix(Pix2PixConfig(batch_size=4), Spec((3, 64, 64), source=(3, 64, 64), paired=True))
        generator = plain_translation.PlainUNet(3, WIDTHS)
        discriminator = plain_translation.plain_patches(6, [64, 128, 256])
    assert weights(generator) == weights(ours.generator)
    assert weights(discriminator) == weights(ours.discriminator)
    dropped = [[isinstance(m, nn.Dropout) for m in net.modules()].count(True) for net in (generator, ours.generator)]
    assert dropped[0] == dropped[1] == 3


def test_it_learns() -> None:
    import plain_translation

    torch.manual_seed(0)
    source = torch.rand(4, 1, 16, 16) * 2 - 1
    generator = plain_translation.PlainUNet(1, [8, 16, 16])
    loop = plain_translation.PlainPix2Pix(source, -source, 4, generator, plain_translation.plain_patches(2, [8, 16]))
    for _ in range(100):
        loop.step()
    assert loop.losses[-1] < 0.8 * loop.losses[1]
