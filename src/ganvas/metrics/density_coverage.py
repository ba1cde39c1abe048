"""Density and coverage: precision and recall that outliers do not spoil, with known values for a perfect sampler."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from ganvas.metrics.features import as_features
from ganvas.metrics.neighbours import distance_blocks, inside_any, neighbour_radii


class DensityCoverage(NamedTuple):
    """``density``: real balls around a generated sample over the k expected (at least 0, may pass 1; a perfect sampler has 1).

    ``coverage``: the share of real samples with a generated one in their ball, 0..1; see ``perfect_coverage``.
    """

    density: float
    coverage: float


def density_coverage(real: Tensor, generated: Tensor, *, k: int = 5) -> DensityCoverage:
    """Of features ``real`` (N, d) and ``generated`` (M, d) (Naeem et al. 2020, equations 3 and 4).

    The balls are about the real samples and reach to each one's k-th real neighbour.

    Raises:
        UsageError: fewer than k + 1 samples on a side, different d, or features that are not finite.
    """
    real, generated = as_features(real, generated, at_least=k + 1)
    radii = neighbour_radii(real, k)
    density = inside_any(generated, real, radii).double().mean() / k
    covered = sum(int((distance.amin(1) <= radii[rows]).sum()) for rows, distance in distance_blocks(real, generated))
    return DensityCoverage(float(density), covered / len(real))


def perfect_coverage(real: int, generated: int, k: int = 5) -> float:
    """The expected coverage of a perfect sampler: 1 - prod over i < k of (N - 1 - i) / (N + M - 1 - i), whatever the data.

    Among the N - 1 + M others the k nearest of a real sample are all real with that probability (Naeem et al. 2020, lemma 2).
    """
    return 1 - math.prod((real - 1 - i) / (real + generated - 1 - i) for i in range(k))
