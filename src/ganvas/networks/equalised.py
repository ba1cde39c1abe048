"""Layers with an equalised learning rate, and the leaky ReLU that goes with them.

Weights start from N(0, 1) and are scaled at run time by the constant of He et al. 2015, so that Adam, whose steps do not know
the size of a weight, moves all layers at the same relative speed (Karras et al. 2018, arXiv 1710.10196, section 4.1).
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE, GAIN = 0.2, math.sqrt(2)
"""Of the leaky ReLU: its slope below 0, and the gain that keeps the signal's variance about where it was."""


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Switches autocast off where it is on, for what needs all of float32; the caller converts ``x``."""
    if torch.is_autocast_enabled(x.device.type):
        return torch.autocast(x.device.type, enabled=False)
    return nullcontext()


class EqualisedLinear(nn.Module):
    """x W^T c + b with c = multiplier / sqrt(inputs): (N, inputs) -> (N, outputs).

    Args:
        inputs: fan-in.
        outputs: fan-out.
        start: what the bias starts from.
        multiplier: of the learning rate, beside the equalisation; 0.01 in the mapping network.
        gain: of the output; with ``GAIN`` a leaky ReLU after it has its gain already, since leaky_relu(g x) = g leaky_relu(x).
    """

    def __init__(self, inputs: int, outputs: int, *, start: float = 0.0, multiplier: float = 1.0, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), start / multiplier))
        self.weight_scale = gain * multiplier / math.sqrt(inputs)
        self.bias_scale = gain * multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight_scale, self.bias * self.bias_scale)


class EqualisedConv2d(nn.Module):
    """A convolution with an equalised learning rate: (N, inputs, H, W) -> (N, outputs, H', W'); ``gain`` as in the dense layer.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: its side.
        stride: 1, or 2 to halve the sides.
        padding: zeros on every side; by default what keeps H and W at stride 1.
        gain: of the output.
        bias: whether it has one, starting from 0.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        gain: float = GAIN,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.kernel_size, self.stride = (kernel, kernel), (stride, stride)
        self.padding = kernel // 2 if padding is None else padding
        self.gain, self.scale = gain, gain / math.sqrt(inputs * kernel * kernel)

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias * self.gain
        return F.conv2d(x, self.weight * self.scale, bias, self.stride, self.padding)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, in place, whose gain the layer before it has."""
    return F.leaky_relu(x, SLOPE, inplace=True)
