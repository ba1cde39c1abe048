"""Streamed moments equal those of the whole, however the sample is split; the extrapolated distance has lost its bias."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.image.fid import _compute_fid

from ganvas.errors import UsageError
from ganvas.metrics import Moments, frechet_distance, frechet_infinity


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_batches_and_ranks_equal_the_whole() -> None:
    features = normal(300, 6, seed=0) * 3 + 1e6  # a sum of squares would lose 12 digits here
    ranks = [Moments(6), Moments(6), Moments(6)]
    for index, batch in enumerate(features.split([1, 100, 57, 2, 140])):
        ranks[index % 2].update(batch)
    merged = Moments.from_tensors(ranks[0].to_tensors())
    for other in ranks[1:]:  # the last has seen nothing
        merged.merge(other)
    assert merged.count == 300
    torch.testing.assert_close(merged.mean, features.mean(0), rtol=1e-15, atol=0)
    torch.testing.assert_close(merged.covariance, torch.cov((features - 1e6).T), rtol=1e-8, atol=1e-8)


def test_float32_batches_are_summed_in_float64() -> None:
    batch = normal(50, 4, seed=1).float()
    moments = Moments(4)
    for _ in range(20):
        moments.update(batch)
    torch.testing.assert_close(moments.mean, batch.double().mean(0), rtol=1e-14, atol=1e-14)


def test_distance_equals_that_of_the_features_and_torchmetrics() -> None:
    a, b = normal(80, 5, seed=2), 2 * normal(70, 5, seed=3) + 1
    found = Moments.of(a).frechet(Moments.of(b))
    assert found == pytest.approx(frechet_distance(a, b), rel=1e-12)
    assert found == pytest.approx(float(_compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))), rel=1e-6)


def test_refuses() -> None:
    with pytest.raises(UsageError, match="no covariance"):
        _ = Moments.of(torch.zeros(1, 3)).covariance
    with pytest.raises(UsageError, match="3 and 4"):
        Moments(3).merge(Moments.of(torch.zeros(2, 4)))
    with pytest.raises(UsageError, match="NaN"):
        Moments(3).update(torch.full((2, 3), torch.nan))


def truth(size: int) -> Moments:
    moments = Moments(size)
    moments.count, moments.scatter = 2, torch.eye(size, dtype=torch.float64)  # covariance: the identity
    return moments


def test_extrapolation_takes_the_bias_away() -> None:
    size, count = 8, 2000
    shift = torch.zeros(size, dtype=torch.float64)
    shift[0] = 0.2
    found = [frechet_infinity(normal(count, size, seed=s) + shift, truth(size), seed=s) for s in range(12)]
    plain = [Moments.of(normal(count, size, seed=s) + shift).frechet(truth(size)) for s in range(12)]
    value = sum(each.value for each in found) / 12
    slope = sum(each.slope for each in found) / 12
    # One side sampled: half the bias of two, d (d + 5) / (4 n).
    assert slope == pytest.approx(size * (size + 5) / 4, rel=0.15)
    assert value == pytest.approx(0.04, abs=0.005)
    assert sum(plain) / 12 == pytest.approx(0.04 + size * (size + 5) / (4 * count), abs=0.005)


def test_extrapolation_of_both_sides() -> None:
    found = [frechet_infinity(normal(2000, 8, seed=s), normal(1000, 8, seed=s + 50), seed=s).value for s in range(12)]
    assert sum(found) / 12 == pytest.approx(0, abs=0.006)  # with the real side held fixed it would be 0.026 at least


def test_extrapolation_refuses_too_few() -> None:
    with pytest.raises(UsageError, match="too few"):
        frechet_infinity(normal(50, 8, seed=0), truth(8))
