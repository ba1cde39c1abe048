"""A convolution with few output channels, such as the one that paints a picture, at the speed of a wide one.

oneDNN computes output channels 8 or 16 at a time (the width of a vector), so that a convolution to 1 or 3 channels wastes most
of its work. Here the output pixels of a block of s x s are folded into channels: the kernel, copied to each place in the block,
grows to (K + s - 1) x (K + s - 1), one strided convolution computes O * s * s channels, and a pixel shuffle unfolds them. With
s = 4, K = 7, O = 1 that is 2.04 times the arithmetic on a full vector instead of a sixteenth of one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def block_for(weight: Tensor, image: Tensor) -> int:
    """Side s of the output block that is folded into channels; 1 means that the plain convolution is as fast or faster."""
    outputs, _, kernel, _ = weight.shape
    height, width = image.shape[-2:]
    if kernel < 3 or outputs > 4:
        return 1
    for side in (4, 2) if outputs == 1 else (2,):
        if height % side == 0 and width % side == 0:
            return side
    return 1


def grown_view(grown: Tensor, outputs: int, kernel: int, side: int) -> Tensor:
    """Where the copies of a kernel lie in a grown one: (O*s*s, C, K+s-1, K+s-1), contiguous -> a view (O, s, s, C, K, K).

    Entry (o, i, j, c, u, v) of the view is entry (o, i, j, c, i + u, j + v) of the grown kernel: pixel (i, j) of a block.
    """
    channels, reach = grown.shape[1], kernel + side - 1
    plane = reach * reach
    step_j = channels * plane
    step_i = side * step_j
    return grown.as_strided(
        (outputs, side, side, channels, kernel, kernel), (side * step_i, step_i + reach, step_j + 1, plane, reach, 1)
    )


class BlockConvolution(torch.autograd.Function):
    """The folded form of ``conv2d(image, weight, padding=(K - 1) / 2)`` and of its gradients; differentiable twice."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, side: int) -> Tensor:
        outputs, channels, kernel, _ = weight.shape
        reach = kernel + side - 1
        grown = weight.new_zeros(outputs * side * side, channels, reach, reach)
        grown_view(grown, outputs, kernel, side).copy_(weight[:, None, None])
        ctx.save_for_backward(image, weight)
        ctx.side = side
        blocks = F.conv2d(image, grown, stride=side, padding=kernel // 2)  # (N, O*s*s, H/s, W/s)
        return F.pixel_shuffle(blocks, side)  # (N, O, H, W)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        image, weight = ctx.saved_tensors
        outputs, channels, kernel, _ = weight.shape
        side, padding = ctx.side, kernel // 2
        grad_image = grad_weight = None
        if ctx.needs_input_grad[0]:  # a convolution from O to C channels: wide already
            grad_image = convolution_gradient(grad, image, weight, 1, padding, (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            reach = kernel + side - 1
            blocks = F.pixel_unshuffle(grad, side)
            shape = weight.new_empty(outputs * side * side, channels, reach, reach)
            grown = convolution_gradient(blocks, image, shape, side, padding, (False, True, False))[1]
            grad_weight = grown_view(grown.contiguous(), outputs, kernel, side).sum((1, 2))
        return grad_image, grad_weight, None


def convolution_gradient(
    grad: Tensor, image: Tensor, weight: Tensor, stride: int, padding: int, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of ``conv2d(image, weight, stride=stride, padding=padding)``: to image, weight, bias, those that are wanted."""
    grad = grad.contiguous(memory_format=torch.channels_last)
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        grad, image, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, list(wanted)
    )
    return found


def vectorised() -> bool:
    """Whether this machine's convolutions are oneDNN's for x86, which the folded form was measured on."""
    return bool(torch._C._has_mkldnn) and torch.backends.cpu.get_cpu_capability().startswith("AVX")


class FoldConv2d(nn.Conv2d):
    """``nn.Conv2d`` with stride 1 and same padding, the same parameters and values, faster on a CPU when O is small.

    It computes the plain convolution wherever the folded form does not apply or is not faster: on other devices, with more
    than 4 output channels, a 1x1 kernel, sides that no block divides, float64, and while a model is exported or compiled.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, padding: int, bias: bool = True) -> None:
        if 2 * padding != kernel - 1:
            raise ValueError(f"kernel {kernel} with padding {padding} does not keep the picture's size")
        super().__init__(inputs, outputs, kernel, padding=padding, bias=bias)
        self.fast = vectorised()

    def forward(self, image: Tensor) -> Tensor:
        if not self.fast or image.device.type != "cpu" or image.dim() != 4 or torch.compiler.is_compiling():
            return super().forward(image)
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            image, weight = image.to(dtype), weight.to(dtype)
        side = block_for(weight, image)
        if side == 1 or image.dtype not in (torch.float32, torch.bfloat16) or image.dtype != weight.dtype:
            return super().forward(image)
        painted: Tensor = BlockConvolution.apply(image, weight, side)  # type: ignore[no-untyped-call]
        return painted if self.bias is None else painted + self.bias.to(painted.dtype).view(-1, 1, 1)
