"""The changes of colour of Karras et al. 2020 (appendix B), composed into one matrix a picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.networks.augment.chance import Chance, constant, happens, normal, scales, uniform

BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0
"""Deviations: of a shift in a range of 2; of binary logarithms of factors."""


class Tints(NamedTuple):
    """What is done to the colours of each of N pictures, in this order; all (N,)."""

    brightness: Tensor  # added
    contrast: Tensor  # factor
    luma: Tensor  # 1, or -1: the grey axis is turned over
    hue: Tensor  # turn about the grey axis, radians
    saturation: Tensor  # factor of what is off the grey axis


def drawn(pictures: Tensor, p: Chance) -> Tints:
    """Tints for pictures (N, C, H, W), each with chance p.

    Grey pictures have no hue or saturation. Of other numbers of channels than 1 and 3 nobody knows what they mean together:
    they are only made brighter and given contrast, all channels alike.
    """
    channels = pictures.shape[1]
    one, zero = torch.ones(len(pictures), device=pictures.device), torch.zeros(len(pictures), device=pictures.device)
    return Tints(
        brightness=normal(pictures, BRIGHTNESS)[:, 0] * happens(pictures, p),
        contrast=scales(pictures, CONTRAST, p),
        luma=1 - 2 * (uniform(pictures, 0, 2)[:, 0].floor() * happens(pictures, p)) if channels in (1, 3) else one,
        hue=uniform(pictures, -math.pi, math.pi)[:, 0] * happens(pictures, p) if channels == 3 else zero,
        saturation=scales(pictures, SATURATION, p) if channels == 3 else one,
    )


def composed(tints: Tints) -> Tensor:
    """The affine maps of colours (r, g, b, 1), (N, 3, 4); the identity to the bit where nothing is done."""
    device = tints.hue.device
    one = torch.eye(3, device=device)
    grey = torch.full((3, 3), 1 / 3, device=device)  # v v^T, the projection on the grey axis v = (1, 1, 1) / sqrt(3)
    across = constant((0.0, -1.0, 1.0, 1.0, 0.0, -1.0, -1.0, 1.0, 0.0), device).view(3, 3) / 3**0.5  # x -> v cross x
    luma, hue, saturation = (t.view(-1, 1, 1) for t in (tints.luma, tints.hue, tints.saturation))
    over = one + (luma - 1) * grey
    turn = hue.cos() * one + hue.sin() * across + (1 - hue.cos()) * grey  # Rodrigues
    paler = saturation * one + (1 - saturation) * grey
    linear = paler @ turn @ over * tints.contrast.view(-1, 1, 1)
    return torch.cat([linear, linear.sum(2, keepdim=True) * tints.brightness.view(-1, 1, 1)], 2)


def tinted(pictures: Tensor, p: Chance) -> Tensor:
    """Pictures (N, C, H, W), each through one colour map; the same to the bit where none was drawn."""
    tints = drawn(pictures, p)
    if pictures.shape[1] != 3:
        shift = tints.brightness.to(pictures.dtype).view(-1, 1, 1, 1)
        return (pictures + shift) * (tints.contrast * tints.luma).to(pictures.dtype).view(-1, 1, 1, 1)
    maps = composed(tints).to(pictures.dtype)
    changed = (maps != torch.eye(3, 4, device=maps.device, dtype=maps.dtype)).flatten(1).any(1)
    found = (maps[:, :, :3] @ pictures.flatten(2) + maps[:, :, 3:]).view_as(pictures)
    return torch.where(changed.view(-1, 1, 1, 1), found, pictures)
