"""Super-resolution (A13): a picture becomes larger, and the model says what its details should be.

Two kinds of model do: one whose target is larger than its source, and one that was trained on pictures made smaller and
enlarged again (damage ``blur2`` and ``blur4``), to which a picture is shown after the same bicubic enlargement.
"""

from __future__ import annotations

import re

from torch import Tensor
from torch.nn.functional import interpolate

from ganvas.apps.through import Options, channels_of, refuse, require_picture_channels, require_untold, translated
from ganvas.errors import UsageError
from ganvas.runs import Model


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "upscale", "times")
    require_untold(model, "upscale")
    taken, given = channels_of(model)
    require_picture_channels(model, taken)
    if taken != given:
        raise UsageError(
            f"the model makes {given} channels of {taken}, it is not for larger pictures",
            "train on --data degraded:blur2:FOLDER",
        )
    enlargement(model, options.times)
    return taken


def enlargement(model: Model, times: int | None) -> tuple[int, int]:
    """How many times larger a picture becomes before the model, and by the model.

    Raises:
        UsageError: nobody says how much, or another factor than the model's.
    """
    target = model.spec.shape
    source = model.spec.source or target
    if target[1:] != source[1:]:
        own = target[1] // source[1]
        if times not in (None, own):
            raise UsageError(f"the model makes pictures {own} times larger, not {times}", "leave --times out")
        return 1, own
    trained = re.search(r"degraded:[^:]*\bblur(\d+)", str(model.facts.get("data", "")))
    before = times or (int(trained[1]) if trained else 0)
    if before < 1:
        raise UsageError("the model does not say how much larger its pictures become", "say it with --times 2")
    if before > 8:
        raise UsageError(f"{before} times larger is beyond any model", "choose 2 to 8")
    return before, 1


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C, k H, k W)."""
    before, _ = enlargement(model, options.times)
    return translated(model, enlarged(pixels, before), options)


def enlarged(pixels: Tensor, times: int) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C, k H, k W) by the bicubic filter: the baseline of every upscaler."""
    if times == 1:
        return pixels
    size = [side * times for side in pixels.shape[1:]]
    return interpolate(pixels[None], size, mode="bicubic", antialias=True)[0]
