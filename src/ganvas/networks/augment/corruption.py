"""The optional changes of Karras et al. 2020 (appendix B): filters, noise and holes. Not part of its recommended pipeline."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from ganvas.networks.augment.chance import Chance, happens, normal, scales

NOISE, HOLE = 0.1, 0.5
"""Deviation of the noise's deviation in a range of 2; the hole's sides as shares of the picture's."""
BAND_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
"""Power of natural pictures in the four bands, which falls with the square of the frequency."""
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
"""Daubechies' low-pass filter with two vanishing moments."""


def filtered(pictures: Tensor, p: Chance) -> Tensor:
    """Pictures whose four octaves of frequency are amplified at random, down and across alike."""
    rows, columns = pictures.shape[2:]
    gains = octave_gains(pictures, p).to(pictures.dtype)
    down, across = (
        torch.einsum("nb,bij->nij", gains, bands(side, pictures.dtype, pictures.device)) for side in (rows, columns)
    )
    found = down[:, None] @ pictures @ across[:, None].mT
    return torch.where((gains != 1).any(1).view(-1, 1, 1, 1), found, pictures)


def octave_gains(pictures: Tensor, p: Chance) -> Tensor:
    """Factors (N, 4) of the octaves, lowest first: each drawn with chance p, then all scaled so that natural power is kept."""
    gains = torch.ones(len(pictures), 4, device=pictures.device)
    for band, power in enumerate(BAND_POWER):
        own = scales(pictures, 1.0, p)
        gains = gains / (1 + power * (own.square() - 1)).sqrt()[:, None]
        gains[:, band] *= own
    return gains


@cache
def bands(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Four matrices (4, side, side) that cut a line of pixels into octaves, lowest first; their sum is the identity.

    With L(w) = |H(w)|^2 / 2 of the wavelet's low pass, the highest octave is 1 - L(w), the next L(w) (1 - L(2w)), then
    L(w) L(2w) (1 - L(4w)), and the rest. The line is mirrored at its ends.
    """
    lows = [low_pass(side, 2**octave) for octave in range(3)]
    rest, cut = torch.eye(side, dtype=torch.float64), []
    for low in lows:
        cut.append(rest - rest @ low)
        rest = rest @ low
    return torch.stack([rest, *reversed(cut)]).to(device=device, dtype=dtype)


def low_pass(side: int, stride: int) -> Tensor:
    """L(stride w) as a matrix (side, side), float64."""
    taps = torch.tensor(SYM2, dtype=torch.float64)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    rows = torch.arange(side)
    for i, a in enumerate(taps):
        for j, b in enumerate(taps):
            place = (rows + (i - j) * stride) % (2 * side)
            mirrored = torch.where(place < side, place, 2 * side - 1 - place)
            matrix.index_put_((rows, mirrored), a * b / 2, accumulate=True)
    return matrix


def noisy(pictures: Tensor, p: Chance) -> Tensor:
    """Pictures with white noise of a random deviation |N(0, 0.1^2)|, with chance p."""
    deviation = normal(pictures, NOISE)[:, 0].abs() * happens(pictures, p)
    return pictures + torch.randn_like(pictures) * deviation.to(pictures.dtype).view(-1, 1, 1, 1)


def holed(pictures: Tensor, p: Chance) -> Tensor:
    """Pictures with a rectangle of half their sides about a random point set to 0, with chance p."""
    return pictures * kept(pictures, happens(pictures, p))


def kept(pictures: Tensor, which: Tensor) -> Tensor:
    """0 in the hole, 1 elsewhere, (N, 1, H, W); all 1 where not ``which`` (N,)."""
    count, _, rows, columns = pictures.shape
    centre = torch.rand(count, 2, 1, device=pictures.device)
    y = (torch.arange(rows, device=pictures.device) + 0.5) / rows
    x = (torch.arange(columns, device=pictures.device) + 0.5) / columns
    inside_y, inside_x = (y - centre[:, 0]).abs() < HOLE / 2, (x - centre[:, 1]).abs() < HOLE / 2  # (N, H), (N, W)
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :] & which[:, None, None, None]
    return (~hole).to(pictures.dtype)
