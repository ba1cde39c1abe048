"""Pictures of any size through networks that take multiples of some number: pad, translate, crop."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class Crop(NamedTuple):
    """Undoes ``padded`` on what a network made of the padded picture, also where it made it larger or smaller.

    ``top`` and ``left`` are the padding before the picture, ``rows`` and ``columns`` its size, and ``padded_rows`` and
    ``padded_columns`` the size with padding, all in pixels of the input.
    """

    top: int
    left: int
    rows: int
    columns: int
    padded_rows: int
    padded_columns: int

    def __call__(self, picture: Tensor) -> Tensor:
        down = (self.top, self.rows, picture.shape[-2], self.padded_rows)
        across = (self.left, self.columns, picture.shape[-1], self.padded_columns)
        (top, rows), (left, columns) = (
            (start * now // before, length * now // before) for start, length, now, before in (down, across)
        )
        return picture[..., top : top + rows, left : left + columns]


def padded(picture: Tensor, multiple: int, least: int = 1) -> tuple[Tensor, Crop]:
    """The picture (N, C, H, W), continued on all sides until H and W are multiples of ``multiple``, and the way back.

    It is mirrored at its border; where it is too small for that, its last pixels are repeated. ``least``: the shortest side
    wanted. Returns the picture itself when its size is right already.
    """
    rows, columns = picture.shape[-2:]
    wanted = [-(-max(side, least) // multiple) * multiple for side in (rows, columns)]
    down, across = wanted[0] - rows, wanted[1] - columns
    crop = Crop(down // 2, across // 2, rows, columns, *wanted)
    if not down and not across:
        return picture, crop
    sides = (across // 2, across - across // 2, down // 2, down - down // 2)
    mirrors = max(sides[:2]) < columns and max(sides[2:]) < rows
    return F.pad(picture, sides, mode="reflect" if mirrors else "replicate"), crop
