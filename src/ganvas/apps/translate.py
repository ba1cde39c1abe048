"""Translation (A8): a picture of the source domain becomes one of the target domain, or of a class or attributes by name."""

from __future__ import annotations

from torch import Tensor

from ganvas.apps.asked import label_for, recognised, require_domains, wanted_of
from ganvas.apps.through import Options, channels_of, refuse, require_picture_channels, translated
from ganvas.runs import Model


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "translate", "back", "to", "settings")
    taken, given = channels_of(model, back=options.back)
    require_picture_channels(model, taken)
    require_picture_channels(model, given)
    if model.method.conditional:
        refuse(options, f"translate by {model.method_name}", "to", "settings")
        wanted_of(options, "translate", model.spec)
    elif options.to is not None or options.settings is not None:
        require_domains(model, "edit")
    return taken


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C', H, W)."""
    if not model.method.conditional:
        return translated(model, pixels, options)
    own = recognised(model, pixels) if options.own is None else options.own
    label = label_for(model.spec, wanted_of(options, "translate", model.spec), own)
    return translated(model, pixels, options, label=label)
