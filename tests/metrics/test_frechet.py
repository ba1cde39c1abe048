"""The Frechet distance against closed forms and SciPy's matrix square root."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.linalg import sqrtm

from ganvas.errors import UsageError
from ganvas.metrics import frechet_between_gaussians, frechet_distance


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(size: int, seed: int) -> torch.Tensor:
    factor = normal(size, size, seed=seed)
    return factor @ factor.T / size


def test_shift_alone_is_its_squared_length() -> None:
    features = normal(100, 5, seed=0)
    shift = torch.tensor([1.0, -2.0, 0.0, 2.0, 0.0], dtype=torch.float64)
    assert frechet_distance(features, features + shift) == pytest.approx(9.0, rel=1e-9)


def test_scale_alone_is_the_difference_of_the_standard_deviations() -> None:
    features = normal(100, 4, seed=1)
    features = features - features.mean(0)
    # tr(C (1 - s)^2) for features s x: between N(0, C) and N(0, s^2 C).
    expected = float(torch.cov(features.T).trace()) * (1 - 3.0) ** 2
    assert frechet_distance(features, 3 * features) == pytest.approx(expected, rel=1e-9)


def test_diagonal_gaussians() -> None:
    a, b = torch.tensor([1.0, 4.0, 9.0]).double(), torch.tensor([16.0, 1.0, 0.0]).double()
    mean = torch.tensor([1.0, 0.0, 2.0]).double()
    expected = 5 + (1 - 4) ** 2 + (2 - 1) ** 2 + (3 - 0) ** 2
    assert frechet_between_gaussians(mean, a.diag(), 0 * mean, b.diag()) == pytest.approx(expected, rel=1e-12)


def test_equals_scipy_on_full_covariances() -> None:
    a, b = covariance(12, 2), covariance(12, 3)
    expected = float(a.trace() + b.trace() - 2 * torch.as_tensor(sqrtm((a @ b).numpy()).real).trace())
    zero = torch.zeros(12, dtype=torch.float64)
    assert frechet_between_gaussians(zero, a, zero, b) == pytest.approx(expected, rel=1e-7)


def test_symmetric_and_zero_to_itself() -> None:
    a, b = normal(60, 8, seed=4), normal(90, 8, seed=5) @ covariance(8, 6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_singular_covariances_keep_their_digits() -> None:
    # Ten samples span at most nine of fifty dimensions; both live on one axis each, orthogonal: the roots do not overlap.
    a, b = torch.zeros(10, 50, dtype=torch.float64), torch.zeros(10, 50, dtype=torch.float64)
    a[:, 0], b[:, 1] = normal(10, seed=7), normal(10, seed=8)
    expected = float(a.var(0).sum() + b.var(0).sum() + (a.mean(0) - b.mean(0)).square().sum())
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_null_bias() -> None:
    # Two samples of one Gaussian are at distance about d (d + 5) / (2 n) (acceptance A6).
    size, count = 16, 4000
    distances = [frechet_distance(normal(count, size, seed=s), normal(count, size, seed=s + 100)) for s in range(8)]
    expected = size * (size + 5) / (2 * count)
    assert math.fsum(distances) / len(distances) == pytest.approx(expected, rel=0.1)


def test_one_component() -> None:
    a = normal(50, 1, seed=9)
    expected = float((a.mean() - 2 * a.mean()) ** 2 + (a.std() - 2 * a.std()) ** 2)
    assert frechet_distance(a, 2 * a) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [
        (torch.zeros(1, 3), torch.zeros(5, 3), "more samples"),
        (torch.zeros(5, 3), torch.zeros(5, 4), "one feature network"),
        (torch.full((5, 3), torch.inf), torch.zeros(5, 3), "infinity"),
        (torch.zeros(5), torch.zeros(5), "shape"),
    ],
)
def test_refuses(a: torch.Tensor, b: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        frechet_distance(a, b)
