"""What moving mass costs: checks of samples and weights, and the matrix of |x - y|^p."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganvas.errors import UsageError

Order = Literal[1, 2]
"""p of W_p: 1 charges the length of a move, 2 its square."""


def check_samples(a: Tensor, b: Tensor) -> None:
    """Raises UsageError unless both samples are finite, not empty and of one dimension."""
    if len(a) == 0 or len(b) == 0:
        raise UsageError("the distance to an empty sample is not defined", "give both sides at least one point")
    if a.shape[1:] != b.shape[1:]:
        raise UsageError(
            f"the samples differ in shape: {tuple(a.shape[1:])} and {tuple(b.shape[1:])}", "bring both to one size"
        )
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise UsageError("a sample holds NaN or infinity", "check the generator that drew it")


def check_order(order: int) -> None:
    """Raises UsageError unless ``order`` is 1 or 2."""
    if order not in (1, 2):
        raise UsageError(f"order {order} is not offered", "use 1 for W1 or 2 for W2")


def as_points(samples: Tensor) -> Tensor:
    """Samples (N, ...) as points (N, d), float64 on the CPU."""
    return samples.detach().to("cpu", torch.float64).reshape(len(samples), -1)


def as_weights(weights: Tensor | None, count: int) -> Tensor:
    """Weights (N,) that sum to 1, float64 on the CPU; equal ones for None.

    Raises:
        UsageError: another number of them than of points, or one that is not above 0 and finite.
    """
    if weights is None:
        return torch.full((count,), 1 / count, dtype=torch.float64)
    weights = weights.detach().to("cpu", torch.float64)
    if weights.shape != (count,):
        raise UsageError(f"{count} points have weights of shape {tuple(weights.shape)}", "give one weight a point")
    if not (torch.isfinite(weights).all() and (weights > 0).all()):
        raise UsageError("a weight is not above 0 and finite", "leave points without weight out")
    return weights / weights.sum()


def costs(a: Tensor, b: Tensor, order: int) -> Tensor:
    """|a_i - b_j|^order of points (N, d) and (M, d), as (N, M)."""
    # Not torch.cdist's default, which goes through |a|^2 + |b|^2 - 2ab and loses the digits of close points.
    length = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    return length if order == 1 else length.square_()
