"""The Frechet distance between two samples of features, each taken as a Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.metrics.features import as_features
from ganvas.transport.gaussian import squared_w2_between_gaussians


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
    return squared_w2_between_gaussians(mean_a, covariance_a, mean_b, covariance_b)
