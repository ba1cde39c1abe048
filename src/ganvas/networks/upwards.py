"""The transposed convolution that doubles a picture (4x4, stride 2, padding 1), quicker to train on a CPU.

Two things cost more in PyTorch than they must. oneDNN takes the gradient of its bias on a path as slow as the weights',
where a plain sum is enough. And to few output channels it wastes most of a vector, as ``fold`` explains: here each 2x2 block of
output pixels, which sees 3x3 input pixels, is folded into channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.networks.fold import grown_view, vectorised
from ganvas.networks.patches import quicker_by_patches, weight_gradient


class Doubling(torch.autograd.Function):
    """``conv_transpose2d(image, weight, bias, stride=2, padding=1)`` of a 4x4 kernel; differentiable twice."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(image, weight)
        ctx.has_bias = bias is not None
        return doubled(image, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        image, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        by_patches = ctx.needs_input_grad[1] and quicker_by_patches(image)
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1] and not by_patches, False]
        found = torch.ops.aten.convolution_backward(grad, image, weight, None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1, wanted)
        # Seen from its output, the layer is the convolution whose input gradient it computes.
        grad_weight = weight_gradient(image, grad, 4, 2, 1) if by_patches else found[1]
        summed = ctx.has_bias and ctx.needs_input_grad[2]
        return found[0], grad_weight, grad.sum((0, 2, 3)) if summed else None


def doubled(image: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The values: by blocks to 4 or fewer channels, directly to more."""
    inputs, outputs = weight.shape[:2]
    if outputs > 4:
        return F.conv_transpose2d(image, weight, bias, stride=2, padding=1)
    # Output row 2i + a is x[i - 1 + a] w[3 - a] + x[i + a] w[1 - a]: the kernel turned around, every second row, moved by a.
    turned = weight.flip(2, 3).view(inputs, outputs, 2, 2, 2, 2)  # (C, O, t, a, t', b)
    grown = weight.new_zeros(outputs * 4, inputs, 3, 3)
    grown_view(grown, outputs, 2, 2).copy_(turned.permute(1, 3, 5, 0, 2, 4))  # (O, a, b, C, t, t')
    repeated = None if bias is None else bias.repeat_interleave(4)
    return F.pixel_shuffle(F.conv2d(image, grown, repeated, padding=1), 2)


class DoublingConv2d(nn.ConvTranspose2d):
    """``nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)``: same parameters, same values up to rounding."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 4, stride=2, padding=1, bias=bias)
        self.fast = vectorised()

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        if not self.fast or output_size or image.dim() != 4 or image.device.type != "cpu" or torch.compiler.is_compiling():
            return super().forward(image, output_size)
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            image, weight = image.to(dtype), weight.to(dtype)
            bias = None if bias is None else bias.to(dtype)
        doubled_image: Tensor = Doubling.apply(image, weight, bias)  # type: ignore[no-untyped-call]
        return doubled_image
