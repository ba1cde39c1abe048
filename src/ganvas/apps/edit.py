"""Editing (A3): expressions and attributes by name and strength.

The model's critic says what the picture is; what is asked for takes its place in the label, by as much as ``strength`` says.
The picture gets the *change* between what the generator makes of both labels, G(x, wanted) - G(x, own): so what was not asked
for stays, and at strength 0 the picture stays as it is, to the bit.

A network knows faces at the size that it learnt from. A picture more than twice as large is made smaller for it, and the change
is enlarged and added to the picture as it was.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganvas.apps.asked import in_set, label_for, recognised, require_domains, strength_of, wanted_of
from ganvas.apps.through import Options, channels_of, reduced, refuse, require_picture_channels, to_bytes, to_float, translated
from ganvas.runs import Model

BAND = 1 << 20
"""Values of the enlarged change that are held at a time."""


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "edit", "to", "settings", "strength")
    require_editor(model, "edit")
    strength_of(options)
    label_for(model.spec, wanted_of(options, "edit", model.spec), torch.zeros(len(model.spec.domains)))
    return model.spec.shape[0]


def require_editor(model: Model, app: str) -> None:
    """Raises UsageError unless the model can be told what to make, and of pictures that a file can hold."""
    channels_of(model)
    require_domains(model, app)
    require_picture_channels(model, model.spec.shape[0])


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C, H, W)."""
    return changed(model, pixels, wanted_of(options, "edit", model.spec), options)


def changed(model: Model, pixels: Tensor, wanted: Mapping[str, float], options: Options) -> Tensor:
    """A picture, uint8 (C, H, W), with what is wanted of it, by the strength of ``options``."""
    own = recognised(model, pixels) if options.own is None else options.own
    new = label_for(model.spec, wanted, own)
    own = in_set(model.spec, wanted, own)
    label = torch.lerp(own, new, strength_of(options))
    if torch.equal(label, own):
        return pixels.clone()
    shown = reduced(pixels, model.spec.shape[1:])

    def keep(band: Tensor, rows: slice) -> Tensor:
        return band

    after, before = (translated(model, shown, options, keep, each) for each in (label, own))
    return added(pixels, after.sub_(before))


def added(pixels: Tensor, change: Tensor) -> Tensor:
    """uint8 (C, H, W) with a change (C, h, w) in units of [-1, 1], enlarged to it by linear interpolation, band by band."""
    result = torch.empty_like(pixels)
    channels, rows, columns = pixels.shape
    across = change if change.shape[2] == columns else between(change, columns, 2)
    height = max(1, BAND // (channels * columns))
    for top in range(0, rows, height):
        band = slice(top, min(top + height, rows))
        own = across[:, band] if change.shape[1] == rows else between(across, rows, 1, band)
        result[:, band] = to_bytes(to_float(pixels[:, band]) + own)
    return result


def between(values: Tensor, length: int, axis: int, part: slice | None = None) -> Tensor:
    """``values`` enlarged along an axis to ``length`` places, of which ``part``: linear between the centres of pixels."""
    part = part or slice(0, length)
    size = values.shape[axis]
    place = ((torch.arange(part.start, part.stop) + 0.5) * (size / length) - 0.5).clamp(0, size - 1)
    before = place.long()
    share = (place - before).view([-1 if dim == axis else 1 for dim in range(3)])
    low, high = (values.index_select(axis, index) for index in (before, (before + 1).clamp(max=size - 1)))
    return torch.lerp(low, high, share)
