"""R3GAN's residual networks: shapes, start, resampling, labels."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.modern import Halving, ModernDiscriminator, ModernGenerator, Residual, from_pixels, to_pixels


@pytest.mark.parametrize("ends", ["modulated", "dense"])
@pytest.mark.parametrize("block", ["bottleneck", "basic"])
@pytest.mark.parametrize(
    ("shape", "patch", "fine"),
    [((1, 28, 28), 1, 0), ((3, 28, 28), 2, 3), ((2, 32, 64), 4, 0), ((2, 32, 64), 4, 5), ((1, 8, 8), 1, 0)],
)
def test_makes_and_judges_pictures_of_any_size(
    shape: tuple[int, int, int], patch: int, fine: int, block: str, ends: str
) -> None:
    torch.manual_seed(0)
    spec, how = Spec(shape), {"width": 4, "blocks": 1, "block": block, "patch": patch, "fine": fine, "ends": ends}
    generator = ModernGenerator(spec, latent_size=5, **how)
    made = generator(torch.randn(3, 5))
    assert made.shape == (3, *shape)
    assert made.abs().max() <= 1
    assert ModernDiscriminator(spec, **how)(made).shape == (3,)


@pytest.mark.parametrize(("ends", "more"), [("modulated", {}), ("dense", {}), ("dense", {"patch": 2, "fine": 8})])
def test_blocks_start_as_the_identity_and_a_signal_keeps_its_size(ends: str, more: dict[str, int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 32, 8, 8)
    for block in ("bottleneck", "basic"):
        assert torch.equal(Residual(32, 6, block)(x), x)
    flat = torch.randn(512, 3, 1, 1).expand(-1, -1, 32, 32)  # of white noise, halving leaves little
    spread = ModernDiscriminator(Spec((3, 32, 32)), width=32, ends=ends, **more)(flat).std()
    assert 0.3 < spread < 3
    spread = ModernGenerator(Spec((3, 32, 32)), latent_size=64, width=32, ends=ends, **more)(torch.randn(64, 64)).std()
    assert 0.2 < spread < 0.9


def test_dense_ends_reach_every_place_of_the_map() -> None:
    """The span of the first maps of many latents: all that the latent has, where modulation has one number a channel."""
    torch.manual_seed(0)
    latent = torch.randn(64, 12)
    ranks = []
    for ends in ("modulated", "dense"):
        generator = ModernGenerator(Spec((1, 16, 16)), latent_size=12, width=2, blocks=1, ends=ends)
        ranks.append(int(torch.linalg.matrix_rank(generator.start(latent)[:, 0].flatten(1))))  # of the first channel
    assert ranks == [1, 12]


def test_a_bottleneck_has_the_papers_parameters() -> None:
    """Expansion 2, groups of 16: C * 2C + 2C, 2C * 16 * 9 + 2C, 2C * C."""
    c = 32
    assert sum(p.numel() for p in Residual(c, 1, "bottleneck").parameters()) == 2 * 2 * c * c + 2 * 2 * c + 2 * c * 16 * 9


def test_halving_is_the_transpose_of_bilinear_doubling() -> None:
    torch.manual_seed(0)
    halve = Halving().double()
    small, large = torch.randn(1, 2, 5, 6).double(), torch.randn(1, 2, 10, 12).double()
    inside = torch.zeros_like(small)
    inside[:, :, 1:-1, 1:-1] = small[:, :, 1:-1, 1:-1]  # doubling repeats the border, halving sees 0 beyond it
    doubled = F.interpolate(inside, scale_factor=2, mode="bilinear")
    torch.testing.assert_close((4 * halve(large) * inside).sum(), (large * doubled).sum())
    torch.testing.assert_close((halve(large) * small).sum(), (large * halve.transpose(small)).sum())
    torch.testing.assert_close(halve(torch.ones(1, 1, 8, 8).double())[..., 1:-1, 1:-1], torch.ones(1, 1, 2, 2).double())


def test_labels_steer_both_players() -> None:
    torch.manual_seed(0)
    spec = Spec((1, 8, 8))
    generator = ModernGenerator(spec, latent_size=4, width=4, blocks=1, classes=3)
    latent = torch.randn(1, 4).expand(3, -1)
    made = generator(latent, torch.arange(3))
    assert (made[0] - made[1]).abs().max() > 1e-3
    critic = ModernDiscriminator(spec, width=4, blocks=1, classes=3)
    scores = critic(made[:1].expand(3, -1, -1, -1), torch.arange(3))
    assert len({*scores.tolist()}) == 3


@pytest.mark.parametrize("patch", [3, 4, 8])
def test_a_patch_that_does_not_fit_is_refused(patch: int) -> None:
    with pytest.raises(UsageError, match="patch"):
        ModernGenerator(Spec((1, 12, 12)), latent_size=4, width=4, patch=patch)


def test_a_fine_layer_is_not_linear_in_a_patch_and_needs_one() -> None:
    spec = Spec((1, 16, 16))
    for build in (
        lambda: ModernDiscriminator(spec, width=4, fine=2),
        lambda: ModernGenerator(spec, latent_size=4, width=4, fine=2),
    ):
        with pytest.raises(UsageError, match="fine=2"):
            build()
    for fine in (0, 8):
        torch.manual_seed(0)
        lasts, firsts = to_pixels(6, 1, 2, fine), from_pixels(1, 6, 2, fine)
        for layers, shape in ((lasts, (2, 6, 4, 4)), (firsts, (2, 1, 8, 8))):
            network = nn.Sequential(*layers)
            a, b, nothing = torch.randn(shape), torch.randn(shape), torch.zeros(shape)
            affine = torch.allclose(network(a + b) + network(nothing), network(a) + network(b), atol=1e-5)
            assert affine == (fine == 0)
