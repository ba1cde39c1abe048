"""The plain loops that speed is measured against train the same networks as ours, and train them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.data.batches import Spec
from ganvas.methods import GAN, WGAN, WGANGP, GANConfig, WGANConfig, WGANGPConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setitem(sys.modules, "plain", None)
    monkeypatch.delitem(sys.modules, "plain")


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(value.shape) for value in module.state_dict().values()]


def test_networks_have_the_same_layers() -> None:
    import plain

    wgan = WGAN(WGANConfig(), Spec((1, 28, 28)))
    gan = GAN(GANConfig(), Spec((3, 28, 28)))
    points = WGANGP(WGANGPConfig(width=32, latent_size=2), Spec((2,)))
    pairs = [
        (plain.reference_generator(1, True), wgan.generator),
        (plain.reference_discriminator(1, True, 0), wgan.critic),
        (plain.reference_generator(3, False), gan.generator),
        (plain.reference_discriminator(3, False, 0.4), gan.discriminator),
        (plain.mlp(2, 2, 32), points.generator),
        (plain.mlp(2, 1, 32), points.critic),
    ]
    for size, widths in ((32, [64, 128, 256]), (64, [64, 128, 256, 512])):
        ours = WGANGP(WGANGPConfig(), Spec((3, size, size)))
        pairs += [(plain.dcgan_generator(widths[::-1]), ours.generator), (plain.dcgan_critic(widths), ours.critic)]
    for theirs, mine in pairs:
        assert shapes(theirs) == shapes(mine)


def test_loops_play_a_step() -> None:
    import plain

    torch.manual_seed(0)
    samples = torch.randn(64, 2)
    generator, critic = plain.mlp(2, 2, 8), plain.mlp(2, 1, 8)
    for loop in (
        plain.PlainWGAN(samples, 16, generator, critic, 2),
        plain.PlainGAN(samples, 16, generator, critic, 2),
        plain.PlainWGANGP(samples, 16, generator, critic, 2, 5, 0.1),
    ):
        before = [parameter.detach().clone() for parameter in generator.parameters()]
        loop.step()
        assert all(math.isfinite(loss) for loss in loop.losses)
        assert any(not torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True))
