"""The thesis's reference pair: every row of its two tables."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.methods.wgan_gp import WGANGP, WGANGPConfig
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator, halvings, start_smooth_
from ganvas.networks.reference import ReferenceDiscriminator, ReferenceGenerator, check_reference_size
from ganvas.networks.upwards import DoublingConv2d

TALK = Spec((3, 28, 28))


def rows(module: nn.Module, sample: torch.Tensor) -> list[tuple[str, tuple[int, ...], int]]:
    """(kind, output shape without the batch, parameters) of each layer in order."""
    found = []
    for layer in module.children():
        sample = layer(sample)
        found.append((type(layer).__name__, tuple(sample.shape[1:]), sum(p.numel() for p in layer.parameters())))
    return found


def test_discriminator_table() -> None:
    discriminator = ReferenceDiscriminator(TALK)
    assert rows(discriminator, torch.zeros(2, 3, 28, 28)) == [
        ("Conv2d", (64, 14, 14), 1792),
        ("LeakyReLU", (64, 14, 14), 0),
        ("Dropout", (64, 14, 14), 0),
        ("Conv2d", (64, 7, 7), 36928),
        ("LeakyReLU", (64, 7, 7), 0),
        ("Dropout", (64, 7, 7), 0),
        ("Flatten", (3136,), 0),
        ("Linear", (1,), 3137),
    ]
    assert sum(p.numel() for p in discriminator.parameters()) == 41_857
    assert discriminator(torch.zeros(2, 3, 28, 28)).shape == (2,)


def test_generator_table() -> None:
    generator = ReferenceGenerator(TALK)
    assert rows(generator, torch.zeros(2, 100)) == [
        ("Linear", (6272,), 633_472),
        ("LeakyReLU", (6272,), 0),
        ("Unflatten", (128, 7, 7), 0),
        ("DoublingConv2d", (128, 14, 14), 262_272),
        ("LeakyReLU", (128, 14, 14), 0),
        ("DoublingConv2d", (128, 28, 28), 262_272),
        ("LeakyReLU", (128, 28, 28), 0),
        ("FoldConv2d", (3, 28, 28), 18_819),
        ("Tanh", (3, 28, 28), 0),
    ]
    assert sum(p.numel() for p in generator.parameters()) == 1_176_835


def test_reference_size_names_a_size_that_works() -> None:
    with pytest.raises(UsageError, match=r"30x28.*--size 32x28"):
        check_reference_size("gan", Spec((1, 30, 28)))
    check_reference_size("gan", Spec((1, 32, 20)))


@pytest.mark.parametrize(("size", "count"), [(28, 2), (32, 3), (64, 4), (128, 5), (256, 6), (48, 3), (16, 2), (8, 1)])
def test_halvings_end_between_four_and_eight(size: int, count: int) -> None:
    assert halvings("x", Spec((3, size, size))) == count


@pytest.mark.parametrize("shape", [(3, 30, 30), (1, 4, 4), (3, 64, 37), (1, 7, 7)])
def test_sizes_out_of_reach_are_refused_with_one_within(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=r"try --size (\d+)x(\d+)") as caught:
        halvings("dcgan", Spec(shape))
    rows_, columns = map(int, str(caught.value).rsplit(" ", 1)[1].split("x"))
    halvings("dcgan", Spec((shape[0], rows_, columns)))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 64), (4, 64, 48)])
def test_shapes_go_around(shape: tuple[int, int, int]) -> None:
    spec = Spec(shape)
    for norm in (True, False):
        generator = DCGANGenerator(spec, latent_size=10, width=4, batch_norm=norm)
        discriminator = DCGANDiscriminator(spec, width=4, batch_norm=norm)
        picture = generator(torch.randn(3, 10))
        assert picture.shape == (3, *shape)
        assert picture.abs().max() <= 1
        assert discriminator(picture).shape == (3,)


def test_dcgan_follows_the_five_guidelines() -> None:
    spec = Spec((3, 64, 64))
    generator, discriminator = DCGANGenerator(spec, latent_size=100, width=128), DCGANDiscriminator(spec)
    kinds = [type(layer) for layer in generator]
    assert not any("Pool" in kind.__name__ for kind in [*kinds, *map(type, discriminator)])
    assert kinds.count(nn.BatchNorm2d) == 4
    assert issubclass(kinds[-2], nn.ConvTranspose2d)
    assert kinds[-1] is nn.Tanh
    assert generator[1].unflattened_size == (1024, 4, 4)
    assert type(discriminator[0]) is nn.Conv2d
    assert type(discriminator[1]) is nn.LeakyReLU  # no batch norm at the discriminator's input layer
    assert [type(layer) for layer in discriminator].count(nn.Linear) == 1
    assert nn.ReLU not in map(type, discriminator)


def test_without_batch_norm_a_signal_keeps_its_size_through_the_players() -> None:
    torch.manual_seed(0)
    spec = Spec((3, 64, 64))
    generator = DCGANGenerator(spec, latent_size=64, width=32, batch_norm=False)
    discriminator = DCGANDiscriminator(spec, width=32, batch_norm=False)
    before_tanh = nn.Sequential(*list(generator)[:-1])(torch.randn(64, 64))
    assert 0.5 < before_tanh.std() < 2.0
    assert 0.5 < nn.Sequential(*list(discriminator)[:-1])(torch.randn(16, 3, 64, 64)).square().mean().sqrt() < 2.0


def test_a_smooth_start_is_a_3x3_convolution_after_a_doubling_and_as_loud() -> None:
    torch.manual_seed(0)
    plain = DoublingConv2d(32, 16)
    smooth = copy.deepcopy(plain)
    start_smooth_(smooth)
    assert torch.equal(plain.bias, smooth.bias)
    flat, noise = torch.ones(1, 32, 6, 6), torch.randn(4, 32, 16, 16)
    inside = (..., slice(2, -2), slice(2, -2))
    assert float(smooth(flat)[inside].detach().std((2, 3)).max()) < 1e-6  # every pixel alike
    assert float(plain(flat)[inside].detach().std((2, 3)).min()) > 1e-3  # four kinds of them
    assert float(smooth(noise).detach().std() / plain(noise).detach().std()) == pytest.approx(1, abs=0.1)
    kernel = plain.weight.detach()[:, :, :3, :3].flip(2, 3).transpose(0, 1) * (2 / 3)
    apart = F.conv2d(F.interpolate(noise, scale_factor=2, mode="nearest"), kernel, smooth.bias, padding=1)
    torch.testing.assert_close(smooth(noise), apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smooth", [False, True])
def test_wgan_gp_starts_smooth_when_asked(smooth: bool) -> None:
    torch.manual_seed(0)
    method = WGANGP(WGANGPConfig(latent_size=8, width=4, smooth_start=smooth), Spec((3, 16, 16)))
    doublings = [layer for layer in method.generator.modules() if isinstance(layer, DoublingConv2d)]
    assert len(doublings) == 2
    for layer in doublings:
        of_flat = layer(torch.ones(1, layer.in_channels, 4, 4)).detach()[..., 2:-2, 2:-2]
        assert (float(of_flat.std((2, 3)).max()) < 1e-6) == smooth


def test_without_batch_norm_black_is_zero_and_weights_start_as_the_talks() -> None:
    discriminator = ReferenceDiscriminator(TALK, dropout=0)
    assert torch.equal(discriminator(-torch.ones(2, 3, 28, 28)), torch.zeros(2))  # no bias yet: nothing comes of nothing
    for player in (discriminator, ReferenceGenerator(TALK)):
        for layer in player:
            if hasattr(layer, "weight"):
                fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(layer.weight)
                bound = (6 / (fan_in + fan_out)) ** 0.5
                assert 0.98 * bound < float(layer.weight.detach().abs().max()) <= bound
                assert float(layer.bias.detach().abs().max()) == 0
