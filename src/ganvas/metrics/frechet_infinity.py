"""The Frechet distance of endless samples, extrapolated from finite ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.features import as_features
from ganvas.metrics.moments import Moments


class FrechetInfinity(NamedTuple):
    """``value``: the extrapolated distance (may fall below 0 by chance); ``slope``: its bias at N samples is slope / N."""

    value: float
    slope: float


def frechet_infinity(
    generated: Tensor, real: Tensor | Moments, *, sizes: int = 15, smallest: float = 0.1, seed: int = 0
) -> FrechetInfinity:
    """FID-infinity (Chong and Forsyth 2020): the intercept of a line through the distances at several N, against 1 / N.

    The distance of N samples is too large by about slope / N. ``real`` as ``Moments`` stays as it is, which is the paper's
    form and leaves its share of the bias in. ``real`` as features (M, d) shrinks with the generated sample, in proportion, so
    that the bias of both sides is gone; this is not in the paper.

    Args:
        generated: features (N, d).
        sizes: how many sizes, evenly spaced up to N; the paper's 15.
        smallest: the smallest size over N (the paper: 5,000 of 50,000); it must leave more samples than d.
        seed: of the random subsets.

    Raises:
        UsageError: too few samples for the smallest size, different d, or features that are not finite.
    """
    (generated,) = as_features(generated)
    reference = as_features(real, generated)[0] if isinstance(real, Tensor) else None
    fewest = smallest * min(len(generated), len(generated) if reference is None else len(reference))
    if not 0 < smallest < 1 or sizes < 2 or fewest <= generated.shape[1] + 1:
        raise UsageError(
            f"{fewest:.0f} samples of {generated.shape[1]} components are too few to extrapolate from",
            "give more samples or a larger share for the smallest size",
        )
    generator = torch.Generator().manual_seed(seed)

    def subset(features: Tensor, share: float) -> Moments:
        order = torch.randperm(len(features), generator=generator)[: round(share * len(features))]
        return Moments.of(features[order.to(features.device)])

    inverse, distances = [], []
    for share in torch.linspace(smallest, 1, sizes, dtype=torch.float64).tolist():
        part = subset(generated, share)
        other = real if isinstance(real, Moments) else subset(real, share)
        inverse.append(1 / part.count)
        distances.append(part.frechet(other))
    x, y = torch.tensor(inverse, dtype=torch.float64), torch.tensor(distances, dtype=torch.float64)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return FrechetInfinity(float(y.mean() - slope * x.mean()), float(slope))
