"""Improved precision and recall: how much of each sample lies on the other's manifold."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ganvas.metrics.features import as_features
from ganvas.metrics.neighbours import inside_any, neighbour_radii


class PrecisionRecall(NamedTuple):
    """``precision``: the share of generated samples near a real one (quality). ``recall``: the reverse (variety). 0..1.

    Two samples of one distribution do not score 1: each has 1 - P(in-degree 0 in the k-nearest-neighbour graph of the real
    samples and one generated), which for k = 1 is 3/4 on the line and tends to 1 - 1/e in many dimensions.
    """

    precision: float
    recall: float


def precision_recall(real: Tensor, generated: Tensor, *, k: int = 3) -> PrecisionRecall:
    """Of features ``real`` (N, d) and ``generated`` (M, d) (Kynkaanniemi et al. 2019, equations 1 to 3).

    A sample is on a manifold when it lies in the ball about one of its points that reaches to that point's k-th neighbour.
    Both scores grow with the number of samples and depend on its balance: compare equal counts.

    Raises:
        UsageError: fewer than k + 1 samples on a side, different d, or features that are not finite.
    """
    real, generated = as_features(real, generated, at_least=k + 1)
    return PrecisionRecall(
        precision=float((inside_any(generated, real, neighbour_radii(real, k)) > 0).double().mean()),
        recall=float((inside_any(real, generated, neighbour_radii(generated, k)) > 0).double().mean()),
    )
