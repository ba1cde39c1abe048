"""Multi-scale structural similarity, and the variety of pictures by it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ganvas.errors import UsageError

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
RANGE = 2.0
"""Pictures are in [-1, 1]."""
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang et al. 2003)."""


def scales(rows: int, columns: int) -> int:
    """How many halvings, the first picture included, keep the window inside: 1 to 5; five from 176 pixels on."""
    return next((n for n in (5, 4, 3, 2, 1) if min(rows, columns) >> (n - 1) >= WINDOW), 0)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """The MS-SSIM (N,) of pictures ``a`` and ``b``, (N, C, H, W) in [-1, 1]: 1 for equal ones (Wang et al. 2003, equation 7).

    The Gaussian window has 11 pixels and sigma 1.5. Pictures of fewer than 176 pixels use the finest scales that fit, their
    weights made to sum to 1: state the size beside the score. A mean below 0 counts as 0.

    Raises:
        UsageError: different shapes, or pictures smaller than the window.
    """
    if a.shape != b.shape or a.dim() != 4 or not scales(*a.shape[2:]):
        raise UsageError(
            f"MS-SSIM of {tuple(a.shape)} and {tuple(b.shape)}",
            f"give pictures (N, C, H, W) of one size, {WINDOW}x{WINDOW} or more",
        )
    count = scales(*a.shape[2:])
    weights = torch.tensor(WEIGHTS[:count], dtype=torch.float64, device="cpu")
    weights = weights / weights.sum()
    a, b = a.detach().cpu().double(), b.detach().cpu().double()
    similarity = torch.ones(len(a), dtype=torch.float64)
    for scale, weight in enumerate(weights):
        structure, whole = ssim_terms(a, b)
        # The luminance is compared at the coarsest scale only.
        similarity *= (whole if scale == count - 1 else structure).clamp(min=0) ** weight
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
    return similarity


def ssim_terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The means (N,) over positions of contrast times structure, and of that times luminance, of pictures in float64."""
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    kernel = torch.exp(-offset.square() / (2 * SIGMA**2))
    kernel = kernel / kernel.sum()

    def blur(picture: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H - 10, W - 10)
        flat = picture.flatten(0, 1).unsqueeze(1)
        flat = conv2d(conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
        return flat.view(*picture.shape[:2], *flat.shape[2:])

    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    mean_a, mean_b = blur(a), blur(b)
    variance_a = (blur(a * a) - mean_a**2).clamp(min=0)
    variance_b = (blur(b * b) - mean_b**2).clamp(min=0)
    covariance = blur(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return structure.flatten(1).mean(1), (structure * luminance).flatten(1).mean(1)


def ms_ssim_diversity(image: Tensor, *, pairs: int = 1000, seed: int = 0, batch_size: int = 100) -> float:
    """The mean MS-SSIM over random pairs of different pictures of ``image`` (N, C, H, W): lower is more varied.

    Odena et al. 2017 take it within each class and compare it with the real pictures' own; it says nothing without that.

    Args:
        pairs: how many, drawn from ``seed``.
    """
    if len(image) < 2:
        raise UsageError(f"{len(image)} pictures make no pair", "give at least two")
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(image), (pairs,), generator=generator)
    # A step of 1..N-1 around the circle reaches every other picture alike, and never the same one.
    second = (first + torch.randint(1, len(image), (pairs,), generator=generator)) % len(image)
    parts = zip(first.split(batch_size), second.split(batch_size), strict=True)
    return float(torch.cat([ms_ssim(image[i], image[j]) for i, j in parts]).mean())
