"""Entropic transport against POT's, and its bracket around the exact distance."""

from __future__ import annotations

import ot
import psutil
import pytest
import torch

from ganvas.errors import ResourceError, UsageError
from ganvas.transport import sinkhorn, wasserstein
from ganvas.transport.entropic import Problem


def draws(n: int, m: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 2, generator=generator), torch.randn(m, 2, generator=generator) * 0.5 + 1


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("n", "m"), [(150, 150), (200, 90)])
def test_the_exact_distance_lies_in_the_bracket(order: int, n: int, m: int) -> None:
    a, b = draws(n, m, order)
    exact = wasserstein(a, b, order)
    found = sinkhorn(a, b, order)
    assert found.lower * (1 - 1e-5) <= exact <= found.upper * (1 + 1e-5)
    assert found.upper - found.lower < 0.04 * exact
    assert found.marginal_error <= 1e-3


def test_a_plan_that_did_not_converge_still_bounds() -> None:
    a, b = draws(100, 100)
    found = sinkhorn(a, b, most=1)
    assert found.marginal_error > 1e-3
    assert found.lower <= wasserstein(a, b) <= found.upper


def test_potentials_and_plan_equal_those_of_pot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.transport.entropic.BLOCK", 1000)  # several blocks
    a, b = draws(80, 60)
    p, q = torch.linspace(1, 2, 80, dtype=torch.float64), torch.linspace(2, 1, 60, dtype=torch.float64)
    p, q = p / p.sum(), q / q.sum()
    problem = Problem(a, b, p, q, 2)
    f, g, error, _ = problem.solve(0.1, 1e-6, 2000)
    cost = torch.cdist(a.double(), b.double()).square()
    expected = ot.bregman.sinkhorn_log(p.numpy(), q.numpy(), cost.numpy(), 0.1, stopThr=1e-10, numItermax=5000)
    assert error <= 1e-6
    torch.testing.assert_close(problem.plan(slice(0, 80), f, g, 0.1), torch.from_numpy(expected), rtol=1e-3, atol=1e-8)
    entropy = float((expected * torch.log(torch.from_numpy(expected) / (p[:, None] * q)).numpy()).sum())
    assert problem.dual(f, g) == pytest.approx(float((expected * cost.numpy()).sum()) + 0.1 * entropy, rel=1e-5)


def test_the_divergence_of_a_sample_to_itself_is_zero_where_the_raw_value_is_not() -> None:
    a, _ = draws(120, 1)
    found = sinkhorn(a, a.flip(0), 2, regularisation=0.5, tolerance=1e-6)
    assert found.divergence == pytest.approx(0, abs=3e-3)
    assert found.upper > 0.3


def test_the_divergence_of_a_shift_is_the_shift() -> None:
    a, _ = draws(300, 1)
    assert sinkhorn(a, a + torch.tensor([3.0, 4.0]), 2, tolerance=1e-5).divergence == pytest.approx(5, rel=1e-3)


def test_equal_points_are_at_distance_zero() -> None:
    found = sinkhorn(torch.ones(5, 2), torch.ones(4, 2))
    assert (found.upper, found.lower, found.divergence) == (0, 0, 0)


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = draws(4, 4)
    with pytest.raises(UsageError, match="above 0"):
        sinkhorn(a, b, regularisation=-1.0)
    with pytest.raises(UsageError, match="NaN"):
        sinkhorn(a, b * torch.nan)

    class Memory:
        available = 2_000_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    large = torch.zeros(1, 2).expand(50_000, 2)
    with pytest.raises(ResourceError, match=r"need 10\.0 GB, 2\.0 GB are free.*sliced"):
        sinkhorn(large, large)
