"""The sliced Wasserstein distance: the mean over directions of the exact distance between projections."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.errors import UsageError


def sliced_wasserstein(a: Tensor, b: Tensor, *, directions: int = 512, seed: int = 0) -> float:
    """Mean over random unit directions theta of W1(theta a, theta b) (Rabin et al. 2011; Bonneel et al. 2015).

    Args:
        a, b: samples, (N, ...) each, flattened to (N, d); as many on each side, at least 1.
        directions: how many are drawn, uniform on the sphere.
        seed: of the directions: two values compare only at the same one.

    Returns:
        At least 0, in the samples' units; times about sqrt(d) it has the size of W1.

    Raises:
        UsageError: the samples differ in number or dimension, or are none.
    """
    a, b = a.flatten(1), b.flatten(1)
    if a.shape != b.shape or not len(a):
        raise UsageError(
            f"cannot slice samples of shape {tuple(a.shape)} against {tuple(b.shape)}", "give as many on each side"
        )
    generator = torch.Generator().manual_seed(seed)
    theta = torch.randn(a.shape[1], directions, generator=generator)
    theta = (theta / theta.norm(dim=0)).to(a)
    # On a line the optimal plan joins the k-th smallest to the k-th smallest.
    gaps = (a @ theta).sort(dim=0).values - (b @ theta).sort(dim=0).values  # (N, directions)
    return float(gaps.abs().mean())
