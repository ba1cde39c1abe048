"""The doubling convolution is nn.ConvTranspose2d: same parameters, values and first and second gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganvas.networks.upwards import Doubling, DoublingConv2d


def pair(outputs: int, *, bias: bool = True, channels: int = 6) -> tuple[DoublingConv2d, nn.ConvTranspose2d]:
    torch.manual_seed(0)
    quick = DoublingConv2d(channels, outputs, bias=bias)
    quick.fast = True
    plain = nn.ConvTranspose2d(channels, outputs, 4, stride=2, padding=1, bias=bias)
    plain.load_state_dict(quick.state_dict())
    return quick, plain


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("outputs", [1, 3, 4, 8])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_equals_the_plain_layer(outputs: int, batch: int, bias: bool, layout: torch.memory_format) -> None:
    quick, plain = pair(outputs, bias=bias)
    image = torch.randn(batch, 6, 5, 7).to(memory_format=layout).requires_grad_()
    direction = torch.randn(batch, outputs, 10, 14)
    found, wanted = quick(image), plain(image)
    assert torch.allclose(found, wanted, atol=1e-6)
    ours = torch.autograd.grad((found * direction).sum(), [image, *quick.parameters()])
    theirs = torch.autograd.grad((wanted * direction).sum(), [image, *plain.parameters()])
    for mine, reference in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("outputs", [2, 5])
def test_first_and_second_gradients_against_finite_differences(outputs: int) -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, outputs, 4, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(outputs, dtype=torch.float64, requires_grad=True)

    def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return Doubling.apply(x, w, b)  # type: ignore[no-any-return, no-untyped-call]

    assert torch.autograd.gradcheck(layer, (image, weight, bias))
    assert torch.autograd.gradgradcheck(layer, (image, weight, bias))


@pytest.mark.parametrize("outputs", [3, 16])
def test_under_autocast_it_is_as_near_to_float32_as_the_plain_layer(outputs: int) -> None:
    quick, plain = pair(outputs, channels=32)
    image = torch.randn(4, 32, 8, 8).to(memory_format=torch.channels_last)
    exact = plain(image)
    with torch.autocast("cpu", torch.bfloat16):
        found, wanted = quick(image), plain(image)
    assert found.dtype == wanted.dtype == torch.bfloat16
    assert (found - exact).abs().max() <= 2 * (wanted - exact).abs().max()
    found.float().sum().backward()
    assert quick.bias is not None
    assert quick.bias.grad is not None
    assert quick.bias.grad.dtype == torch.float32


def test_exports_as_a_plain_layer() -> None:
    quick, plain = pair(3)
    image = torch.randn(2, 6, 8, 8)
    program = torch.export.export(quick.eval(), (image,))
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert len(called) == 1
    assert called.pop().startswith("aten.conv_transpose2d")
    assert torch.equal(program.module()(image), plain(image))
