"""A picture through a translator: what every app shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.apps.tiles import OVERLAP, Finish, tile_side, translate_tiled
from ganvas.errors import UsageError
from ganvas.runs import Model


class Options(NamedTuple):
    """What a user may say besides the picture.

    ``mask``: uint8 (1, H, W), above 127 where a picture is to be restored. ``times``: how much larger it is to become.
    ``back``: from the target domain to the source domain. ``to``: the class that it is to become. ``settings``: attributes, as
    in "smile=1,glasses=0". ``strength``: how far it is to go there, 0..1. ``tile``: side of the tiles, by default as memory
    allows. ``own``: what the picture is, (K,), where that is known; else the model looks.
    """

    mask: Tensor | None = None
    times: int | None = None
    back: bool = False
    to: str | None = None
    settings: str | None = None
    strength: float | None = None
    tile: int | None = None
    own: Tensor | None = None


AS_IT_IS = 2.0
"""Up to so many times the size of training a picture is shown to the model as it is."""
FLAGS = {"mask": "mask", "times": "times", "back": "back", "to": "to", "settings": "set", "strength": "strength"}
"""The options that belong to some apps, by their flags."""


def channels_of(model: Model, *, back: bool = False) -> tuple[int, int]:
    """Channels of what the model takes and of what it gives.

    Raises:
        UsageError: it is no translator.
    """
    if not model.method.translates:
        raise UsageError(
            f"the model is a {model.method_name}, which makes samples from noise and translates no picture",
            "name a model of pix2pix, cyclegan or stargan; `ganvas sample` draws samples",
        )
    pair = ((model.spec.source or model.spec.shape)[0], model.spec.shape[0])
    return pair[::-1] if back else pair


def require_picture_channels(model: Model, taken: int, *allowed: int) -> None:
    """Raises UsageError unless the model takes as many channels as a picture file can be read with."""
    if taken not in (allowed or (1, 3, 4)):
        words = " or ".join(str(n) for n in (allowed or (1, 3, 4)))
        raise UsageError(
            f"the model takes pictures of {taken} channels, here it can be {words}", "use Model.translate in Python"
        )


def require_untold(model: Model, app: str) -> None:
    """Raises UsageError for a model that must be told what to make, which the app has no words for."""
    if model.method.conditional:
        raise UsageError(f"the model is a {model.method_name}, it does not {app}", "use it with translate, edit or age")


def refuse(options: Options, app: str, *used: str) -> None:
    """Raises UsageError for an option that an app has no use for; ``used`` are the fields that it has."""
    for field, flag in FLAGS.items():
        given = getattr(options, field)
        if given is not None and given is not False and field not in used:
            raise UsageError(f"{app} has no use for --{flag}", f"leave --{flag} out")


def reduced(pixels: Tensor, size: tuple[int, ...]) -> Tensor:
    """A picture much larger than ``size`` (rows, columns), made smaller until one side is as long; others as they are."""
    rows, columns = pixels.shape[1:]
    scale = min(rows / size[0], columns / size[1])
    if scale <= AS_IT_IS:
        return pixels
    from PIL import Image

    planes = pixels.permute(1, 2, 0).numpy()
    image = Image.fromarray(planes[..., 0] if len(pixels) == 1 else planes)
    small = np.array(image.resize((round(columns / scale), round(rows / scale)), Image.Resampling.BICUBIC))
    return torch.from_numpy(small[None] if small.ndim == 2 else small.transpose(2, 0, 1).copy())


def to_float(pixels: Tensor) -> Tensor:
    """uint8 in 0..255 to float32 in [-1, 1]."""
    return pixels.float().sub_(127.5).div_(127.5)


def to_bytes(values: Tensor) -> Tensor:
    """float in [-1, 1] to uint8 in 0..255, the nearest."""
    return values.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def translated(
    model: Model, pixels: Tensor, options: Options, finish: Finish | None = None, label: Tensor | None = None
) -> Tensor:
    """A picture of any size through the model, tile by tile where it is large: uint8 (C, H, W) -> uint8 (C', k H, k W).

    Args:
        finish: makes uint8 rows of the model's float rows in [-1, 1]; by default the nearest.
        label: what it shall become, (K,) in 0..1, for models that can be told.
    """
    multiple = int(getattr(model.method.generator, "multiple", 4))
    smallest = -(-OVERLAP // multiple) * multiple + multiple
    times = model.spec.shape[1] // model.spec.source[1] if model.spec.source else 1  # maps are of the larger size at the end
    tile = max(options.tile or tile_side(model.method.config.width * max(times, 1) ** 2, model.device), smallest)

    def function(part: Tensor) -> Tensor:
        return model.translate(to_float(part), label, back=options.back)

    keep = finish or (lambda band, _: to_bytes(band))
    return translate_tiled(function, pixels, tile=tile, multiple=multiple, finish=keep)
