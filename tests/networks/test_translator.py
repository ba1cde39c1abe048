"""The residual translators against the parameter counts of the published nets."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganvas.networks.translator import ResNetTranslator


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("blocks", "published"), [(9, 11_378_179), (6, 7_837_699)])
def test_cyclegan_counts(blocks: int, published: int) -> None:
    """The published nets have a bias in every convolution; those before an instance norm (all but the last) have no effect."""
    stem, halves = 3 * 64 * 49, 9 * (64 * 128 + 128 * 256)
    weights = stem + halves + blocks * 2 * 9 * 256 * 256 + halves + 64 * 3 * 49
    dead = 64 + 128 + 256 + blocks * 2 * 256 + 128 + 64
    assert weights + dead + 3 == published
    assert parameters(ResNetTranslator(3, 3, blocks=blocks)) == published - dead


def test_stargan_count() -> None:
    """Choi et al., table 4, five labels: 8,430,528 without a last bias; ours has one (3)."""
    net = ResNetTranslator(3, 3, blocks=6, border="zeros", labels=5, kernel=4, affine=True)
    stem, halves = (3 + 5) * 64 * 49, 16 * (64 * 128 + 128 * 256)
    gains = 2 * (64 + 128 + 256 + 6 * 2 * 256 + 128 + 64)
    published = stem + halves + 6 * 2 * 9 * 256 * 256 + halves + 64 * 3 * 49 + gains
    assert published == 8_430_528
    assert parameters(net) == published + 3


@pytest.mark.parametrize(("kernel", "border"), [(3, "reflect"), (4, "zeros")])
@pytest.mark.parametrize("size", [(8, 8), (20, 12)])
def test_shapes(kernel: int, border: str, size: tuple[int, int]) -> None:
    net = ResNetTranslator(1, 2, width=4, blocks=1, kernel=kernel, border=border)  # type: ignore[arg-type]
    out = net(torch.randn(2, 1, *size))
    assert out.shape == (2, 2, *size)
    assert out.abs().max() <= 1


def test_a_bias_before_instance_norm_has_no_effect() -> None:
    x = torch.randn(2, 3, 8, 8)
    norm = nn.InstanceNorm2d(3)
    assert torch.allclose(norm(x), norm(x + torch.tensor([1.0, -2, 3]).view(1, 3, 1, 1)), atol=1e-5)


def test_labels_steer_and_are_planes() -> None:
    torch.manual_seed(0)
    net = ResNetTranslator(1, 1, width=4, blocks=1, border="zeros", labels=2, kernel=4)
    source = torch.randn(1, 1, 8, 8).expand(2, -1, -1, -1)
    label = torch.eye(2)
    apart = net(source, label)
    assert not torch.allclose(apart[0], apart[1])
    planes = label[:, :, None, None].expand(2, 2, 8, 8)
    assert torch.equal(apart, net.layers(torch.cat([source, planes], 1)))
