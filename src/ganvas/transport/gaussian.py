"""W2 between Gaussians, which has a closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.transport.cost import as_points, check_samples


def squared_w2_between_gaussians(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> float:
    """W2^2 = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) (Dowson and Landau 1982; the Bures distance of C_a and C_b).

    Means (d,) and covariances (d, d), symmetric positive semidefinite, in float64.
    """
    root = square_root(covariance_a)
    # C_a C_b is similar to A C_b A with A = C_a^(1/2), which is symmetric: its eigenvalues are real and not negative, also when
    # a covariance is singular, where the usual sqrtm of the product loses its digits or turns complex.
    eigenvalues = torch.linalg.eigvalsh(root @ covariance_b @ root)
    overlap = eigenvalues.clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace() - 2 * overlap
    return max(0.0, float(distance))  # rounding can leave -1e-15 between equal Gaussians


def square_root(covariance: Tensor) -> Tensor:
    """The symmetric positive semidefinite square root of a covariance (d, d)."""
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * eigenvalues.clamp(min=0).sqrt()) @ vectors.T
    return root


def gaussian_w2(a: Tensor, b: Tensor) -> float:
    """W2 between the Gaussians with the means and covariances (over N, not N - 1) of ``a`` (N, ...) and ``b`` (M, ...).

    At most W2 of the samples themselves (Gelbrich 1990): no plan beats the one between Gaussians of the same moments.

    Raises:
        UsageError: a sample is empty or not finite, or the two differ in shape.
    """
    check_samples(a, b)
    a, b = as_points(a), as_points(b)
    size = a.shape[1]
    spread_a, spread_b = (torch.cov(side.T, correction=0).reshape(size, size) for side in (a, b))
    return float(squared_w2_between_gaussians(a.mean(0), spread_a, b.mean(0), spread_b) ** 0.5)
