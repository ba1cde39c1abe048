"""The jackknife's error is the spread that fresh samples show."""

from __future__ import annotations

import pytest
import torch

from ganvas.errors import UsageError
from ganvas.metrics import frechet_distance
from ganvas.metrics.jackknife import frechet_error


def test_error_is_the_spread_over_fresh_samples() -> None:
    generator = torch.Generator().manual_seed(0)

    def pair() -> tuple[torch.Tensor, torch.Tensor]:
        a = torch.randn(400, 4, generator=generator, dtype=torch.float64)
        return a, 1.5 * torch.randn(400, 4, generator=generator, dtype=torch.float64) + 1

    pairs = [pair() for _ in range(60)]
    spread = float(torch.tensor([frechet_distance(*each) for each in pairs]).std())
    errors = [frechet_error(*each) for each in pairs[:20]]
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.25)


def test_too_few_samples() -> None:
    with pytest.raises(UsageError, match="at least two groups"):
        frechet_error(torch.zeros(19, 2), torch.zeros(100, 2))
