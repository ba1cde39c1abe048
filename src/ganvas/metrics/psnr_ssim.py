"""How far a picture is from the one that it should be, pixel by pixel and window by window. All (N, C, H, W) in [-1, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.ms_ssim import RANGE, WINDOW, ssim_terms


def l1(a: Tensor, b: Tensor) -> Tensor:
    """The mean absolute difference of each pair, (N,) float64 in 0..2 (a picture's range is 2)."""
    a, b = both(a, b, "L1")
    return (a - b).abs().flatten(1).mean(1)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """The peak signal-to-noise ratio of each pair in dB, (N,) float64: 10 log10(4 / mean squared error); inf if equal."""
    a, b = both(a, b, "PSNR")
    return 10 * torch.log10(RANGE**2 / (a - b).square().flatten(1).mean(1))


def ssim(a: Tensor, b: Tensor, batch_size: int = 16) -> Tensor:
    """The structural similarity of each pair, (N,) float64, 1 for equal pictures (Wang et al. 2004, equation 13).

    The Gaussian window has 11 pixels and sigma 1.5, K1 = 0.01 and K2 = 0.03, as there; as in the authors'
    program the windows lie inside the picture, and the mean is over windows and channels.

    Args:
        batch_size: pairs at a time.

    Raises:
        UsageError: different shapes, or pictures smaller than the window.
    """
    if min(a.shape[2:], default=0) < WINDOW:
        raise UsageError(f"SSIM of pictures {tuple(a.shape)}", f"its window needs {WINDOW}x{WINDOW} pixels or more")
    a, b = both(a, b, "SSIM")
    parts = zip(a.split(batch_size), b.split(batch_size), strict=True)
    return torch.cat([ssim_terms(x, y)[1] for x, y in parts])


def both(a: Tensor, b: Tensor, score: str) -> tuple[Tensor, Tensor]:
    """The two sides in float64 on the CPU. Raises UsageError unless they are pictures of one shape."""
    if a.shape != b.shape or a.dim() != 4 or not len(a):
        raise UsageError(f"{score} of {tuple(a.shape)} and {tuple(b.shape)}", "give pictures (N, C, H, W) of one shape")
    return a.detach().cpu().double(), b.detach().cpu().double()
