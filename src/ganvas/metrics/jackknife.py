"""The standard error of a Frechet distance, by leaving out one group of samples after another."""

from __future__ import annotations

from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.moments import Moments


def frechet_error(a: Tensor, b: Tensor, *, groups: int = 10) -> float:
    """The grouped jackknife of ``frechet_distance(a, b)``, features (N, d) and (M, d) in random order.

    Each of ``groups`` parts of either side is left out in turn; the standard deviation of the distances of what remains, times
    sqrt(groups - 1), estimates the standard error (Efron and Stein 1981; Wolter 2007, chapter 4). Duplicates, which
    a bootstrap draws, would shrink the covariances; leaving out does not.

    Raises:
        UsageError: fewer than two groups, or fewer samples than groups leave for a covariance.
    """
    if groups < 2 or min(len(a), len(b)) < 2 * groups:
        raise UsageError(f"{groups} groups of {min(len(a), len(b))} samples", "use at least two groups of two")
    parts = [[Moments.of(part) for part in side.tensor_split(groups)] for side in (a, b)]
    distances = []
    for left_out in range(groups):
        first, second = (joined([part for index, part in enumerate(side) if index != left_out]) for side in parts)
        distances.append(first.frechet(second))
    mean = sum(distances) / groups
    return float(((groups - 1) / groups * sum((distance - mean) ** 2 for distance in distances)) ** 0.5)


def joined(parts: list[Moments]) -> Moments:
    """The moments of all parts together."""
    whole = Moments(len(parts[0].mean))
    for part in parts:
        whole.merge(part)
    return whole
