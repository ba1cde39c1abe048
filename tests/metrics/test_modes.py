"""Mode coverage of samplers whose coverage is known."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.errors import UsageError
from ganvas.metrics import mode_coverage


def ring(count: int = 8) -> torch.Tensor:
    angle = torch.arange(count) * 2 * math.pi / count
    return 2 * torch.stack([angle.cos(), angle.sin()], 1)


def draw(modes: torch.Tensor, count: int, sigma: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(len(modes), (count,), generator=generator)
    return modes[index] + sigma * torch.randn(count, 2, generator=generator)


def test_perfect_sampler() -> None:
    count = 20_000
    found = mode_coverage(draw(ring(), count, 0.02), ring(), 0.02)
    assert found.modes == 8
    assert found.high_quality_share == pytest.approx(1 - math.exp(-4.5), abs=0.003)  # 98.89 %
    assert found.kl_to_uniform < 5 * 7 / (2 * count)  # about (K - 1) / (2 N)


def test_one_mode_only() -> None:
    found = mode_coverage(draw(ring()[:1], 1000, 0.02), ring(), 0.02)
    assert found.modes == 1
    assert found.kl_to_uniform == pytest.approx(math.log(8), abs=1e-12)


def test_half_of_the_modes() -> None:
    exact = ring()[:4].repeat(100, 1)
    assert mode_coverage(exact, ring(), 0.02) == (4, 1.0, pytest.approx(math.log(2), abs=1e-12))


def test_samples_between_the_modes_are_of_no_quality() -> None:
    found = mode_coverage(torch.zeros(100, 2), ring(), 0.02)
    assert found.modes == 0
    assert found.high_quality_share == 0.0


def test_three_standard_deviations_is_the_border() -> None:
    centre = torch.zeros(1, 2)
    inside, outside = torch.tensor([[0.0599, 0.0]]), torch.tensor([[0.0601, 0.0]])
    assert mode_coverage(inside, centre, 0.02).high_quality_share == 1
    assert mode_coverage(outside, centre, 0.02).high_quality_share == 0


def test_what_is_not_finite_counts_as_bad() -> None:
    samples = torch.cat([ring(), torch.full((8, 2), torch.nan)])
    found = mode_coverage(samples, ring(), 0.02)
    assert found.modes == 8
    assert found.high_quality_share == 0.5
    assert mode_coverage(samples[8:], ring(), 0.02) == (0, 0.0, pytest.approx(math.log(8)))


def test_refuses_empty_and_foreign_samples() -> None:
    with pytest.raises(UsageError, match="at least one"):
        mode_coverage(torch.zeros(0, 2), ring(), 0.02)
    with pytest.raises(UsageError, match="dimension"):
        mode_coverage(torch.zeros(5, 3), ring(), 0.02)
