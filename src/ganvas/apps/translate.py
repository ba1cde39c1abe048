"""Translation (A8): a picture of the source domain becomes one of the target domain."""

from __future__ import annotations

from torch import Tensor

from ganvas.apps.through import Options, channels_of, refuse, require_picture_channels, translated
from ganvas.runs import Model


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "translate", back=True)
    taken, given = channels_of(model, back=options.back)
    require_picture_channels(model, taken)
    require_picture_channels(model, given)
    return taken


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C', H, W)."""
    return translated(model, pixels, options)
