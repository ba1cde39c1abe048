"""The sliced Wasserstein distance against POT on the same directions, and closed forms."""

from __future__ import annotations

import math

import ot
import pytest
import torch

from ganvas.metrics.sliced import sliced_wasserstein


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_equals_pot() -> None:
    a, b = normal(90, 5, seed=0), 1.5 * normal(90, 5, seed=1) + 0.5
    theta = torch.randn(5, 64, generator=torch.Generator().manual_seed(3))
    theta = (theta / theta.norm(dim=0)).double()
    expected = ot.sliced_wasserstein_distance(a.numpy(), b.numpy(), p=1, projections=theta.numpy())
    assert sliced_wasserstein(a, b, directions=64, seed=3) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("size", [2, 3, 10])
def test_a_shift_is_shortened_by_the_mean_cosine(size: int) -> None:
    a = normal(50, size, seed=2)
    shift = torch.full((size,), 2.0 / math.sqrt(size), dtype=torch.float64)
    cosine = math.gamma(size / 2) / (math.sqrt(math.pi) * math.gamma((size + 1) / 2))
    assert sliced_wasserstein(a, a + shift, directions=20_000) == pytest.approx(2 * cosine, rel=0.02)
