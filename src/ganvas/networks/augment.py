"""Differentiable augmentation of what a critic sees: real and generated pictures alike, so that it cannot learn by heart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

BRIGHTNESS, SHIFT, CUT = 0.5, 0.125, 0.5
"""Largest change of brightness, largest shift and the hole's size as shares of a side (Zhao et al. 2020, DiffAugment)."""


def augment(pictures: Tensor, probability: float) -> Tensor:
    """Pictures (N, C, H, W) in [-1, 1], each changed in brightness, shifted and cut, each with this probability.

    Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", with the probability of Karras et al. 2020:
    below about 0.8 the generator learns the pictures and not the changes, since unchanged ones stay the most frequent. Values
    may leave [-1, 1]. Differentiable; draws from torch's global generator; at 0 the same tensor, and nothing is drawn.
    """
    if probability <= 0:
        return pictures
    count, device, dtype = len(pictures), pictures.device, pictures.dtype

    def happens() -> Tensor:
        return torch.rand(count, device=device, dtype=dtype) < probability

    brighter = (torch.rand(count, 1, 1, 1, device=device, dtype=dtype) - 0.5) * (2 * BRIGHTNESS)
    pictures = pictures + brighter * happens().view(-1, 1, 1, 1)
    pictures = shifted(pictures, happens())
    return pictures * kept(pictures, happens())


def shifted(pictures: Tensor, which: Tensor) -> Tensor:
    """Each picture moved by whole pixels, up to an eighth of a side; what comes in repeats the border."""
    count, _, rows, columns = pictures.shape
    sides = torch.tensor([columns, rows], device=pictures.device)
    most = (sides * SHIFT).floor()
    pixels = ((torch.rand(count, 2, device=pictures.device) * 2 - 1) * (most + 0.5)).round().clamp(-most, most)
    turn = torch.zeros(count, 2, 3, device=pictures.device)
    turn[:, 0, 0] = turn[:, 1, 1] = 1.0
    turn[:, :, 2] = pixels * which[:, None] * 2 / sides
    grid = affine_grid(turn, list(pictures.shape), align_corners=False).to(pictures.dtype)
    # Nearest, since the shifts are whole pixels: nothing is blurred, and a shift of 0 is the picture itself.
    return grid_sample(pictures, grid, mode="nearest", padding_mode="border", align_corners=False)


def kept(pictures: Tensor, which: Tensor) -> Tensor:
    """0 in a rectangle of half the sides about a random point, 1 elsewhere, (N, 1, H, W); all 1 where not ``which``."""
    count, _, rows, columns = pictures.shape
    centre = torch.rand(count, 2, 1, device=pictures.device, dtype=pictures.dtype)
    y = (torch.arange(rows, device=pictures.device, dtype=pictures.dtype) + 0.5) / rows
    x = (torch.arange(columns, device=pictures.device, dtype=pictures.dtype) + 0.5) / columns
    inside_y, inside_x = (y - centre[:, 0]).abs() < CUT / 2, (x - centre[:, 1]).abs() < CUT / 2  # (N, H), (N, W)
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :] & which[:, None, None, None]
    return (~hole).to(pictures.dtype)
