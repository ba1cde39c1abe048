"""Pictures moved by affine maps without aliases: twice enlarged, looked up, made small again (Karras et al. 2020, appendix B).

Enlarging and making small are products with matrices: on a CPU they outrun convolutions of one channel, borders need no extra
work, and both can be differentiated as often as wanted. The filter is the wavelet sym6: enlarging and making small again gives
the picture itself, so that nothing is blurred that is not moved.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from ganvas.networks.augment.chance import constant

SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
"""Daubechies' least asymmetric low-pass filter with six vanishing moments (Ten Lectures on Wavelets, 1992, table 6.3)."""
CENTRE = 5
"""The tap that lies on a pixel: the filter's centre of gravity is 5.1, that of its finer frequencies 4.9."""
MARGIN = len(SYM6) - 2
"""Enlarged pixels beyond the picture's borders that making it small looks at, both sides together."""


def resampled(pictures: Tensor, inverse: Tensor) -> Tensor:
    """Pictures (N, C, H, W) whose place (x, y), in pixels from the middle, shows what was at ``inverse`` (N, 3, 3) @ (x, y, 1).

    What comes in from outside is the picture mirrored at its borders. Differentiable twice in the pictures, not in the maps.
    """
    rows, columns = pictures.shape[2:]
    enlarged = (
        enlarging(rows, pictures.dtype, pictures.device) @ pictures @ enlarging(columns, pictures.dtype, pictures.device).T
    )
    found: Tensor = Lookup.apply(enlarged, places(rows, columns, inverse))  # type: ignore[no-untyped-call]
    down, across = (shrinking(side, pictures.dtype, pictures.device) for side in (rows, columns))
    return down @ found @ across.T


def places(rows: int, columns: int, inverse: Tensor) -> Tensor:
    """Where each enlarged pixel is taken from, (N, 2 H + 10, 2 W + 10, 2), as shares of half of a side from the middle."""
    y, x = (middle_out(side, inverse) for side in (rows, columns))
    half = constant((2 / columns, 2 / rows), inverse.device, inverse.dtype)
    a, b, c = (inverse[:, :2, column] * half for column in range(3))  # (N, 2) each
    along = x.view(1, 1, -1, 1) * a[:, None, None, :] + c[:, None, None, :]
    return along + y.view(1, -1, 1, 1) * b[:, None, None, :]


def middle_out(side: int, like: Tensor) -> Tensor:
    """Places of enlarged pixels, half a pixel apart, with the margin beyond both borders; in pixels from the middle."""
    steps = torch.arange(2 * side + MARGIN, device=like.device, dtype=like.dtype)
    return (steps - CENTRE) / 2 - (side - 1) / 2


@cache
def enlarging(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(2 side + 1, side): each pixel becomes two, the first and the last lying on the picture's borders, which mirror it."""
    whole = torch.zeros(2 * side + MARGIN, side + 2 * MARGIN, dtype=torch.float64)
    for pixel in range(side + 2 * MARGIN):
        for tap, weight in enumerate(SYM6):
            place = 2 * (pixel - MARGIN) + tap
            if 0 <= place < len(whole):
                whole[place, pixel] = weight * 2**0.5
    outside = torch.arange(-MARGIN, side + MARGIN) % (2 * side)
    mirrored = torch.where(outside < side, outside, 2 * side - 1 - outside)
    matrix = torch.zeros(len(whole), side, dtype=torch.float64).index_add_(1, mirrored, whole)
    return matrix[CENTRE - 1 : CENTRE + 2 * side].to(device=device, dtype=dtype)


@cache
def shrinking(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(side, 2 side + 10): two enlarged pixels become one, the transpose of enlarging up to a factor of 2."""
    matrix = torch.zeros(side, 2 * side + MARGIN, dtype=torch.float64)
    for pixel in range(side):
        matrix[pixel, 2 * pixel : 2 * pixel + len(SYM6)] = torch.tensor(SYM6, dtype=torch.float64) / 2**0.5
    return matrix.to(device=device, dtype=dtype)


BILINEAR, MIRRORED = 0, 2


class Lookup(torch.autograd.Function):
    """``grid_sample``, bilinear and mirrored at the outermost pixels; linear in the pictures, so differentiable without end.

    torch's own has no second derivative.
    """

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = pictures.shape
        return torch.ops.aten.grid_sampler_2d(pictures, grid, BILINEAR, MIRRORED, True)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return Spread.apply(grad, grid, ctx.shape), None  # type: ignore[no-untyped-call]


class Spread(torch.autograd.Function):
    """The transpose of ``Lookup``: what each looked-up value gives back to the pixels that it is made of."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        pictures = grad.new_zeros(shape)  # only its shape matters
        spread = torch.ops.aten.grid_sampler_2d_backward(
            grad.contiguous(), pictures, grid, BILINEAR, MIRRORED, True, [True, False]
        )
        return spread[0]  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return Lookup.apply(grad, grid), None, None  # type: ignore[no-untyped-call]
