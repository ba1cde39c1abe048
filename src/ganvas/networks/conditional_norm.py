"""Batch norm whose gain and shift depend on what is to be drawn (Dumoulin et al. 2017; de Vries et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ConditionalBatchNorm2d(nn.Module):
    """(1 + gain(c)) * (x - mean) / deviation + shift(c), both of them (N, C): (N, C, H, W), condition -> the same shape.

    Args:
        channels: C.
        gain, shift: from the condition to (N, C).
    """

    def __init__(self, channels: int, gain: nn.Module, shift: nn.Module) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = gain, shift

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gain, shift = (layer(condition)[:, :, None, None] for layer in (self.gain, self.shift))
        normal: Tensor = self.norm(x)
        return torch.addcmul(shift.to(normal.dtype), normal, 1 + gain.to(normal.dtype))


class UnconditionalBatchNorm2d(nn.BatchNorm2d):
    """Plain batch norm in the place of a conditional one: the condition is not looked at."""

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(x)


Norm = Callable[[int], nn.Module]
"""Makes the norm of a map of so many channels; the module is called with the map and the condition."""


def by_class(classes: int) -> Norm:
    """A gain and a shift a class, starting at 1 and 0; the condition is a label (N,). 0 classes: plain batch norm."""

    def make(channels: int) -> nn.Module:
        if not classes:
            return UnconditionalBatchNorm2d(channels)
        gain, shift = nn.Embedding(classes, channels), nn.Embedding(classes, channels)
        nn.init.zeros_(gain.weight)
        nn.init.zeros_(shift.weight)
        return ConditionalBatchNorm2d(channels, gain, shift)

    return make


def by_vector(size: int) -> Norm:
    """Gain and shift linear in a condition vector (N, size) (Brock et al. 2019, appendix B)."""

    def make(channels: int) -> nn.Module:
        return ConditionalBatchNorm2d(channels, *(nn.Linear(size, channels, bias=False) for _ in range(2)))

    return make
