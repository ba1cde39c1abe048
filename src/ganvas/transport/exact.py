"""The exact Wasserstein distance between two finite samples: the primal problem of Kantorovich, min over couplings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.errors import ResourceError, UsageError
from ganvas.transport.cost import as_points, as_weights, check_order, check_samples, costs

PIVOTS = 10_000_000
"""Network simplex pivots before giving up; 4,000 points a side need about a hundredth of it."""
MOST_PAIRS = 5_000 * 5_000
"""Entries of the largest cost matrix that is solved exactly: about 5 s of a core, and 4 arrays of 200 MB."""
ARRAYS = 4
"""float64 arrays of N x M that the simplex holds at its peak: the cost, its copy, the flow and the plan."""


@dataclass(frozen=True)
class Plan:
    """The cheapest way to move one sample onto another, and the prices that prove that there is none cheaper.

    Args:
        order: p of W_p; a move costs its length to the power p.
        cost: the primal value, the sum of mass times cost: W_p^p.
        dual: the dual value, the weighted sum of the potentials; equal to ``cost`` but for rounding.
        source, target: int64 (K,), K <= N + M - 1: mass moves from a[source] to b[target].
        mass: float64 (K,), above 0, sums to 1.
        length: float64 (K,), |a[source] - b[target]|.
        potential_a, potential_b: float64 (N,) and (M,), u_i + v_j <= |a_i - b_j|^p, with equality where mass moves.
    """

    order: int
    cost: float
    dual: float
    source: Tensor
    target: Tensor
    mass: Tensor
    length: Tensor
    potential_a: Tensor
    potential_b: Tensor

    @property
    def distance(self) -> float:
        """W_p, in the samples' units."""
        return float(max(self.cost, 0.0) ** (1 / self.order))


def transport_plan(
    a: Tensor, b: Tensor, order: int = 1, *, weights_a: Tensor | None = None, weights_b: Tensor | None = None
) -> Plan:
    """The optimal plan from ``a`` (N, ...) to ``b`` (M, ...), by the network simplex of POT (Bonneel et al. 2011).

    Time grows as about N^2.3: 0.2 s at N = M = 1,000, 4 s at 4,000. Weights (N,) and (M,) are equal when None.

    Raises:
        UsageError: a sample is empty or not finite, the two differ in shape, or weights are not above 0.
        ResourceError: more pairs than ``MOST_PAIRS`` or than memory holds, or the simplex did not finish.
    """
    import ot  # not at the top: its import takes a second

    check_samples(a, b)
    check_order(order)
    refuse_too_many(len(a), len(b))
    a, b = as_points(a), as_points(b)
    mass_a, mass_b = as_weights(weights_a, len(a)), as_weights(weights_b, len(b))
    cost = costs(a, b, order)  # (N, M)
    flow, log = ot.emd(mass_a.numpy(), mass_b.numpy(), cost.numpy(), numItermax=PIVOTS, log=True)
    if log["warning"] is not None:
        raise ResourceError(f"the transport between {len(a)} and {len(b)} points did not finish", "use fewer points")
    flow = torch.from_numpy(flow)
    source, target = flow.nonzero(as_tuple=True)
    u, v = torch.from_numpy(log["u"]), torch.from_numpy(log["v"])
    return Plan(
        order=order,
        cost=float(log["cost"]),
        dual=float(mass_a @ u + mass_b @ v),
        source=source,
        target=target,
        mass=flow[source, target],
        length=cost[source, target] ** (1 / order),
        potential_a=u,
        potential_b=v,
    )


def wasserstein(
    a: Tensor, b: Tensor, order: int = 1, *, weights_a: Tensor | None = None, weights_b: Tensor | None = None
) -> float:
    """W_p between ``a`` (N, ...) and ``b`` (M, ...), exact; see ``transport_plan`` for its cost, limits and errors."""
    return transport_plan(a, b, order, weights_a=weights_a, weights_b=weights_b).distance


def emd(a: Tensor, b: Tensor) -> float:
    """W1 between the samples ``a`` (N, ...) and ``b`` (M, ...), points of equal weight: the earth mover's distance.

    Two samples of one distribution are not at distance 0: compare with ``emd`` of two real samples, the floor.

    Raises:
        UsageError, ResourceError: as ``transport_plan``.
    """
    return wasserstein(a, b, 1)


def wasserstein_1d(
    a: Tensor, b: Tensor, order: int = 1, *, weights_a: Tensor | None = None, weights_b: Tensor | None = None
) -> float:
    """W_p between two samples on the line, (N,) and (M,): the distance of their quantile functions, by sorting.

    Raises:
        UsageError: a sample is empty, not finite, or not one-dimensional, or weights are not above 0.
    """
    if a.dim() != 1 or b.dim() != 1:
        raise UsageError(f"samples on the line have shape (N,), not {tuple(a.shape)} and {tuple(b.shape)}", "use emd")
    check_samples(a, b)
    check_order(order)
    (a, steps_a), (b, steps_b) = quantiles(a, weights_a), quantiles(b, weights_b)
    # Both quantile functions are steps; between the joined breakpoints they are constant.
    breaks = torch.cat([steps_a, steps_b]).sort().values
    widths = breaks.diff(prepend=breaks.new_zeros(1))
    middles = breaks - widths / 2
    quantile_a = a[torch.searchsorted(steps_a, middles).clamp_(max=len(a) - 1)]
    quantile_b = b[torch.searchsorted(steps_b, middles).clamp_(max=len(b) - 1)]
    power = ((quantile_a - quantile_b).abs() ** order * widths).sum()
    return float(power ** (1 / order))


def quantiles(numbers: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """The sorted numbers (N,) and the share of the mass up to each of them (N,), float64."""
    if weights is None:
        # i / N and not a running sum of 1/N: equal shares on both sides then meet to the last bit.
        shares = torch.arange(1, len(numbers) + 1, dtype=torch.float64) / len(numbers)
        return numbers.detach().to("cpu", torch.float64).sort().values, shares
    ordered, place = numbers.detach().to("cpu", torch.float64).sort()
    return ordered, as_weights(weights, len(numbers))[place].cumsum(0)


def refuse_too_many(n: int, m: int) -> None:
    """Raises ResourceError when the cost of n x m pairs is too much to be solved exactly, in time or in memory."""
    import psutil

    needed = ARRAYS * 8 * n * m
    elsewhere = "use at most 5,000 a side, or choose sinkhorn or sliced"
    if n * m > MOST_PAIRS:
        raise ResourceError(f"{n:,} x {m:,} points are {n * m:,} pairs, exact transport takes {MOST_PAIRS:,}", elsewhere)
    if needed > (free := psutil.virtual_memory().available):
        raise ResourceError(
            f"exact transport between {n:,} and {m:,} points needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            "use fewer points, or choose sliced",
        )
