"""Precision, recall, density and coverage at once: three passes over distances where one by one they take seven."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.metrics.features import as_features
from ganvas.metrics.neighbours import distance_blocks


class ManifoldScores(NamedTuple):
    """See ``precision_recall`` and ``density_coverage``; each with the standard error of its own count, manifolds held fixed.

    How the balls themselves vary with the sample is not in these errors: they say what counting fewer than endless samples
    leaves open.
    """

    precision: tuple[float, float]
    recall: tuple[float, float]
    density: tuple[float, float]
    coverage: tuple[float, float]


def manifold_scores(
    real: Tensor, generated: Tensor, *, k: int = 3, wide: int = 5, radii: tuple[Tensor, Tensor] | None = None
) -> ManifoldScores:
    """All four of features ``real`` (N, d) and ``generated`` (M, d), equal to the single functions' at their default k.

    Args:
        k: neighbours of precision and recall.
        wide: neighbours of density and coverage.
        radii: ``ball_radii(real, k, wide)`` where they are known already.

    Raises:
        UsageError: fewer than k + 1 samples on a side, different d, or features that are not finite.
    """
    real, generated = as_features(real, generated, at_least=max(k, wide) + 1)
    real_near, real_wide = ball_radii(real, k, wide) if radii is None else radii
    generated_near, _ = ball_radii(generated, k, k)
    on_real, around = [], []
    on_generated = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    nearest = torch.full((len(real),), torch.inf, dtype=torch.float64, device=real.device)
    for rows, distance in distance_blocks(generated, real):  # (m, N)
        on_real.append((distance <= real_near).any(1))
        around.append((distance <= real_wide).sum(1))
        on_generated |= (distance <= generated_near[rows, None]).any(0)
        nearest = torch.minimum(nearest, distance.amin(0))
    return ManifoldScores(
        precision=share(torch.cat(on_real)),
        recall=share(on_generated),
        density=share(torch.cat(around).double() / wide),
        coverage=share(nearest <= real_wide),
    )


def ball_radii(points: Tensor, k: int, wide: int) -> tuple[Tensor, Tensor]:
    """The distances (N,) from each of ``points`` (N, d) to its neighbours number ``k`` and ``wide``, k <= wide."""
    (points,) = as_features(points, at_least=wide + 1)
    near, far = points.new_empty(len(points)), points.new_empty(len(points))
    for rows, distance in distance_blocks(points, points):
        own = torch.arange(rows.start, rows.stop, device=points.device)
        distance[own - rows.start, own] = torch.inf
        closest = distance.topk(wide, dim=1, largest=False).values
        near[rows], far[rows] = closest[:, k - 1], closest[:, wide - 1]
    return near, far


def share(values: Tensor) -> tuple[float, float]:
    """Mean and standard error of values a sample."""
    values = values.double()
    return float(values.mean()), float(values.std(correction=0) / len(values) ** 0.5)
