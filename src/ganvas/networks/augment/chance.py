"""Draws that happen with a chance p: a number, or a scalar tensor on the device, which no draw brings to the host."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

Chance = Tensor | float


def happens(like: Tensor, chance: Chance) -> Tensor:
    """Which of the pictures ``like`` (N, ...) something happens to, (N,) bool."""
    return torch.rand(len(like), device=like.device) < chance


@cache
def constant(values: tuple[float, ...], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """These values on the device, brought there once: every such copy stops a GPU."""
    return torch.tensor(values, device=device, dtype=dtype)


def uniform(like: Tensor, low: float, high: float, columns: int = 1) -> Tensor:
    """U(low, high), (N, columns) float32."""
    return torch.rand(len(like), columns, device=like.device) * (high - low) + low


def normal(like: Tensor, deviation: float, columns: int = 1) -> Tensor:
    """N(0, deviation^2), (N, columns) float32."""
    return torch.randn(len(like), columns, device=like.device) * deviation


def scales(like: Tensor, deviation: float, chance: Chance) -> Tensor:
    """Factors 2^x, x ~ N(0, deviation^2), with this chance and 1 otherwise; (N,). exp(0) is 1 to the bit."""
    return (normal(like, deviation)[:, 0] * happens(like, chance) * math.log(2)).exp()
