"""Example 1 of the WGAN paper: two parallel lines, of which all divergences but the transport distance say nothing.

Z ~ U(0, 1); real points are (0, Z), generated ones (theta, Z). What is shown is computed from fresh samples of both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.transport import emd

CELL = 0.02
"""Side of the histogram's cells across the lines; along them a cell is a tenth."""
BINNED, TRANSPORTED = 20_000, 400
"""Samples a side for the histogram and for the exact transport."""


class Divergences(NamedTuple):
    """Between real and generated samples. Nats; W1 in the samples' units; KL is infinite where a cell holds reals alone."""

    theta: float
    js: float
    kl: float
    total_variation: float
    w1: float


def line(theta: float, count: int, generator: torch.Generator) -> Tensor:
    """``count`` points (theta, Z), float64 (count, 2)."""
    height = torch.rand(count, generator=generator, dtype=torch.float64)
    return torch.stack([torch.full_like(height, theta), height], dim=1)


def divergences(theta: float, seed: int) -> Divergences:
    """What each divergence measures between samples of the lines at 0 and at ``theta``."""
    generator = torch.Generator().manual_seed(seed)
    p, q = shares(line(0.0, BINNED, generator), line(theta, BINNED, generator))
    middle = (p + q) / 2
    w1 = emd(line(0.0, TRANSPORTED, generator), line(theta, TRANSPORTED, generator))
    return Divergences(
        theta, (relative(p, middle) + relative(q, middle)) / 2, relative(p, q), float((p - q).abs().sum()) / 2, w1
    )


def shares(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The share of each sample in each cell that holds a point of either, (cells,) each."""
    cells = torch.cat([a, b]) / torch.tensor([CELL, 0.1], dtype=torch.float64)
    _, index = cells.round().unique(dim=0, return_inverse=True)
    size = int(index.max()) + 1
    in_a, in_b = (torch.bincount(part, minlength=size).double() for part in (index[: len(a)], index[len(a) :]))
    return in_a / len(a), in_b / len(b)


def relative(p: Tensor, q: Tensor) -> float:
    """KL(p | q) in nats: infinite where q is 0 and p is not."""
    held = p > 0
    return math.inf if bool((q[held] == 0).any()) else float((p[held] * (p[held] / q[held]).log()).sum())
