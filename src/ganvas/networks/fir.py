"""Resampling with a finite impulse response filter, so that halving and doubling a map alias little (Zhang 2019).

The filter is the binomial [1, 3, 3, 1] / 8 along both axes, zero outside the map (Karras et al. 2020, arXiv 1912.04958, after
Karras et al. 2019, section 2). It is one depthwise convolution, which runs on every device, and is differentiable twice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = (1.0, 3.0, 3.0, 1.0)


class Fir(nn.Module):
    """Filters each channel of (N, C, H, W) by itself.

    Args:
        padding: zeros on every side; for ``up``, what is cut from every side of the full response.
        stride: 2 keeps every second pixel.
        up: insert a zero after every pixel first, which doubles the sides; the filter then has 4 times the gain.
        gain: of the filter; its taps sum to this.
    """

    kernel: Tensor

    def __init__(self, *, padding: int, stride: int = 1, up: bool = False, gain: float = 1.0) -> None:
        super().__init__()
        taps = torch.tensor(TAPS) / sum(TAPS)
        self.register_buffer("kernel", torch.outer(taps, taps).mul_(gain * (4 if up else 1))[None, None])  # (1, 1, 4, 4)
        self.padding, self.stride, self.up = padding, stride, up

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, -1, -1, -1)
        if self.up:
            return F.conv_transpose2d(x, kernel, stride=2, padding=self.padding, groups=channels)
        return F.conv2d(x, kernel, stride=self.stride, padding=self.padding, groups=channels)


def doubling() -> Fir:
    """(N, C, H, W) -> (N, C, 2H, 2W)."""
    return Fir(padding=1, up=True)


def halving() -> Fir:
    """(N, C, H, W) -> (N, C, H/2, W/2), H and W even."""
    return Fir(padding=1, stride=2)


def before_halving() -> Fir:
    """What a 3x3 convolution of stride 2 without padding halves next: (N, C, H, W) -> (N, C, H + 1, W + 1)."""
    return Fir(padding=2)


def after_doubling() -> Fir:
    """What follows a 3x3 transposed convolution of stride 2: (N, C, 2H + 1, 2W + 1) -> (N, C, 2H, 2W)."""
    return Fir(padding=1, gain=4.0)
