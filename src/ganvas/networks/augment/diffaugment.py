"""DiffAugment: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv 2006.10738."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.networks.augment.chance import Chance, happens, uniform
from ganvas.networks.augment.corruption import holed

BRIGHTNESS, SATURATION, CONTRAST, SHIFT = 0.5, 1.0, 0.5, 0.125
"""Largest changes: added in a range of 2; of two factors about 1; share of a side."""


def diffaugmented(pictures: Tensor, p: Chance) -> Tensor:
    """Colour, translation and cutout, each with chance p, 1 in the paper; pictures (N, C, H, W)."""
    return holed(shifted(recoloured(pictures, happens(pictures, p)), happens(pictures, p)), p)


def recoloured(pictures: Tensor, which: Tensor) -> Tensor:
    """Brightness + U(-1/2, 1/2), saturation U(0, 2) about each pixel's grey, contrast U(1/2, 3/2) about the picture's mean."""

    def drawn(most: float) -> Tensor:
        return (uniform(pictures, -most, most)[:, 0] * which).to(pictures.dtype).view(-1, 1, 1, 1)

    pictures = pictures + drawn(BRIGHTNESS)
    if pictures.shape[1] == 3:  # elsewhere the channels are no colour
        pictures = pictures + (pictures - pictures.mean(1, keepdim=True)) * drawn(SATURATION)
    return pictures + (pictures - pictures.mean((1, 2, 3), keepdim=True)) * drawn(CONTRAST)


def shifted(pictures: Tensor, which: Tensor) -> Tensor:
    """Each picture moved by whole pixels, up to an eighth of a side either way; what comes in is 0, grey."""
    moves = []
    for dim in (2, 3):
        side = pictures.shape[dim]
        most = int(side * SHIFT + 0.5)
        pixels = (uniform(pictures, 0, 2 * most + 1)[:, 0].floor().clamp(max=2 * most) - most) * which
        place = torch.arange(side, device=pictures.device) - pixels.long()[:, None]  # (N, side)
        moves.append((place.clamp(0, side - 1), (place >= 0) & (place < side)))
    (down, in_rows), (across, in_columns) = moves
    found = pictures.take_along_dim(down[:, None, :, None], 2).take_along_dim(across[:, None, None, :], 3)
    return found * (in_rows[:, None, :, None] & in_columns[:, None, None, :])
