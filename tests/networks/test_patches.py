"""The weight gradient over patches is the convolution's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from ganvas.networks.patches import quicker_by_patches, weight_gradient
from ganvas.networks.upwards import DoublingConv2d


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (3, 1, 1), (3, 2, 1), (1, 1, 0), (5, 3, 0)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_equals_autograd(kernel: int, stride: int, padding: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    image = torch.randn(3, 5, 8, 9, dtype=torch.float64).to(memory_format=layout)
    weight = torch.randn(7, 5, kernel, kernel, dtype=torch.float64, requires_grad=True)
    out = F.conv2d(image, weight, stride=stride, padding=padding)
    delta = torch.randn_like(out).to(memory_format=layout)
    (wanted,) = torch.autograd.grad(out, weight, delta)
    torch.testing.assert_close(weight_gradient(delta, image, kernel, stride, padding), wanted)


def test_the_doubling_layer_takes_it_in_bf16() -> None:
    torch.manual_seed(0)
    layer = DoublingConv2d(8, 16).to(memory_format=torch.channels_last)
    layer.fast = True
    image = torch.randn(4, 8, 4, 4)
    direction = torch.randn(4, 16, 8, 8)
    (exact,) = torch.autograd.grad((layer(image) * direction).sum(), layer.weight)
    assert quicker_by_patches(image.bfloat16())
    assert not quicker_by_patches(image)
    assert not quicker_by_patches(torch.zeros(1, 1, 8, 8, dtype=torch.bfloat16))
    with torch.autocast("cpu", torch.bfloat16):
        loss = (layer(image).float() * direction).sum()
    (found,) = torch.autograd.grad(loss, layer.weight)
    assert (found - exact).abs().max() <= 0.02 * exact.abs().max()
