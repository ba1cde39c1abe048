"""Pictures larger than memory allows at once: translated tile by tile, the tiles blended where they overlap."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.runs.memory import SHARE, bytes_to_translate, free_bytes

TILE = 1024
"""Side of a tile, where memory allows."""
SMALLEST_TILE = 256
OVERLAP = 128
UNIT = 64

Finish = Callable[[Tensor, slice], Tensor]
"""Rows of the blended picture (C, h, W) and which they are -> what is kept of them, (C', h, W)."""


def tile_side(width: int, device: torch.device | str = "cpu", free: int | None = None) -> int:
    """The side of a tile that a translator needs at most half of the free memory for: a multiple of 64 in 256..1024.

    Args:
        width: channels of the translator's outermost maps.
        device: where it runs.
        free: bytes; what is free there now when None.
    """
    free = free_bytes(torch.device(device)) if free is None else free
    side = math.isqrt(int(free * SHARE) // bytes_to_translate(width, 1, 1))
    return min(max(side // UNIT * UNIT, SMALLEST_TILE), TILE)


def translate_tiled(
    function: Callable[[Tensor], Tensor],
    picture: Tensor,
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
    multiple: int = 1,
    finish: Finish | None = None,
) -> Tensor:
    """Applies ``function`` to tiles of a picture and joins what it makes of them, without seams.

    Neighbouring tiles share ``overlap`` pixels. The quarter next to a tile's inner edge is not used, for there the tile lacks
    its surroundings; over the half between, one tile fades into the other. So the result equals that of the whole picture for
    a function of which an output pixel depends on pixels at most ``overlap`` / 4 away; for others (instance norm averages over
    its tile) it passes smoothly from one tile's result to the next.

    Besides the result this takes memory for two rows of tiles.

    Args:
        function: (1, C, h, w) of the picture's dtype -> float (1, C', k h, k w), with the same whole number k for every tile.
        picture: (C, H, W), of any dtype.
        tile: side of a tile in pixels, rounded up to ``multiple``.
        overlap: pixels that neighbours share.
        multiple: every tile's sides, and its place in the picture, are multiples of it. The picture is mirrored at its border
            as ``networks.padding.padded`` does.
        finish: is given every row of the result once, in bands from top to bottom; without it the values are kept.

    Raises:
        UsageError: tiles that are hardly larger than their overlap, or a function that does not keep or multiply the size.
    """
    down, across = (Axis(side, tile, overlap, multiple) for side in picture.shape[1:])
    bands: list[Tensor] = []
    pending: Tensor | None = None  # the rows from this tile's first on that the tiles above have a share in
    for row, top in enumerate(down.starts):
        strip = translate_strip(function, picture.index_select(1, down.pixels(top)), across)
        times = strip.shape[1] // down.tile
        strip *= down.weight(row, times)[:, None]
        if pending is not None:
            strip[:, : pending.shape[1]] += pending
        below = down.starts[row + 1] if row + 1 < len(down.starts) else down.length
        complete, pending = strip.split([(below - top) * times, (top + down.tile - below) * times], dim=1)
        before = max(down.before - top, 0)  # rows that continue the picture above it
        rows = slice((top + before - down.before) * times, (min(below, down.before + down.side) - down.before) * times)
        if rows.stop > rows.start:
            band = complete[:, before * times :][:, : rows.stop - rows.start]
            bands.append(band if finish is None else finish(band, rows))
    return bands[0] if len(bands) == 1 else torch.cat(bands, 1)


def translate_strip(function: Callable[[Tensor], Tensor], strip: Tensor, across: Axis) -> Tensor:
    """The tiles (C, tile, .) of one row, translated and blended: (C', k tile, k W) float32 on the CPU, cropped."""
    blended, times = torch.empty(0), 1
    for column, left in enumerate(across.starts):
        part = function(strip.index_select(2, across.pixels(left))[None])[0].float().cpu()
        if column == 0:
            times = whole_times(part, strip.shape[1], across.tile)
            blended = part.new_zeros(*part.shape[:2], across.length * times)
        blended[:, :, left * times : (left + across.tile) * times] += part * across.weight(column, times)
    return blended[:, :, across.before * times : (across.before + across.side) * times]


def whole_times(part: Tensor, rows: int, columns: int) -> int:
    """How many times larger than its tile a result is."""
    times = part.shape[1] // rows
    if times < 1 or part.shape[1:] != (rows * times, columns * times):
        raise UsageError(
            f"tiles of {rows}x{columns} became {part.shape[1]}x{part.shape[2]}",
            "use a network that keeps or multiplies the size",
        )
    return times


class Axis:
    """One side of a picture, continued to a multiple, and the tiles along it.

    ``length`` is the side with its continuation, of which ``before`` pixels lie before the picture; ``starts`` are the tiles'.
    """

    def __init__(self, side: int, tile: int, overlap: int, multiple: int) -> None:
        self.side, self.overlap = side, overlap
        self.length = -(-side // multiple) * multiple
        self.before = (self.length - side) // 2
        self.tile = min(-(-tile // multiple) * multiple, self.length)
        step = (self.tile - overlap) // multiple * multiple
        if self.tile < self.length and (step < 1 or overlap < 0):
            raise UsageError(
                f"tiles of {self.tile} pixels cannot share {overlap}", f"use tiles of at least {overlap + multiple}"
            )
        last = self.length - self.tile
        self.starts = [*range(0, last, max(step, 1)), last] if last else [0]
        self._sums: dict[int, Tensor] = {}

    def pixels(self, start: int) -> Tensor:
        """The picture's pixels that a tile shows, mirrored at the border (repeated where it is too small for that)."""
        position = torch.arange(start, start + self.tile) - self.before
        if self.before < self.side and self.length - self.side - self.before < self.side:
            position = position.abs()
            position = torch.where(position >= self.side, 2 * (self.side - 1) - position, position)
        return position.clamp(0, self.side - 1)

    def fade(self, index: int, times: int) -> Tensor:
        """How much of a tile is used, pixel by pixel, before all tiles' shares are made to sum to 1."""
        size, quarter = self.tile * times, self.overlap * times // 4
        ramp = max(self.overlap * times - 2 * quarter, 1)
        rising = ((torch.arange(size) - quarter + 0.5) / ramp).clamp(0, 1)
        falls = index + 1 < len(self.starts)
        share = torch.ones(size) if index == 0 else rising
        return share * rising.flip(0) if falls else share

    def weight(self, index: int, times: int) -> Tensor:
        """The share of each of a tile's pixels in the result, (tile * times,) float32."""
        if times not in self._sums:
            total = torch.zeros(self.length * times)
            for number, start in enumerate(self.starts):
                total[start * times : (start + self.tile) * times] += self.fade(number, times)
            self._sums[times] = total
        start = self.starts[index] * times
        return self.fade(index, times) / self._sums[times][start : start + self.tile * times]
