"""Patch discriminators: what one score depends on, and the published counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.networks.patchgan import DomainDiscriminator, PatchDiscriminator, domain_levels, layers_for, receptive_field


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def seen(net: nn.Sequential, size: int) -> int:
    """Side of the square of pixels that the middle score's gradient reaches. Norms are taken out: they see the whole map."""
    local = nn.Sequential(*[m for m in net if not isinstance(m, nn.InstanceNorm2d | nn.BatchNorm2d)]).double()
    for layer in local:
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1.0)
    picture = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    scores = local(picture)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert picture.grad is not None
    touched = picture.grad[0, 0].abs().sum(0).nonzero()
    return int(touched.max() - touched.min()) + 1


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70)])
def test_receptive_fields_of_the_paper(layers: int, field: int) -> None:
    net = PatchDiscriminator(1, width=1, layers=layers)
    assert receptive_field(net) == field
    assert seen(net, 160) == field


def test_the_70x70_net_has_the_published_count() -> None:
    """C64-C128-C256-C512 and the score, on source and target of 3 channels each; as in the reference code, batch norm."""
    convolutions = 16 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    published = convolutions + 64 + 1 + 2 * (128 + 256 + 512)
    assert published == 2_768_705
    assert parameters(PatchDiscriminator(6, norm="batch")) == published


@pytest.mark.parametrize(("layers", "size", "out"), [(3, 256, 30), (3, 24, 1), (2, 12, 1), (1, 6, 1), (0, 1, 1)])
def test_score_maps(layers: int, size: int, out: int) -> None:
    net = PatchDiscriminator(2, width=2, layers=layers, norm="batch").eval()
    assert net(torch.zeros(3, 2, size, size)).shape == (3, 1, out, out)


def test_the_widest_patch_that_fits() -> None:
    assert [layers_for("auto", side, side) for side in (256, 70, 69, 64, 33, 28, 16, 15)] == [3, 3, 2, 2, 1, 1, 1, 0]
    assert layers_for("16x16", 256, 256) == 1
    with pytest.raises(UsageError, match="auto, 70x70"):
        layers_for("71x71", 256, 256)  # type: ignore[arg-type]


def test_stargan_s_count_and_shapes() -> None:
    """Table 5 at 128 pixels and five labels: 44,762,048."""
    net = DomainDiscriminator(3, (128, 128), 5)
    maps = [3, 64, 128, 256, 512, 1024, 2048]
    trunk = sum(16 * i * o + o for i, o in zip(maps[:-1], maps[1:], strict=True))
    assert parameters(net) == trunk + 9 * 2048 + 4 * 5 * 2048 == 44_762_048
    score, domain = DomainDiscriminator(1, (32, 64), 3, width=2)(torch.zeros(2, 1, 32, 64))
    assert score.shape == (2, 1, 2, 4)
    assert domain.shape == (2, 3)


def test_refusals() -> None:
    with pytest.raises(UsageError, match="7 layers"):
        PatchDiscriminator(3, layers=7)
    with pytest.raises(UsageError, match=r"30x30.*--size 32x32"):
        DomainDiscriminator(3, (30, 30), 5)


def test_domains_are_told_from_maps_of_two_or_three_pixels_a_side() -> None:
    assert {side: domain_levels(side) for side in (128, 96, 64, 48, 28, 12)} == {128: 6, 96: 5, 64: 5, 48: 4, 28: 4, 12: 2}
    for side in range(4, 193):
        assert -(-side // 2 ** domain_levels(side)) in (2, 3), side
