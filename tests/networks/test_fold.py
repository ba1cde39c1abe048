"""The folded convolution is nn.Conv2d: same parameters, values and first and second gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganvas.networks.fold import BlockConvolution, FoldConv2d, block_for, vectorised

LAST = torch.channels_last


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def pair(outputs: int, kernel: int, channels: int = 8) -> tuple[FoldConv2d, nn.Conv2d]:
    folded = FoldConv2d(channels, outputs, kernel, padding=kernel // 2)
    folded.fast = True
    plain = nn.Conv2d(channels, outputs, kernel, padding=kernel // 2)
    plain.load_state_dict(folded.state_dict())
    return folded, plain


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(("outputs", "kernel", "side"), [(1, 7, 4), (1, 3, 4), (2, 5, 2), (3, 7, 2), (4, 3, 2)])
@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
def test_equals_the_plain_convolution(outputs: int, kernel: int, side: int, batch: int, layout: torch.memory_format) -> None:
    folded, plain = pair(outputs, kernel)
    image = torch.randn(batch, 8, 12, 8).to(memory_format=layout).requires_grad_()
    assert block_for(folded.weight, image) == side
    direction = torch.randn(batch, outputs, 12, 8)
    found, wanted = folded(image), plain(image)
    assert torch.allclose(found, wanted, atol=1e-5)
    ours = torch.autograd.grad((found * direction).sum(), [image, *folded.parameters()])
    theirs = torch.autograd.grad((wanted * direction).sum(), [image, *plain.parameters()])
    for mine, reference in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, reference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("outputs", "side"), [(1, 4), (3, 2)])
def test_first_and_second_gradients_against_finite_differences(outputs: int, side: int) -> None:
    image = torch.randn(2, 2, 4, 8, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(outputs, 2, 3, 3, dtype=torch.float64, requires_grad=True)

    def painted(x: Tensor, w: Tensor) -> Tensor:
        return BlockConvolution.apply(x, w, side)  # type: ignore[no-any-return, no-untyped-call]

    assert torch.autograd.gradcheck(painted, (image, weight))
    assert torch.autograd.gradgradcheck(painted, (image, weight))


def test_a_slope_penalty_through_it_has_the_plain_gradient() -> None:
    folded, plain = pair(1, 5)
    image = torch.randn(3, 8, 8, 8).to(memory_format=LAST).requires_grad_()

    def penalty(convolution: nn.Conv2d) -> tuple[Tensor, ...]:
        (slope,) = torch.autograd.grad(convolution(image).tanh().sum(), image, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), [convolution.weight, convolution.bias])  # type: ignore[list-item]

    for mine, reference in zip(penalty(folded), penalty(plain), strict=True):
        assert torch.allclose(mine, reference, rtol=1e-4, atol=1e-4)


def test_under_autocast_it_is_as_near_to_float32_as_the_plain_convolution() -> None:
    folded, plain = pair(1, 7, channels=32)
    image = torch.randn(4, 32, 16, 16).to(memory_format=LAST)
    exact = plain(image)
    with torch.autocast("cpu", torch.bfloat16):
        found, wanted = folded(image), plain(image)
    assert found.dtype == wanted.dtype == torch.bfloat16
    assert (found - exact).abs().max() <= 2 * (wanted - exact).abs().max()
    found.float().sum().backward()
    assert folded.weight.grad is not None
    assert folded.weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("outputs", "kernel", "size"), [(8, 7, 28), (1, 1, 28), (1, 7, 27), (3, 3, 13)])
def test_falls_back_bit_for_bit_where_it_does_not_apply(outputs: int, kernel: int, size: int) -> None:
    folded, plain = pair(outputs, kernel)
    image = torch.randn(2, 8, size, size)
    assert block_for(folded.weight, image) == 1
    assert torch.equal(folded(image), plain(image))


def test_float64_and_foreign_machines_take_the_plain_convolution() -> None:
    folded, plain = pair(1, 7)
    image = torch.randn(2, 8, 28, 28)
    assert torch.equal(folded.double()(image.double()), plain.double()(image.double()))
    folded.float().fast = False
    assert torch.equal(folded(image), plain.float()(image))
    assert isinstance(vectorised(), bool)


def test_exports_as_a_plain_convolution() -> None:
    folded, plain = pair(1, 7)
    image = torch.randn(2, 8, 28, 28)
    program = torch.export.export(folded.eval(), (image,))
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert called == {"aten.conv2d.default"}
    assert torch.equal(program.module()(image), plain(image))


def test_refuses_a_padding_that_changes_the_size() -> None:
    with pytest.raises(ValueError, match="keep the picture's size"):
        FoldConv2d(8, 1, 7, padding=2)


def test_rows_do_not_depend_on_the_batch_they_are_in() -> None:
    folded, _ = pair(3, 5)
    image = torch.randn(6, 8, 16, 16).to(memory_format=LAST)
    assert torch.allclose(folded(image)[:2], folded(image[:2]), atol=1e-6)
