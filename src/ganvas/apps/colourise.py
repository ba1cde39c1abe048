"""Colouring (A14): the model says the colour, the input the lightness, which it keeps exactly.

Only a* and b* of the model's picture are used. Where sRGB has no such colour at the input's lightness, it is made paler until
there is one; rounding to 8 bits is then done so that the result, made grey again, is the input's grey to the bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.apps.lab import encoded, lightness, luminance, to_lab, to_rgb
from ganvas.apps.through import Options, channels_of, refuse, require_picture_channels, require_untold, to_bytes, translated
from ganvas.errors import UsageError
from ganvas.runs import Model

AT_ONCE = 1 << 19
"""Pixels that are coloured at a time."""
HALVINGS = 8
"""Of the interval in which the largest chroma that sRGB has is searched: to 0.4 %."""
NEARBY = ((0, 0, 0), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1), (1, 1, 1), (-1, -1, -1))
"""Steps of 1/255 in red, green and blue that rounding may take."""


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "colourise")
    require_untold(model, "colourise")
    taken, given = channels_of(model)
    require_picture_channels(model, taken, 1, 3)
    if given != 3:
        raise UsageError(
            f"the model gives pictures of {given} channels, and no colour", "train one on --data degraded:grey:FOLDER"
        )
    return 3  # a colour picture's own lightness counts, whatever the model is shown of it


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 RGB (3, H, W), of which the colour does not count -> uint8 RGB (3, H, W) with the same ``grey_level``."""
    taken, _ = channels_of(model)
    grey = luma(pixels)
    shown = grey if taken == 1 else grey.expand(3, -1, -1)

    def finish(band: Tensor, rows: slice) -> Tensor:
        height = max(1, AT_ONCE // band.shape[2])
        parts = zip(band.split(height, 1), pixels[:, rows].split(height, 1), strict=True)
        return torch.cat([coloured(wanted, light) for wanted, light in parts], 1)

    return translated(model, shown, options, finish)


def luma(pixels: Tensor) -> Tensor:
    """ITU-R BT.601 as Pillow's mode L: what training on damage ``grey`` shows the model. uint8 (3, H, W) -> (1, H, W)."""
    red, green, blue = pixels.to(torch.int32)
    weighted: Tensor = red * 19595 + green * 38470 + blue * 7471 + 0x8000 >> 16
    return weighted.to(torch.uint8)[None]


def grey_level(pixels: Tensor) -> Tensor:
    """The grey of the same lightness, uint8 (1, H, W), of uint8 RGB (3, H, W); a grey's own level."""
    return to_bytes(2 * encoded(luminance(pixels.float() / 255)) - 1)


def coloured(wanted: Tensor, light: Tensor) -> Tensor:
    """The chroma of ``wanted``, float RGB (3, H, W) in [-1, 1], at the lightness of ``light``, uint8 RGB (3, H, W)."""
    level = grey_level(light)
    lab = to_lab((wanted.clamp(-1, 1) + 1) / 2)
    lab[:1] = lightness(luminance(level.expand(3, -1, -1).float() / 255))
    flat, level = lab.flatten(1), level.flatten()
    flat[1:] *= largest_chroma(flat)
    result = level.expand(3, -1).clone()
    missing = torch.arange(len(level))
    for _ in range(HALVINGS):  # what no rounding brings to its level becomes paler; grey itself always has it
        painted, right = rounded(flat[:, missing], level[missing])
        result[:, missing[right]] = painted[:, right]
        missing = missing[~right]
        if not len(missing):
            break
        flat[1:, missing] /= 2
    return result.view_as(wanted)


def largest_chroma(lab: Tensor) -> Tensor:
    """The largest factor in 0..1 for a* and b* of each colour (3, N) with which sRGB has it, (N,), by bisection."""
    largest = torch.ones_like(lab[0])
    beyond = (~in_srgb(lab, largest)).nonzero()[:, 0]
    lab = lab[:, beyond]
    low, high = torch.zeros_like(lab[0]), torch.ones_like(lab[0])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = in_srgb(lab, middle)
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    largest[beyond] = low
    return largest


def in_srgb(lab: Tensor, factor: Tensor) -> Tensor:
    """Whether sRGB has each colour (3, N) with its a* and b* times ``factor`` (N,)."""
    rgb = to_rgb(torch.stack([lab[0], lab[1] * factor, lab[2] * factor])[:, None])[:, 0]
    return ((rgb >= -1e-4) & (rgb <= 1 + 1e-4)).all(0)


def rounded(lab: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (3, N) as uint8 RGB of exactly the grey ``level`` (N,) where one of ``NEARBY`` has it, and where that is."""
    nearest = (to_rgb(lab[:, None])[:, 0] * 255).round().clamp(0, 255)
    chosen, right = nearest.clone(), torch.zeros_like(level, dtype=torch.bool)
    for step in NEARBY:
        missing = (~right).nonzero()[:, 0]
        candidate = (nearest[:, missing] + nearest.new_tensor(step).view(3, 1)).clamp(0, 255)
        fits = grey_level(candidate[:, None])[0, 0] == level[missing]
        chosen[:, missing[fits]], right[missing[fits]] = candidate[:, fits], True
    return chosen.to(torch.uint8), right
