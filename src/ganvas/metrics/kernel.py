"""Kernel distances between samples of features: KID and CMMD, both unbiased estimates of a squared MMD."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganvas.errors import UsageError
from ganvas.metrics.features import as_features

CMMD_BANDWIDTH = 10.0
CMMD_SCALE = 1000.0
Kernel = Callable[[Tensor, Tensor], Tensor]
"""Rows (N, d) and (M, d) -> (N, M)."""


class KernelDistance(NamedTuple):
    """``value`` with its ``standard_error``, both of the mean over ``subsets`` subsets of ``size`` samples a side.

    Unbiased, and so below 0 about as often as above for two samples of one distribution.
    """

    value: float
    standard_error: float
    size: int
    subsets: int


def kernel_distance(a: Tensor, b: Tensor, *, size: int = 1000, subsets: int = 100, seed: int = 0) -> KernelDistance:
    """The KID between features ``a`` (N, d) and ``b`` (M, d): MMD^2 under k(x, y) = (x.y / d + 1)^3 (Binkowski et al. 2018).

    The mean of the unbiased estimate over random subsets. These are cut from permutations of either side, so that they share
    no sample until all are used. The standard error is the subsets' standard deviation over the root of how many of them one
    permutation holds: subsets that share samples add no evidence, however many are drawn.

    Args:
        size: samples a subset and side; at most half of the smaller side is taken, so that there are two to compare.
        subsets: how many; at least those of one permutation are taken.
        seed: of the permutations.

    Raises:
        UsageError: fewer than four samples on a side, different d, or features that are not finite.
    """
    a, b = as_features(a, b, at_least=4)
    if size < 2 or subsets < 1:
        raise UsageError(f"{subsets} subsets of {size} samples", "use at least one subset of at least two")
    size = min(size, len(a) // 2, len(b) // 2)
    apart = min(len(a), len(b)) // size
    generator = torch.Generator().manual_seed(seed)
    values: list[Tensor] = []
    while len(values) < max(subsets, apart):
        order_a, order_b = (torch.randperm(len(side), generator=generator).to(side.device) for side in (a, b))
        for start in range(0, apart * size, size):
            part = slice(start, start + size)
            values.append(squared_mmd(polynomial, a[order_a[part]], b[order_b[part]]))
    estimates = torch.stack(values)
    return KernelDistance(float(estimates.mean()), float(estimates.std() / apart**0.5), size, len(estimates))


def cmmd(a: Tensor, b: Tensor) -> float:
    """The CMMD of embeddings ``a`` (N, d) and ``b`` (M, d): 1000 MMD^2 under exp(-|x - y|^2 / 200) (Jayasumana et al. 2024).

    Embeddings are first brought to length 1; the paper's are CLIP's. This is the paper's unbiased estimate; its authors' code
    counts each sample against itself too, which for CLIP's adds about 10 / N.

    Raises:
        UsageError: fewer than two samples on a side, different d, or features that are not finite.
    """
    a, b = as_features(a, b)
    return CMMD_SCALE * float(squared_mmd(gaussian, normalize(a), normalize(b)))


def polynomial(a: Tensor, b: Tensor) -> Tensor:
    """(a.b / d + 1)^3 of rows: (N, d), (M, d) -> (N, M)."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def gaussian(a: Tensor, b: Tensor) -> Tensor:
    """exp(-|a - b|^2 / (2 * 10^2)) of rows of length 1: (N, d), (M, d) -> (N, M)."""
    return torch.exp((a @ b.T - 1) / CMMD_BANDWIDTH**2)


def squared_mmd(kernel: Kernel, a: Tensor, b: Tensor) -> Tensor:
    """The unbiased estimate of MMD^2, a scalar: mean k(a, a') + mean k(b, b') - 2 mean k(a, b), no sample against itself.

    Equation 3 of Gretton et al. 2012.
    """
    return mean_off_diagonal(kernel(a, a)) + mean_off_diagonal(kernel(b, b)) - 2 * kernel(a, b).mean()


def mean_off_diagonal(matrix: Tensor) -> Tensor:
    """The mean of a square matrix (N, N) without its diagonal."""
    count = len(matrix)
    return (matrix.sum() - matrix.trace()) / (count * (count - 1))
