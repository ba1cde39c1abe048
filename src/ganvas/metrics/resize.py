"""Resizing that does not change scores: Pillow's antialiased filters, to the bit, on batches and on any device.

FID moves by several points with the resizer (Parmar et al. 2022, "clean-fid"): frameworks whose filters keep their width when
they shrink a picture read only some of its pixels. Pillow widens them. What a network is fed is here either quantised to bytes,
as a file would be, or left as float32 without rounding, as clean-fid does between picture and network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError

PRECISION = 22
"""Bits behind the point of Pillow's whole-number weights: 32 - 8 for the value - 2 for overflow."""


class Filter(NamedTuple):
    """A kernel and how far it reaches, in source pixels when nothing shrinks."""

    weight: Callable[[float], float]
    reach: float


def triangle(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def cubic(x: float) -> float:
    """Keys 1981 with a = -1/2, multiplied out in the order in which Pillow does, for the last bit."""
    x, a = abs(x), -0.5
    if x < 1:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(x * math.pi) / (x * math.pi)


def lanczos(x: float) -> float:
    return sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0


def box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


FILTERS = {
    "box": Filter(box, 0.5),
    "bilinear": Filter(triangle, 1.0),
    "bicubic": Filter(cubic, 2.0),
    "lanczos": Filter(lanczos, 3.0),
}


def weights(size: int, new_size: int, filter: str) -> Tensor:  # noqa: A002  (the word for it)
    """The weight of each source pixel in each new one: (new_size, size) float64, rows sum to 1."""
    kernel, reach = FILTERS[filter]
    scale = size / new_size
    stretch = max(1.0, scale)  # the antialiasing: a filter as wide as what it stands for
    matrix = torch.zeros(new_size, size, dtype=torch.float64)
    for row in range(new_size):
        centre = (row + 0.5) * scale
        first = max(0, int(centre - reach * stretch + 0.5))
        last = min(size, int(centre + reach * stretch + 0.5))
        taps = [kernel((column - centre + 0.5) * (1.0 / stretch)) for column in range(first, last)]
        total = 0.0
        for tap in taps:  # not sum(), which from Python 3.12 on compensates its rounding
            total += tap
        matrix[row, first:last] = torch.tensor([tap / total for tap in taps], dtype=torch.float64)
    return matrix


def quantise(image: Tensor) -> Tensor:
    """Pictures in [-1, 1] as the bytes that a file of them would hold: -1 is 0, 1 is 255, values outside are cut."""
    return image.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def resize(pixels: Tensor, rows: int, columns: int, *, filter: str = "bicubic", quantised: bool = True) -> Tensor:  # noqa: A002
    """Pictures (N, C, H, W) uint8 at another size, as ``Image.resize`` of Pillow 13 would: bit for bit.

    Args:
        filter: "box", "bilinear", "bicubic" or "lanczos", all antialiased.
        quantised: round to bytes after each of the two passes, uint8 out, as Pillow does with mode "L" and "RGB". Otherwise
            float32 in 0..255 and a little beyond, as Pillow's mode "F" channel by channel: what clean-fid feeds its network.

    Raises:
        UsageError: pictures that are not uint8 (``quantise`` them first), an unknown filter, or a size below 1.
    """
    if pixels.dtype != torch.uint8 or pixels.dim() != 4 or not pixels.numel():
        raise UsageError(f"resizing takes uint8 (N, C, H, W), not {pixels.dtype} {tuple(pixels.shape)}", "quantise first")
    if filter not in FILTERS:
        raise UsageError(f"there is no filter {filter!r}", f"choose from {', '.join(FILTERS)}")
    if rows < 1 or columns < 1:
        raise UsageError(f"pictures of {rows}x{columns} pixels", "give sizes of at least 1")
    one_pass = bytes_pass if quantised else float_pass
    picture = pixels if quantised else pixels.float()
    passes = [(columns, 3), (rows, 2)]
    for new_size, axis in passes[::-1] if rows_first(pixels.shape[2], pixels.shape[3], rows, columns) else passes:
        if new_size != picture.shape[axis]:  # a filter need not leave an unchanged side alone
            matrix = weights(picture.shape[axis], new_size, filter).to(pixels.device)
            picture = one_pass(picture.transpose(axis, 3), matrix).transpose(axis, 3)
    return picture.contiguous()


def rows_first(height: int, width: int, rows: int, columns: int) -> bool:
    """Whether Pillow 13 resizes each column before each row, which it does for speed when the height loses far more pixels.

    Until version 12 rows always came last. Between the passes values are rounded, so that the order shows in the last bit.
    """
    return rows < height and height - rows > 2 * max(0, width - columns)


def bytes_pass(pixels: Tensor, matrix: Tensor) -> Tensor:
    """uint8 (..., W) -> uint8 (..., new W), in Pillow's fixed-point arithmetic.

    Products of a byte and a 24-bit number and their sums are whole numbers below 2^53: in float64 they are exact in any order.
    """
    scaled = matrix * 2**PRECISION
    whole = torch.trunc(torch.where(scaled < 0, scaled - 0.5, scaled + 0.5))
    total = pixels.double() @ whole.T + 2 ** (PRECISION - 1)
    return torch.floor(total / 2**PRECISION).clamp(0, 255).to(torch.uint8)


def float_pass(pixels: Tensor, matrix: Tensor) -> Tensor:
    """float32 (..., W) -> float32 (..., new W), summed in float64 from the left as Pillow does: here the order counts."""
    used = matrix != 0
    first, last = used.int().argmax(1), matrix.shape[1] - 1 - used.flip(1).int().argmax(1)
    total = torch.zeros(*pixels.shape[:-1], len(matrix), dtype=torch.float64, device=pixels.device)
    for tap in range(int((last - first).max()) + 1):
        column = torch.minimum(first + tap, last)
        weight = matrix.gather(1, column[:, None])[:, 0] * (first + tap <= last)
        total += pixels[..., column].double() * weight
    return total.float()
