"""sRGB and CIE L*a*b*, from their standards' formulas: IEC 61966-2-1 and CIE 15, white D65."""

from __future__ import annotations

import torch
from torch import Tensor

TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
"""Linear sRGB to CIE XYZ (IEC 61966-2-1, with its four decimals); its rows' sums are the white of D65."""
EDGE = 6 / 29
"""Where the cube root of CIE's f gives way to a straight line."""


def lightness(luminance: Tensor) -> Tensor:
    """L* in 0..100 of relative luminance Y in 0..1."""
    return 116 * root(luminance) - 16


def root(ratio: Tensor) -> Tensor:
    """CIE's f: the cube root, and a straight line near black."""
    return torch.where(ratio > EDGE**3, ratio.clamp(min=EDGE**3) ** (1 / 3), ratio / (3 * EDGE**2) + 4 / 29)


def cube(value: Tensor) -> Tensor:
    """The inverse of ``root``."""
    return torch.where(value > EDGE, value**3, 3 * EDGE**2 * (value - 4 / 29))


def linear(encoded: Tensor) -> Tensor:
    """Light in 0..1 of encoded sRGB in 0..1."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def encoded(light: Tensor) -> Tensor:
    """sRGB as it is stored, of light; both in 0..1, values beyond continue the curve."""
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def luminance(rgb: Tensor) -> Tensor:
    """Y in 0..1, (1, H, W), of sRGB (3, H, W) in 0..1."""
    red, green, blue = linear(rgb)
    light: Tensor = TO_XYZ[1][0] * red + TO_XYZ[1][1] * green + TO_XYZ[1][2] * blue
    return light[None]


def to_lab(rgb: Tensor) -> Tensor:
    """sRGB (3, H, W) in 0..1 to L* in 0..100 and a*, b* about -128..128, (3, H, W). Grey has a* = b* = 0."""
    matrix = rgb.new_tensor(TO_XYZ)
    white = matrix.sum(1).view(3, 1, 1)
    x, y, z = root(torch.einsum("ij,jhw->ihw", matrix, linear(rgb)) / white)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def to_rgb(lab: Tensor) -> Tensor:
    """L*a*b* (3, H, W) to sRGB (3, H, W): within 0..1 where sRGB has the colour, beyond where it has not."""
    matrix = torch.tensor(TO_XYZ, dtype=torch.float64)
    y = (lab[0] + 16) / 116
    xyz = cube(torch.stack([y + lab[1] / 500, y, y - lab[2] / 200])) * matrix.sum(1).to(lab.dtype).view(3, 1, 1)
    return encoded(torch.einsum("ij,jhw->ihw", matrix.inverse().to(lab.dtype), xyz))
