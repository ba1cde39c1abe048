"""The Frechet distance between two samples of features, each taken as a Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.metrics.features import as_features


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of features ``a`` (N, d) and ``b`` (M, d) (Dowson and Landau 1982).

    The *squared* 2-Wasserstein distance between the Gaussians of the same mean and (unbiased) covariance; with Inception
    features it is the FID (Heusel et al. 2017). It is biased upwards in small samples: never compare different counts.

    Raises:
        UsageError: fewer than two samples on a side, different d, or features that are not finite.
    """
    a, b = as_features(a, b)
    return frechet_between_gaussians(
        a.mean(0), torch.cov(a.T).reshape(a.shape[1], -1), b.mean(0), torch.cov(b.T).reshape(b.shape[1], -1)
    )


def frechet_between_gaussians(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> float:
    """The same distance from means (d,) and covariances (d, d), symmetric positive semidefinite, in float64."""
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
