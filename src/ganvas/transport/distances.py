"""A Wasserstein distance as a person may quote it: the number, and which quantity it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ganvas.errors import ResourceError, UsageError
from ganvas.transport.cost import as_points, check_order, check_samples
from ganvas.transport.entropic import refuse_too_large, sinkhorn
from ganvas.transport.exact import MOST_PAIRS, wasserstein, wasserstein_1d
from ganvas.transport.gaussian import gaussian_w2
from ganvas.transport.sliced import sliced_distance

Method = Literal["auto", "exact", "sinkhorn", "sliced", "gaussian"]


@dataclass(frozen=True)
class Distance:
    """One distance between two samples.

    Args:
        value: in the samples' units.
        order: p of W_p.
        method: "exact", "sinkhorn", "sliced" or "gaussian".
        quantity: what the value is, in words.
        exact: whether it is W_p of the samples themselves, but for rounding.
        a, b: points on each side.
        seed: of the directions of a sliced distance, else None.
        facts: what else was found: bounds, regularisation, errors.
    """

    value: float
    order: int
    method: str
    quantity: str
    exact: bool
    a: int
    b: int
    seed: int | None = None
    facts: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.quantity}, {self.a:,} against {self.b:,} points)"


def distance(a: Tensor, b: Tensor, order: int = 1, *, method: Method = "auto", seed: int = 0) -> Distance:
    """W_p between the samples ``a`` (N, ...) and ``b`` (M, ...), points of equal weight, with its name and its limits.

    Args:
        order: p, 1 or 2.
        method: "auto" is exact up to 5,000 x 5,000 points, Sinkhorn where its costs fit in memory, else sliced.
        seed: of a sliced distance's directions.

    Raises:
        UsageError: the samples do not compare, or the method is unknown or has no such order.
        ResourceError: the method's arrays do not fit.
    """
    check_samples(a, b)
    check_order(order)
    if method == "auto":
        method = affordable(len(a), len(b), a.device)
    if method not in METHODS:
        raise UsageError(f"there is no transport method {method!r}", f"choose from auto, {', '.join(METHODS)}")
    return METHODS[method](a, b, order, seed)


def affordable(n: int, m: int, device: torch.device | None = None) -> Method:
    """The most exact method that n x m points allow."""
    if n * m <= MOST_PAIRS:
        return "exact"
    try:
        refuse_too_large(max(n, m), max(n, m), device)
    except ResourceError:
        return "sliced"
    return "sinkhorn"


def by_simplex(a: Tensor, b: Tensor, order: int, seed: int) -> Distance:
    if a[0].numel() == 1:
        value = wasserstein_1d(as_points(a)[:, 0], as_points(b)[:, 0], order)
        return Distance(value, order, "exact", f"W{order} of the samples, exact, by sorting", True, len(a), len(b))
    value = wasserstein(a, b, order)
    return Distance(value, order, "exact", f"W{order} of the samples, exact, network simplex", True, len(a), len(b))


def by_sinkhorn(a: Tensor, b: Tensor, order: int, seed: int) -> Distance:
    found = sinkhorn(a, b, order)
    facts = {
        "lower": found.lower,
        "upper": found.upper,
        "divergence": found.divergence,
        "regularisation": found.regularisation,
        "marginal_error": found.marginal_error,
        "iterations": found.iterations,
    }
    words = f"upper bound of W{order} by Sinkhorn, which is at least {found.lower:.4g}"
    return Distance(found.upper, order, "sinkhorn", words, False, len(a), len(b), facts=facts)


def by_slices(a: Tensor, b: Tensor, order: int, seed: int) -> Distance:
    found = sliced_distance(a, b, order, seed=seed)
    facts = {"standard_error": found.standard_error, "directions": found.directions}
    words = f"sliced W{order} over {found.directions} directions, about W{order} / sqrt(d) and at most W{order}"
    return Distance(found.value, order, "sliced", words, False, len(a), len(b), seed, facts)


def by_moments(a: Tensor, b: Tensor, order: int, seed: int) -> Distance:
    if order != 2:
        raise UsageError("the closed form between Gaussians is for W2", "use order 2")
    words = "W2 between Gaussians of the same moments, at most W2"
    return Distance(gaussian_w2(a, b), order, "gaussian", words, False, len(a), len(b))


METHODS: dict[str, Callable[[Tensor, Tensor, int, int], Distance]] = {
    "exact": by_simplex,
    "sinkhorn": by_sinkhorn,
    "sliced": by_slices,
    "gaussian": by_moments,
}
