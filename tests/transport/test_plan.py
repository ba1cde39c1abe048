"""Plans, weights and orders against SciPy's linear programs, POT and closed forms."""

from __future__ import annotations

import numpy as np
import ot
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

from ganvas.errors import ResourceError, UsageError
from ganvas.transport import emd, transport_plan, wasserstein, wasserstein_1d


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1


def test_w2_is_the_root_of_the_best_assignment() -> None:
    a, b = normal(50, 3, seed=1), normal(50, 3, seed=2) * 2
    cost = torch.cdist(a, b).square().numpy()
    rows, columns = linear_sum_assignment(cost)
    assert wasserstein(a, b, 2) == pytest.approx(cost[rows, columns].mean() ** 0.5, rel=1e-9)


@pytest.mark.parametrize("order", [1, 2])
def test_unequal_sizes_and_weights_equal_the_linear_program(order: int) -> None:
    a, b = normal(7, 2, seed=3), normal(5, 2, seed=4) + 1
    p, q = weights(7, 5), weights(5, 6)
    cost = (torch.cdist(a, b) ** order).numpy()
    margins = np.concatenate([np.kron(np.eye(7), np.ones(5)), np.kron(np.ones(7), np.eye(5))])
    masses = np.concatenate([p / p.sum(), q / q.sum()])
    expected = linprog(cost.ravel(), A_eq=margins, b_eq=masses, bounds=(0, None)).fun
    plan = transport_plan(a, b, order, weights_a=p, weights_b=q)
    assert plan.cost == pytest.approx(expected, rel=1e-8)
    assert plan.distance == pytest.approx(expected ** (1 / order), rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 30), m=st.integers(1, 30), order=st.sampled_from([1, 2]), seed=st.integers(0, 2**31))
def test_a_plan_is_feasible_and_its_potentials_prove_it_optimal(n: int, m: int, order: int, seed: int) -> None:
    a, b, p, q = normal(n, 2, seed=seed), normal(m, 2, seed=seed + 1) + 1, weights(n, seed), weights(m, seed + 1)
    plan = transport_plan(a, b, order, weights_a=p, weights_b=q)
    out = torch.zeros(n, dtype=torch.float64).index_add_(0, plan.source, plan.mass)
    into = torch.zeros(m, dtype=torch.float64).index_add_(0, plan.target, plan.mass)
    torch.testing.assert_close(out, p / p.sum())
    torch.testing.assert_close(into, q / q.sum())
    assert float(plan.mass @ plan.length**order) == pytest.approx(plan.cost, rel=1e-9)
    slack = torch.cdist(a, b) ** order - plan.potential_a[:, None] - plan.potential_b
    assert float(slack.min()) >= -1e-9
    assert float(slack[plan.source, plan.target].abs().max()) <= 1e-9
    assert plan.dual == pytest.approx(plan.cost, rel=1e-9, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 30), m=st.integers(1, 30), order=st.sampled_from([1, 2]), seed=st.integers(0, 2**31))
def test_sorting_equals_the_simplex_for_any_weights(n: int, m: int, order: int, seed: int) -> None:
    a, b, p, q = normal(n, seed=seed), normal(m, seed=seed + 1) + 1, weights(n, seed), weights(m, seed + 1)
    on_the_line = wasserstein_1d(a, b, order, weights_a=p, weights_b=q)
    assert on_the_line == pytest.approx(wasserstein(a[:, None], b[:, None], order, weights_a=p, weights_b=q), rel=1e-8)
    p, q = p / p.sum(), q / q.sum()
    expected = ot.wasserstein_1d(a.numpy(), b.numpy(), p.numpy(), q.numpy(), p=order)
    assert on_the_line**order == pytest.approx(float(expected), rel=1e-8)


def test_w1_is_at_most_w2_and_pictures_count_as_points() -> None:
    a, b = normal(40, 1, 3, 3, seed=7), normal(30, 1, 3, 3, seed=8) + 0.5
    assert wasserstein(a, b, 1) <= wasserstein(a, b, 2)
    assert emd(a, b) == pytest.approx(emd(a.flatten(1), b.flatten(1)), rel=1e-12)


def test_too_many_points_are_refused_with_the_number() -> None:
    many = torch.zeros(1, 1).expand(6000, 1)
    with pytest.raises(ResourceError, match=r"36,000,000 pairs.*25,000,000.*sinkhorn or sliced"):
        transport_plan(many, many)


def test_too_little_memory_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 10_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    points = torch.zeros(1, 1).expand(1000, 1)
    with pytest.raises(ResourceError, match=r"needs 0\.0 GB|GB are free"):
        transport_plan(points, points)


@pytest.mark.parametrize(
    ("bad", "word"), [(torch.ones(2), "one weight a point"), (torch.tensor([1.0, 0.0, 2.0]), "above 0"),
                      (torch.tensor([1.0, torch.nan, 2.0]), "above 0")]
)  # fmt: skip
def test_refuses_weights_that_are_none(bad: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        transport_plan(torch.zeros(3, 1), torch.ones(3, 1), weights_a=bad)


def test_refuses_other_orders() -> None:
    with pytest.raises(UsageError, match="W1 or 2"):
        transport_plan(torch.zeros(3, 1), torch.ones(3, 1), 3)
