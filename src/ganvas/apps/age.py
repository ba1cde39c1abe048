"""Ageing (A5): a face at another age, one of the six ranges of the thesis, which are the domains of a StarGAN."""

from __future__ import annotations

from torch import Tensor

from ganvas.apps.edit import changed, require_editor
from ganvas.apps.through import Options, refuse
from ganvas.data.ages import RANGES, range_of
from ganvas.errors import UsageError
from ganvas.runs import Model


def channels(model: Model, options: Options) -> int:
    """With how many channels a picture is read. Raises UsageError for a model or an option that will not do."""
    refuse(options, "age", "to", "strength")
    require_editor(model, "age")
    if not set(model.spec.domains) & set(RANGES):
        raise UsageError(
            f"the model knows {', '.join(model.spec.domains[:10])}, and no ages", "`ganvas train age --data FOLDER` trains one"
        )
    asked_range(model, options)
    return model.spec.shape[0]


def asked_range(model: Model, options: Options) -> str:
    """The range that ``--to`` says, itself or by a number of years.

    Raises:
        UsageError: none was said, there is none such, or the model saw nobody of that age.
    """
    known = [name for name in model.spec.domains if name in RANGES]
    if options.to is None:
        raise UsageError("age was not told how old the face shall be", f"say it with --to: {', '.join(known)}, or years")
    name = options.to if options.to in RANGES else range_of(options.to)
    if name is None:
        raise UsageError(f"--to {options.to} is no age", f"give one of {', '.join(known)}, or years, as in --to 67")
    if name not in known:
        raise UsageError(f"the model never saw a face of {name}", f"it knows {', '.join(known)}")
    return name


def apply(model: Model, pixels: Tensor, options: Options) -> Tensor:
    """uint8 (C, H, W) -> uint8 (C, H, W)."""
    return changed(model, pixels, {asked_range(model, options): 1.0}, options)
