"""Entropic transport for samples too large for the simplex: Sinkhorn's iteration, and what it proves of the exact distance.

The cost matrix is held once, in float32, and walked in blocks; a general solver's five arrays of N x M would not fit where
this is needed. Potentials start from a coarse regularisation that shrinks to the wanted one (Schmitzer 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.errors import ResourceError, UsageError
from ganvas.transport.cost import as_points, as_weights, check_order, check_samples, costs

RELATIVE = 0.01
"""The default regularisation over the mean cost: finer needs more iterations, coarser leaves a wider bracket."""
BLOCK = 1 << 20
"""Entries of the cost matrix that are worked on at once."""
COOLING = 0.7
"""Ratio of one regularisation to the one before it."""


@dataclass(frozen=True)
class Entropic:
    """What Sinkhorn's iteration found; all distances are W_p, not their p-th powers, in the samples' units.

    Args:
        upper: from the entropic plan, rounded to the exact marginals (Altschuler et al. 2017): some plan's cost, so W_p <= it.
        lower: from the potentials, made feasible by two c-transforms: a dual value, so W_p >= it.
        divergence: the debiased Sinkhorn divergence (Feydy et al. 2019) to the power 1/p: 0 between equal samples, no bound.
        regularisation: epsilon, in units of the cost |x - y|^p; the entropy is relative to the product of the marginals.
        marginal_error: sum of the absolute errors of the entropic plan's marginals before rounding, of 2 at most.
        iterations: at the final regularisation.
    """

    order: int
    upper: float
    lower: float
    divergence: float
    regularisation: float
    marginal_error: float
    iterations: int


def sinkhorn(
    a: Tensor,
    b: Tensor,
    order: int = 1,
    *,
    regularisation: float | None = None,
    tolerance: float = 1e-3,
    most: int = 500,
    weights_a: Tensor | None = None,
    weights_b: Tensor | None = None,
) -> Entropic:
    """Entropic transport between ``a`` (N, ...) and ``b`` (M, ...) (Cuturi 2013), on the device of ``a``.

    Args:
        regularisation: epsilon above 0; ``RELATIVE`` times the mean cost when None.
        tolerance: of the marginals' error, at which it stops; ``most`` iterations else, and the error says how far it came.
        weights_a, weights_b: (N,) and (M,), equal when None.

    Raises:
        UsageError: as ``transport_plan``, or a regularisation that is not above 0.
        ResourceError: the cost matrix does not fit in memory.
    """
    check_samples(a, b)
    check_order(order)
    if regularisation is not None and not (math.isfinite(regularisation) and regularisation > 0):
        raise UsageError(f"regularisation={regularisation!r} is out of range", "it must be above 0")
    largest = max(len(a), len(b))  # the divergence needs each sample's costs to itself as well
    refuse_too_large(largest, largest, a.device)
    mass_a, mass_b = as_weights(weights_a, len(a)), as_weights(weights_b, len(b))
    problem = Problem(a, b, mass_a, mass_b, order)
    epsilon = regularisation or RELATIVE * problem.mean_cost
    if epsilon == 0:  # all points are one point
        return Entropic(order, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    f, g, error, iterations = problem.solve(epsilon, tolerance, most)
    upper, lower = problem.rounded_cost(f, g, epsilon), problem.feasible_value(g)
    value = problem.dual(f, g)
    del problem
    for side, mass in ((a, mass_a), (b, mass_b)):
        f = Problem(side, side, mass, mass, order).solve_with_itself(epsilon, tolerance, most)
        value -= float(mass @ f.double().cpu())
    upper, lower, value = (max(power, 0.0) ** (1 / order) for power in (upper, lower, value))
    return Entropic(order, upper, lower, value, epsilon, error, iterations)


class Problem:
    """One pair of weighted samples with their costs; masses and potentials in float32 on the samples' device."""

    def __init__(self, a: Tensor, b: Tensor, mass_a: Tensor, mass_b: Tensor, order: int) -> None:
        device = torch.device("cpu") if a.device.type == "mps" else a.device  # MPS has no float64, which the bounds need
        self.cost = torch.empty(len(a), len(b), device=device)  # (N, M)
        points_a, points_b = as_points(a), as_points(b)
        for rows in blocks(len(a), len(b)):
            self.cost[rows] = costs(points_a[rows], points_b, order).to(device, torch.float32)
        self.mass_a, self.mass_b = mass_a.to(device, torch.float32), mass_b.to(device, torch.float32)
        self.mean_cost = float((self.mass_a @ self.cost) @ self.mass_b)

    def solve(self, epsilon: float, tolerance: float, most: int) -> tuple[Tensor, Tensor, float, int]:
        """Potentials f (N,) and g (M,) at ``epsilon``, the marginals' error, and the iterations."""
        g, scale = torch.zeros_like(self.mass_b), max(float(self.cost.max()), epsilon)
        f = self.rows(g, scale)
        while scale > epsilon:
            g, f = self.columns(f, scale), self.rows(g, scale)
            scale *= COOLING
        f, iterations = self.rows(g, epsilon), 0
        while True:
            new = self.columns(f, epsilon)
            # f makes the rows exact; the columns' mass is b exp((g - new) / epsilon).
            error = float((self.mass_b * torch.expm1((g - new) / epsilon).abs()).sum())
            if error <= tolerance or iterations == most:
                return f, g, error, iterations
            f, g, iterations = self.rows(new, epsilon), new, iterations + 1

    def solve_with_itself(self, epsilon: float, tolerance: float, most: int) -> Tensor:
        """The one potential (N,) of a sample against itself, by averaged steps, which need fewer (Feydy et al. 2019)."""
        f, scale = torch.zeros_like(self.mass_a), max(float(self.cost.max()), epsilon)
        while scale > epsilon:
            f = (f + self.rows(f, scale)) / 2
            scale *= COOLING
        for _ in range(most):
            new = self.rows(f, epsilon)
            error = float((self.mass_a * torch.expm1((f - new) / epsilon).abs()).sum())
            f = (f + new) / 2
            if error <= tolerance:
                break
        return f

    def rows(self, g: Tensor, epsilon: float) -> Tensor:
        """f_i = -epsilon log sum_j b_j exp((g_j - C_ij) / epsilon), (N,)."""
        shift = g / epsilon + self.mass_b.log()
        parts = [torch.logsumexp(shift - self.cost[rows] / epsilon, 1) for rows in blocks(*self.cost.shape)]
        return -epsilon * torch.cat(parts)

    def columns(self, f: Tensor, epsilon: float) -> Tensor:
        """g_j = -epsilon log sum_i a_i exp((f_i - C_ij) / epsilon), (M,)."""
        shift = (f / epsilon + self.mass_a.log())[:, None]
        n, m = self.cost.shape
        parts = [torch.logsumexp(shift - self.cost[:, part] / epsilon, 0) for part in blocks(m, n)]
        return -epsilon * torch.cat(parts)

    def dual(self, f: Tensor, g: Tensor) -> float:
        """The entropic dual value where the marginals are met: <a, f> + <b, g>."""
        return float(self.mass_a.double() @ f.double() + self.mass_b.double() @ g.double())

    def plan(self, rows: slice, f: Tensor, g: Tensor, epsilon: float) -> Tensor:
        """Some rows of the entropic plan, float64."""
        exponent = (f[rows, None].double() + g.double() - self.cost[rows].double()) / epsilon
        return exponent.exp_() * self.mass_a[rows, None] * self.mass_b

    def rounded_cost(self, f: Tensor, g: Tensor, epsilon: float) -> float:
        """The cost of the plan rounded to the exact marginals (Altschuler et al. 2017, algorithm 2)."""
        a, b = self.mass_a.double(), self.mass_b.double()
        parts = list(blocks(*self.cost.shape))
        shrink = torch.cat([(a[rows] / self.plan(rows, f, g, epsilon).sum(1)).clamp_(max=1) for rows in parts])
        columns = sum(shrink[rows] @ self.plan(rows, f, g, epsilon) for rows in parts)
        narrow = (b / columns).clamp_(max=1)
        cost, left_b, left_a = 0.0, b.clone(), a.clone()
        for rows in parts:
            plan = self.plan(rows, f, g, epsilon) * shrink[rows, None] * narrow
            cost += float((plan * self.cost[rows]).sum())
            left_a[rows] -= plan.sum(1)
            left_b -= plan.sum(0)
        left = float(left_a.sum())
        if left <= 0:
            return cost
        return cost + sum(float(left_a[rows] @ (self.cost[rows].double() @ left_b)) for rows in parts) / left

    def feasible_value(self, g: Tensor) -> float:
        """The dual value of the potentials f = g^c and f^c, for which f_i + g_j <= C_ij holds everywhere."""
        n, m = self.cost.shape
        f = torch.cat([(self.cost[rows] - g).amin(1) for rows in blocks(n, m)])
        return self.dual(f, torch.cat([(self.cost[:, part] - f[:, None]).amin(0) for part in blocks(m, n)]))


def blocks(length: int, width: int) -> Iterator[slice]:
    """Slices of ``length`` rows of ``width`` entries, about ``BLOCK`` entries each."""
    step = max(1, BLOCK // width)
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def refuse_too_large(n: int, m: int, device: torch.device | None = None) -> None:
    """Raises ResourceError when a float32 cost matrix of n x m does not fit in the memory of ``device`` (None: the CPU)."""
    import psutil

    on_gpu = device is not None and device.type == "cuda"
    needed, free = 4 * n * m, torch.cuda.mem_get_info(device)[0] if on_gpu else psutil.virtual_memory().available
    if needed > 0.8 * free:
        raise ResourceError(
            f"the costs of {n:,} x {m:,} pairs need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            "use fewer points, or choose sliced",
        )
