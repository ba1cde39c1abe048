"""Were these pictures shrunk without antialiasing? The spectrum's corner tells.

Scores move with the resizer (Parmar et al. 2022): a set that was shrunk by reading only some of the pixels does not compare
with one that was shrunk properly, and no score says so. What such shrinking leaves behind is energy from beyond the finest
frequency that the small picture can show, folded back onto it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.batched import batched
from ganvas.metrics.resize import quantise

FINE = 0.42
"""Cycles a pixel above which a frequency counts as fine; 1/2 is the finest."""
COARSE = 0.2
ALIASED, CLEAN = -3.2, -5.2
"""Decibels above which a set is called aliased, and below which clean; calibrated in ``docs/scores.md``."""
UNLIKE = 1.5
"""Decibels by which two sets must differ to be called differently prepared, beside four standard errors."""
FLOOR = 4.0
"""Fine detail must have so many times the power of rounding to bytes to say anything."""
SMALLEST = 12


@dataclass(frozen=True)
class AliasReport:
    """What the corner of the spectrum says.

    Args:
        corner: power at frequencies fine in both directions over power at those fine in one, in dB; None where the pictures
            have no detail that fine.
        standard_error: of ``corner``, in dB.
        reference: ``corner`` of the reference set; None without one.
        verdict: "aliased", "clean", or "unclear".
        unlike: whether the two sets differ by more than chance and ``UNLIKE``: they were prepared in different ways, whatever
            the verdict. False without a reference.
    """

    corner: float | None
    standard_error: float
    reference: float | None
    verdict: Literal["aliased", "clean", "unclear"]
    unlike: bool

    def __str__(self) -> str:
        if self.corner is None:
            return "the pictures have no fine detail by which to tell how they were resized"
        words = {
            "aliased": "the pictures look as if they had been shrunk without antialiasing",
            "clean": "no sign of aliasing",
            "unclear": "it cannot be told whether the pictures are aliased",
        }
        beside = ""
        if self.reference is not None:
            beside = f"; the reference has {self.reference:.1f} dB" + (", and was prepared otherwise" * self.unlike)
        return f"{words[self.verdict]} (corner of the spectrum {self.corner:.1f} ± {self.standard_error:.1f} dB{beside})"


def aliased(image: Tensor, reference: Tensor | None = None) -> AliasReport:
    """Whether a set of pictures (N, C, H, W) in [-1, 1] was shrunk without antialiasing, and otherwise than a reference set.

    Take an isotropic spectrum of power f^-b (b is 2 to 4 for pictures) and shrink the picture. At the finest frequency of one
    direction, (1/2, 0), two frequencies meet at distance 1/2 from 0; at the corner, (1/2, 1/2), four at distance 0.71. Read
    plainly, the corner has 3 (1 - b / 2) dB over the side: 0 to -3. A filter that was as wide as it should be lets a share H of
    the amplitude through in each direction, once at the side and twice in the corner: 20 log10 H less, which is -3 for a box,
    -5 for bicubic and Lanczos, -7 for the triangle. So clean sets lie at -3 to -10, and aliased ones above.

    Limits. The same signs are left by noise that was added after shrinking, by sharpening, and by drawing on the pixel grid
    (pixel art, text without smoothing), and hidden by a blur after shrinking. Pictures with nothing beyond the finest frequency
    cannot be aliased, nor be told. Upright and level edges (buildings, drawings) feed the side and not the corner: their sets
    read lower, and aliasing by a bilinear filter may pass as unclear. Halving bilinearly without antialiasing is a box, and
    clean. So take a set's own verdict as a hint, and ``unlike`` a reference of the same kind of pictures as evidence.

    Raises:
        UsageError: no pictures, sides below 12 pixels, values that are not finite, or a reference of another shape.
    """
    corner, error = corner_of(image)
    if reference is None:
        return AliasReport(corner, error, None, verdict(corner, error), False)
    if image.shape[1:] != reference.shape[1:]:
        raise UsageError(
            f"pictures of {tuple(image.shape[1:])} against {tuple(reference.shape[1:])}", "compare pictures of one size"
        )
    other, other_error = corner_of(reference)
    if corner is None or other is None:
        return AliasReport(corner, error, other, verdict(corner, error), False)
    unlike = abs(corner - other) > max(UNLIKE, 4 * math.hypot(error, other_error))
    return AliasReport(corner, error, other, verdict(corner, error), unlike)


def verdict(corner: float | None, error: float) -> Literal["aliased", "clean", "unclear"]:
    if corner is None:
        return "unclear"
    if corner - 2 * error > ALIASED:
        return "aliased"
    return "clean" if corner + 2 * error < CLEAN else "unclear"


def corner_of(image: Tensor) -> tuple[float | None, float]:
    """Power in the corner over power at the sides, in dB, and its standard error over pictures; None where there is none."""
    if image.dim() != 4 or min(image.shape[2:]) < SMALLEST:
        raise UsageError(
            f"aliasing shows in pictures (N, C, H, W) of {SMALLEST}x{SMALLEST} or more, not {tuple(image.shape)}",
            "pass pictures",
        )
    rows, columns = image.shape[2:]
    down, across = (torch.fft.fftfreq(size).abs() for size in (rows, columns))
    down, across = down[:, None], across[None, :]
    corner = (down > FINE) & (across > FINE)
    side = ((down > FINE) & (across < COARSE)) | ((down < COARSE) & (across > FINE))
    # Without a window the jump from the right edge to the left would fill the sides.
    window = torch.hann_window(rows, periodic=False)[:, None] * torch.hann_window(columns, periodic=False)
    window = window.double()
    powers = []
    for batch in batched(image, 250):
        picture = quantise(batch).cpu().double()
        picture = picture - picture.mean((2, 3), keepdim=True)
        power = torch.fft.fft2(picture * window).abs().square().mean(1)  # (n, H, W): channels alike
        powers.append(torch.stack([power[:, corner].mean(1), power[:, side].mean(1)], 1))
    each = torch.cat(powers)  # (N, 2)
    mean = each.mean(0)
    rounding = float(window.square().sum()) / 12  # the power of uniform noise of one byte's width
    if float(mean[0]) < FLOOR * rounding:
        return None, math.inf
    decibels = 10 / math.log(10)
    spread = (each / mean).diff(dim=1).std(correction=0)  # of the logarithm of the ratio of means, to first order
    return decibels * float((mean[0] / mean[1]).log()), decibels * float(spread) / len(each) ** 0.5
