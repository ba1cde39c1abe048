"""KID and CMMD: against torchmetrics, closed forms, and the honesty of the standard error."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from ganvas.errors import UsageError
from ganvas.metrics import cmmd, kernel_distance
from ganvas.metrics.kernel import polynomial, squared_mmd


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_equals_torchmetrics() -> None:
    a, b = normal(60, 8, seed=0), 1.3 * normal(60, 8, seed=1) + 0.4
    assert float(squared_mmd(polynomial, a, b)) == pytest.approx(float(poly_mmd(a, b)), rel=1e-9)


def test_two_disjoint_subsets_by_hand() -> None:
    a, b = normal(40, 3, seed=2), normal(40, 3, seed=3) + 1
    found = kernel_distance(a, b, size=20, subsets=1, seed=5)
    generator = torch.Generator().manual_seed(5)
    order_a, order_b = (torch.randperm(40, generator=generator) for _ in range(2))
    values = [float(poly_mmd(a[order_a[part]], b[order_b[part]])) for part in (slice(0, 20), slice(20, 40))]
    assert found.value == pytest.approx(sum(values) / 2)
    assert found.standard_error == pytest.approx(abs(values[0] - values[1]) / 2)
    assert (found.size, found.subsets) == (20, 2)


def test_standard_error_is_the_scatter_over_fresh_samples() -> None:
    found = [kernel_distance(normal(400, 4, seed=2 * s), normal(400, 4, seed=2 * s + 1) + 0.5, size=50) for s in range(30)]
    values = torch.tensor([each.value for each in found])
    claimed = torch.tensor([each.standard_error for each in found]).mean()
    # Not below: 100 subsets of the same samples are no more evidence than the 8 that share none.
    assert 0.8 < float(claimed / values.std()) < 2


def test_cmmd_is_its_formula_without_the_diagonal() -> None:
    a, b = (torch.nn.functional.normalize(normal(n, 5, seed=n)) for n in (30, 40))

    def mean(x: torch.Tensor, y: torch.Tensor) -> float:
        kernel = torch.exp(-torch.cdist(x, y).square() / 200)
        return float(kernel.mean()) if x is not y else float(kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))

    assert cmmd(3 * a, b) == pytest.approx(1000 * (mean(a, a) + mean(b, b) - 2 * mean(a, b)), rel=1e-6)


def test_cmmd_of_two_directions() -> None:
    # All of one side at e1, all of the other at e2, sqrt(2) apart.
    a, b = torch.tensor([[2.0, 0.0]]).repeat(5, 1), torch.tensor([[0.0, 7.0]]).repeat(4, 1)
    assert cmmd(a, b) == pytest.approx(2000 * (1 - math.exp(-0.01)))


def test_refuses() -> None:
    with pytest.raises(UsageError, match="N >= 4"):
        kernel_distance(torch.zeros(3, 2), torch.zeros(9, 2))
    with pytest.raises(UsageError, match="at least one subset"):
        kernel_distance(torch.zeros(9, 2), torch.zeros(9, 2), size=1)
    with pytest.raises(UsageError, match="N >= 2"):
        cmmd(torch.zeros(1, 2), torch.zeros(9, 2))
