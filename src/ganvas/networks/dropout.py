"""Dropout whose random bits are drawn 64 at a time: on a CPU, PyTorch's draws a number for each activation and takes longer
than the convolution that it follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS = 1 << 16
"""Resolution of the probability: 16 bits an activation."""


class Dropout(nn.Dropout):
    """``nn.Dropout``: each activation is 0 with probability p, else scaled so that its mean stays (Srivastava et al. 2014).

    On a CPU p is rounded to a multiple of 2^-16, and the scale is that of the rounded p.
    """

    def forward(self, x: Tensor) -> Tensor:
        kept = round((1 - self.p) * STEPS)
        drawn = self.training and 0 < kept < STEPS and x.numel() > 0
        if not drawn or self.inplace or x.device.type != "cpu" or torch.compiler.is_compiling():
            return super().forward(x)
        with torch.no_grad():
            mask = random_bits(x) < kept - STEPS // 2
            scale = mask.to(x.dtype).mul_(STEPS / kept)
        return x * scale


def random_bits(like: Tensor) -> Tensor:
    """Uniform int16, of the shape and memory layout of ``like``, from torch's global generator."""
    words = torch.empty((like.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    flat = words.view(torch.int16)[: like.numel()]
    dense = torch.empty_like(like, device="meta")  # strides of a fresh tensor in the layout of ``like``, without gaps
    return flat.as_strided(dense.shape, dense.stride())
