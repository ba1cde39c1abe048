"""The exact distance against closed forms, SciPy's assignment and SciPy's one-dimensional distance."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from ganvas.errors import UsageError
from ganvas.transport import emd, wasserstein_1d


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_shift_costs_its_length() -> None:
    points = normal(200, 2, seed=0)
    assert emd(points, points + torch.tensor([3.0, 4.0])) == pytest.approx(5.0, abs=1e-9)


def test_equals_best_assignment() -> None:
    a, b = normal(60, 3, seed=1), normal(60, 3, seed=2) * 2
    cost = torch.cdist(a, b).numpy()
    rows, columns = linear_sum_assignment(cost)
    assert emd(a, b) == pytest.approx(cost[rows, columns].mean(), rel=1e-9)


def test_one_point_against_many_is_the_mean_distance() -> None:
    many = normal(50, 2, seed=3)
    assert emd(torch.zeros(1, 2), many) == pytest.approx(float(many.norm(dim=1).mean()), rel=1e-9)


def test_same_points_in_another_order_are_at_distance_zero() -> None:
    points = normal(100, 2, seed=4)
    assert emd(points, points.flip(0)) == pytest.approx(0.0, abs=1e-12)


def test_equals_sorting_on_the_line() -> None:
    a, b = normal(80, seed=5), normal(120, seed=6) + 1
    assert wasserstein_1d(a, b) == pytest.approx(emd(a[:, None], b[:, None]), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 40), m=st.integers(1, 40), seed=st.integers(0, 2**31))
def test_sorting_agrees_with_scipy(n: int, m: int, seed: int) -> None:
    a, b = normal(n, seed=seed), normal(m, seed=seed + 1) * 3
    assert wasserstein_1d(a, b) == pytest.approx(wasserstein_distance(a.numpy(), b.numpy()), rel=1e-9, abs=1e-12)


def test_symmetric_and_triangle() -> None:
    a, b, c = (normal(40, 2, seed=seed) * (seed - 6) for seed in (7, 8, 9))
    assert emd(a, b) == pytest.approx(emd(b, a), rel=1e-9)
    assert emd(a, c) <= emd(a, b) + emd(b, c) + 1e-9


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [
        (torch.zeros(0, 2), torch.zeros(3, 2), "empty"),
        (torch.zeros(3, 2), torch.zeros(3, 3), "differ in shape"),
        (torch.full((3, 2), torch.nan), torch.zeros(3, 2), "NaN"),
    ],
)
def test_refuses_what_has_no_distance(a: torch.Tensor, b: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        emd(a, b)


def test_line_refuses_the_plane() -> None:
    with pytest.raises(UsageError, match="emd"):
        wasserstein_1d(torch.zeros(3, 2), torch.zeros(3, 2))
