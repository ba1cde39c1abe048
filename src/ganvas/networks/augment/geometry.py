"""The geometric changes of Karras et al. 2020 (appendix B), composed into one affine map a picture, and done at once.

Every change is a group: what it does, it can undo, and no change is as likely as every other, so that (section 3 of the paper)
the distribution of changed pictures still determines that of the pictures, and the generator learns the latter.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.networks.augment.chance import Chance, constant, happens, normal, scales, uniform
from ganvas.networks.augment.resample import resampled

LARGEST_SHIFT = 0.125
"""Of whole pixels, and the deviation of a shift by parts of pixels, as a share of a side."""
SCALE = 0.2
"""Deviation of a scale's binary logarithm."""


class Moves(NamedTuple):
    """What is done to each of N pictures, in this order; turns in radians, anticlockwise as seen, shifts in pixels."""

    flip: Tensor  # (N,) 1 or -1
    quarters: Tensor  # (N,) turns by whole multiples of pi / 2
    whole: Tensor  # (N, 2) whole pixels, right and down
    scale: Tensor  # (N,) of both sides
    before: Tensor  # (N,) turn before the stretch
    stretch: Tensor  # (N,) of the width, its inverse of the height
    after: Tensor  # (N,) turn after it
    parts: Tensor  # (N, 2) parts of pixels, right and down


def drawn(pictures: Tensor, p: Chance, *, blit: bool, geom: bool) -> Moves:
    """Moves for pictures (N, C, H, W), each with chance p (turns: such that either happens with chance p).

    A picture that is not square is turned upside down, not by quarters, which would not fit its frame.
    """
    count, _, rows, columns = pictures.shape
    sides = constant((columns, rows), pictures.device)
    one, zero = torch.ones(count, device=pictures.device), torch.zeros(count, device=pictures.device)
    still = torch.zeros(count, 2, device=pictures.device)
    moves = Moves(one, zero, still, one, zero, one, zero, still)
    if blit:
        quarter = 1 if rows == columns else 2
        moves = moves._replace(
            flip=1 - 2 * (uniform(pictures, 0, 2)[:, 0].floor() * happens(pictures, p)),
            quarters=(uniform(pictures, 0, 4 // quarter)[:, 0].floor() * happens(pictures, p)) * quarter,
            whole=(uniform(pictures, -1, 1, 2) * LARGEST_SHIFT * sides).round() * happens(pictures, p)[:, None],
        )
    if geom:
        turned = 1 - (1 - p) ** 0.5  # P(before or after) = p
        moves = moves._replace(
            scale=scales(pictures, SCALE, p),
            before=uniform(pictures, -math.pi, math.pi)[:, 0] * happens(pictures, turned),
            stretch=scales(pictures, SCALE, p),
            after=uniform(pictures, -math.pi, math.pi)[:, 0] * happens(pictures, turned),
            parts=normal(pictures, LARGEST_SHIFT, 2) * sides * happens(pictures, p)[:, None],
        )
    return moves


def undoing(moves: Moves) -> Tensor:
    """The composed map's inverse, (N, 3, 3): from a place in the changed picture to the place that it is taken from.

    Places are (x, y, 1) in pixels from the picture's middle, y downwards. Where nothing moves it is the identity to the bit.
    """
    # The inverse of the last change comes first; quarters are turns whose sine and cosine are whole numbers.
    steps = [
        matrix(moves.flip, torch.ones_like(moves.flip)),
        turning(*quarter_turn(moves.quarters)),
        shifting(moves.whole),
        matrix(1 / moves.scale, 1 / moves.scale),
        turning(moves.before.cos(), moves.before.sin()),
        matrix(1 / moves.stretch, moves.stretch),
        turning(moves.after.cos(), moves.after.sin()),
        shifting(moves.parts),
    ]
    whole = steps[0]
    for step in steps[1:]:
        whole = whole @ step
    return whole


def matrix(xx: Tensor, yy: Tensor, xy: Tensor | None = None, yx: Tensor | None = None) -> Tensor:
    """(N, 3, 3) with these entries and no shift."""
    zero, one = torch.zeros_like(xx), torch.ones_like(xx)
    entries = [xx, zero if xy is None else xy, zero, zero if yx is None else yx, yy, zero, zero, zero, one]
    return torch.stack(entries, 1).view(-1, 3, 3)


def turning(cosine: Tensor, sine: Tensor) -> Tensor:
    """The inverse of an anticlockwise turn, y downwards."""
    return matrix(cosine, cosine, -sine, sine)


def quarter_turn(quarters: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of 0 to 3 quarters, exact: 1, 0, -1, 0 and 0, 1, 0, -1."""
    return 1 - quarters + 2 * (quarters - 2).relu(), 1 - (quarters - 1).abs()


def shifting(pixels: Tensor) -> Tensor:
    """The inverse of a shift by (N, 2) pixels."""
    step = torch.eye(3, device=pixels.device, dtype=pixels.dtype).repeat(len(pixels), 1, 1)
    step[:, :2, 2] = -pixels
    return step


def warped(pictures: Tensor, p: Chance, *, blit: bool, geom: bool) -> Tensor:
    """Pictures (N, C, H, W), each moved by one affine map; those that no change was drawn for are the same to the bit."""
    inverse = undoing(drawn(pictures, p, blit=blit, geom=geom)).to(pictures.dtype)
    moved = (inverse != torch.eye(3, device=inverse.device, dtype=inverse.dtype)).flatten(1).any(1)
    return torch.where(moved.view(-1, 1, 1, 1), resampled(pictures, inverse), pictures)
