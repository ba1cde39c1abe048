"""A picture through a translator: what every app shares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.apps.tiles import OVERLAP, Finish, tile_side, translate_tiled
from ganvas.errors import UsageError
from ganvas.runs import Model


class Options(NamedTuple):
    """What a user may say besides the picture.

    ``mask``: uint8 (1, H, W), above 127 where a picture is to be restored. ``times``: how much larger it is to become.
    ``back``: from the target domain to the source domain. ``tile``: side of the tiles, by default as memory allows.
    """

    mask: Tensor | None = None
    times: int | None = None
    back: bool = False
    tile: int | None = None


def channels_of(model: Model, *, back: bool = False) -> tuple[int, int]:
    """Channels of what the model takes and of what it gives.

    Raises:
        UsageError: it is no translator.
    """
    source = model.spec.source
    if not model.method.translates or source is None:
        raise UsageError(
            f"the model is a {model.method_name}, which makes samples from noise and translates no picture",
            "name a model of pix2pix or cyclegan; `ganvas sample` draws samples",
        )
    pair = (source[0], model.spec.shape[0])
    return pair[::-1] if back else pair


def require_picture_channels(model: Model, taken: int, *allowed: int) -> None:
    """Raises UsageError unless the model takes as many channels as a picture file can be read with."""
    if taken not in (allowed or (1, 3, 4)):
        words = " or ".join(str(n) for n in (allowed or (1, 3, 4)))
        raise UsageError(
            f"the model takes pictures of {taken} channels, here it can be {words}", "use Model.translate in Python"
        )


def refuse(options: Options, app: str, *, mask: bool = False, times: bool = False, back: bool = False) -> None:
    """Raises UsageError for an option that an app has no use for; those that are true it has."""
    for name, given, known in (
        ("mask", options.mask is not None, mask),
        ("times", options.times is not None, times),
        ("back", options.back, back),
    ):
        if given and not known:
            raise UsageError(f"{app} has no use for --{name}", f"leave --{name} out")


def to_float(pixels: Tensor) -> Tensor:
    """uint8 in 0..255 to float32 in [-1, 1]."""
    return pixels.float().sub_(127.5).div_(127.5)


def to_bytes(values: Tensor) -> Tensor:
    """float in [-1, 1] to uint8 in 0..255, the nearest."""
    return values.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def translated(model: Model, pixels: Tensor, options: Options, finish: Finish | None = None) -> Tensor:
    """A picture of any size through the model, tile by tile where it is large: uint8 (C, H, W) -> uint8 (C', k H, k W).

    Args:
        finish: makes uint8 rows of the model's float rows in [-1, 1]; by default the nearest.
    """
    multiple = int(getattr(model.method.generator, "multiple", 4))
    smallest = -(-OVERLAP // multiple) * multiple + multiple
    tile = max(options.tile or tile_side(model.method.config.width, model.device), smallest)

    def function(part: Tensor) -> Tensor:
        return model.translate(to_float(part), back=options.back)

    keep = finish or (lambda band, _: to_bytes(band))
    return translate_tiled(function, pixels, tile=tile, multiple=multiple, finish=keep)
