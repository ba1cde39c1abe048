"""Restoring (A7): what a mask covers is painted anew, every other pixel stays as it was, to the bit.

Without a mask the whole picture is restored: scratches, noise, the blocks of a JPEG, as the model was trained.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.apps.through import Options, channels_of, refuse, require_picture_channels, require_untold, to_bytes, translated
from ganvas.errors import UsageError
from ganvas.runs import Model

HIDDEN = 128
"""What a hole shows the model; as in training on damage ``holes``, whose last channel is 255 in a hole and 0 outside."""


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "restore", "mask")
    require_untold(model, "restore")
    taken, given = channels_of(model)
    if taken not in (given, given + 1):
        raise UsageError(
            f"the model makes {given} channels of {taken}, it does not restore", "train on --data degraded:holes:FOLDER"
        )
    if taken == given + 1 and options.mask is None:
        raise UsageError("the model fills holes and must know where they are", "name a mask picture with --mask")
    require_picture_channels(model, given)
    return given


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C, H, W).

    Raises:
        UsageError: the mask is of another size.
    """
    taken, given = channels_of(model)
    if options.mask is None:
        return translated(model, pixels, options)
    mask = options.mask
    if mask.shape[1:] != pixels.shape[1:]:
        raise UsageError(
            f"the mask is {mask.shape[2]}x{mask.shape[1]}, the picture {pixels.shape[2]}x{pixels.shape[1]}",
            "give a mask of the picture's size, white where it is to be restored",
        )
    holes = mask > 127  # (1, H, W)
    shown = pixels
    if taken == given + 1:
        shown = torch.cat([torch.where(holes, torch.tensor(HIDDEN, dtype=torch.uint8), pixels), holes.to(torch.uint8) * 255])

    def finish(band: Tensor, rows: slice) -> Tensor:
        return torch.where(holes[:, rows], to_bytes(band), pixels[:, rows])

    return translated(model, shown, options, finish)
