"""Row A6: scores of samples whose true score is known by formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganvas.evaluation.accept.rows import Outcome
from ganvas.metrics import (
    Moments,
    cmmd,
    density_coverage,
    frechet_between_gaussians,
    frechet_distance,
    frechet_infinity,
    inception_score,
    kernel_distance,
    perfect_coverage,
    precision_recall,
)
from ganvas.metrics.sliced import sliced_wasserstein

Normal = Callable[..., Tensor]
Figure = tuple[float, float]
"""Measured, and the value of the closed form."""
NULL_SAMPLES = 1500
REPEATS = 12
NOBODYS_NEIGHBOUR = {1: 0.25, 2: 0.284}
"""P(a point of a uniform sample is no other's nearest neighbour) by dimension (Clark and Evans 1955; Henze 1987)."""


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def frechet(normal: Normal) -> dict[str, Figure]:
    """Gaussians of covariances that commute: |m|^2 + sum (sqrt(l_a) - sqrt(l_b))^2; and the bias of equal ones."""
    size, count = 64, 1000
    axes, _ = torch.linalg.qr(normal(size, size))
    shift, a, b = normal(size), normal(size).square(), normal(size).square()
    exact = float(shift.square().sum() + (a.sqrt() - b.sqrt()).square().sum())
    distance = frechet_between_gaussians(shift, axes * a @ axes.T, 0 * shift, axes * b @ axes.T)
    null = mean([frechet_distance(normal(count, size), normal(count, size)) for _ in range(REPEATS)])
    # Extrapolated from both sides, the same null is 0: added to the shift's length, it must not show.
    moved = mean([frechet_infinity(normal(4000, 8) + 0.5, normal(4000, 8)).value for _ in range(REPEATS)])
    return {
        "frechet": (distance, exact),
        "frechet null bias": (null, size * (size + 5) / (2 * count)),
        "frechet infinity": (moved, 8 * 0.5**2),
    }


def polynomial_mmd(shift: Tensor) -> float:
    """MMD^2 between N(0, I) and N(a, I) under (x.y / d + 1)^3, from the moments of s = x.y."""
    size = len(shift)

    def kernel(dot: float, squares: float) -> float:  # a.b and |a|^2 + |b|^2 of the two means
        second = dot**2 + squares + size
        third = dot**3 + 3 * dot * (squares + size) + 6 * dot
        return third / size**3 + 3 * second / size**2 + 3 * dot / size + 1

    norm = float(shift.square().sum())
    return kernel(0, 0) + kernel(norm, 2 * norm) - 2 * kernel(0, norm)


def kernels(normal: Normal) -> dict[str, Figure]:
    """KID of a shift; CMMD of two directions at a right angle, sqrt(2) apart."""
    size, count = 16, 80_000
    shift = torch.full((size,), 0.5, dtype=torch.float64)
    kid = kernel_distance(normal(count, size), normal(count, size) + shift, size=200, subsets=count // 200).value
    directions = cmmd(torch.tensor([[3.0, 0.0]]).repeat(5, 1), torch.tensor([[0.0, 7.0]]).repeat(4, 1))
    return {"kid": (kid, polynomial_mmd(shift)), "cmmd": (directions, 2000 * (1 - math.exp(-0.01)))}


def perfect_samplers(normal: Normal) -> dict[str, Figure]:
    """Density 1 and coverage in any dimension; precision and recall from who is nobody's nearest neighbour."""
    pairs = [(normal(NULL_SAMPLES, 4), normal(NULL_SAMPLES, 4)) for _ in range(REPEATS)]
    density, coverage = zip(*[density_coverage(a, b) for a, b in pairs], strict=True)
    figures = {
        "density null": (mean(list(density)), 1.0),
        "coverage null": (mean(list(coverage)), perfect_coverage(NULL_SAMPLES, NULL_SAMPLES)),
    }
    for size, alone in NOBODYS_NEIGHBOUR.items():
        # Uniform in a cube: the distribution function of the Gaussian, of each coordinate.
        cubes = [tuple(torch.special.ndtr(normal(NULL_SAMPLES, size)) for _ in range(2)) for _ in range(REPEATS)]
        both = [precision_recall(a, b, k=1) for a, b in cubes]
        figures[f"precision null, d={size}"] = (mean([each.precision for each in both]), 1 - alone)
        figures[f"recall null, d={size}"] = (mean([each.recall for each in both]), 1 - alone)
    return figures


def slices(normal: Normal, seed: int) -> dict[str, Figure]:
    """A shift v costs |v| E|cos|; a Gaussian three times as wide costs 2 E|N(0, 1)| along every direction."""
    size = 8
    sample, shift = normal(20_000, size), torch.full((size,), 1 / math.sqrt(size), dtype=torch.float64)
    cosine = math.gamma(size / 2) / (math.sqrt(math.pi) * math.gamma((size + 1) / 2))
    return {
        "sliced, shift": (sliced_wasserstein(sample[:2], sample[:2] + shift, directions=50_000, seed=seed), cosine),
        "sliced, scale": (sliced_wasserstein(sample, 3 * sample, directions=32, seed=seed), 2 * math.sqrt(2 / math.pi)),
    }


def closed_forms_of_scores(seed: int) -> Outcome:
    """A6: every score within 3 % of its formula."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    features = normal(1000, 6) + 1e4
    streamed = Moments(6)
    for batch in features.split([1, 399, 600]):
        streamed.update(batch)
    figures = {
        **frechet(normal),
        **kernels(normal),
        **perfect_samplers(normal),
        **slices(normal, seed),
        "inception score": (inception_score(torch.eye(10).repeat(20, 1)).value, 10.0),
        "streamed covariance": (float(streamed.covariance.trace()), float(torch.cov(features.T).trace())),
    }
    errors = {name: abs(measured / exact - 1) for name, (measured, exact) in figures.items()}
    worst = max(errors, key=lambda name: errors[name])
    measured, exact = figures[worst]
    words = f"{errors[worst]:.1%} ({worst}: {measured:.4g} for {exact:.4g}; {len(errors)} figures)"
    return Outcome(errors[worst] <= 0.03, words, {name: list(figure) for name, figure in figures.items()})
