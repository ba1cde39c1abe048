"""Precision, recall, density, coverage: against prdc, by the latter's authors, and what perfect samplers score."""

from __future__ import annotations

import math

import pytest
import torch
from prdc import compute_prdc

from ganvas.errors import UsageError
from ganvas.metrics import density_coverage, perfect_coverage, precision_recall
from ganvas.metrics.neighbours import nearest, neighbour_radii


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("real", "generated", "k"), [(200, 150, 3), (120, 260, 5)])
def test_equals_prdc(real: int, generated: int, k: int) -> None:
    a, b = normal(real, 6, seed=0), 0.8 * normal(generated, 6, seed=1) + 0.3
    expected = compute_prdc(a.numpy(), b.numpy(), k)
    assert precision_recall(a, b, k=k) == pytest.approx((expected["precision"], expected["recall"]), rel=1e-12)
    assert density_coverage(a, b, k=k) == pytest.approx((expected["density"], expected["coverage"]), rel=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(100, 4, seed=2), normal(90, 4, seed=3) + 0.5
    whole = precision_recall(a, b), density_coverage(a, b)
    monkeypatch.setattr("ganvas.metrics.neighbours.BLOCK", 700)
    assert (precision_recall(a, b), density_coverage(a, b)) == whole


def test_precision_is_blind_to_variety_and_recall_to_quality() -> None:
    real = normal(300, 2, seed=4)
    narrow = 0.05 * normal(300, 2, seed=5)
    assert precision_recall(real, narrow).precision == 1
    assert precision_recall(real, narrow).recall < 0.05
    assert precision_recall(narrow, real).recall == 1


def test_far_samples_score_nothing() -> None:
    real = normal(50, 3, seed=6)
    assert precision_recall(real, real + 100) == (0, 0)
    assert density_coverage(real, real + 100) == (0, 0)


def test_perfect_samplers() -> None:
    # A uniform sample on the line: three quarters of the points have the fresh one for nearest neighbour, or are on its way.
    scores = []
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        a, b = (torch.rand(1500, 1, generator=generator) for _ in range(2))
        scores.append((*precision_recall(a, b, k=1), *density_coverage(a, b)))
    means = torch.tensor(scores, dtype=torch.float64).mean(0).tolist()
    assert means == pytest.approx([0.75, 0.75, 1.0, perfect_coverage(1500, 1500)], rel=0.03)
    assert perfect_coverage(10_000, 10_000) == pytest.approx(1 - 2**-5, abs=1e-3)
    assert perfect_coverage(2, 1, k=1) == 0.5


def test_nearest_is_exact_for_copies_far_from_the_origin() -> None:
    points = normal(40, 5, seed=7) + 1e5
    distance, index = nearest(points[::2], points, 2)
    assert (distance[:, 0] == 0).all()
    assert index[:, 0].tolist() == list(range(0, 40, 2))
    assert torch.equal(
        distance[:, 1], torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")[::2].sort().values[:, 1]
    )


def test_radii_by_hand() -> None:
    assert neighbour_radii(torch.tensor([[0.0], [1.0], [3.0]]).double(), 2).tolist() == pytest.approx([3, 2, 3])


def test_refuses() -> None:
    with pytest.raises(UsageError, match="N >= 4"):
        precision_recall(torch.zeros(3, 2), torch.zeros(9, 2))
    with pytest.raises(UsageError, match="one feature network"):
        density_coverage(torch.zeros(9, 3), torch.zeros(9, 2))
    with pytest.raises(UsageError, match="NaN"):
        density_coverage(torch.zeros(9, 2), torch.full((9, 2), math.nan))
    with pytest.raises(UsageError, match="number 3"):
        neighbour_radii(torch.zeros(3, 2), 3)
