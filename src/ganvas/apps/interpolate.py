"""From one picture to the next through latent space."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganvas.apps.latent import Codes, from_normal, joined, to_normal
from ganvas.errors import UsageError
from ganvas.metrics.perceptual import slerp
from ganvas.runs import Model

Path = Literal["auto", "slerp", "linear"]


def interpolate(model: Model, keys: Codes, steps: int, *, path: Path = "auto", closed: bool = False) -> Codes:
    """``steps`` codes from each key to the next, the next one's own left out, and the last key at the end.

    Args:
        keys: at least two; in z of one class, for which there is no half way to another.
        steps: at least 1.
        path: slerp: along the arc of the sphere on which normal z lie (Shoemake 1985); linear: straight. auto: slerp in z,
            linear in w, which has no such sphere.
        closed: from the last key back to the first, which then ends it: (keys + 1) steps.

    Raises:
        UsageError: too few keys or steps, several classes in z, or slerp in w.
    """
    if len(keys) < 2 or steps < 1:
        raise UsageError(
            f"{len(keys)} pictures and {steps} steps make no path", "name two pictures or more, and 1 step or more"
        )
    if keys.space == "w" and path == "slerp":
        raise UsageError("w has no sphere to follow an arc on", "leave --path out, or choose linear")
    if keys.label is not None and len(keys.label.unique()) > 1:
        raise UsageError("in z there is nothing between two classes", "give one --label")
    ends = joined(keys, keys.at([0])) if closed else keys
    share = torch.arange(steps) / steps
    arc = path == "slerp" or (path == "auto" and keys.space == "z")
    parts = []
    for place in range(len(ends) - 1):
        a, b = (ends.at([row] * steps) for row in (place, place + 1))
        parts.append(between(model, a, b, share, arc=arc))
    return joined(*parts, ends.at([len(ends) - 1]))


def between(model: Model, a: Codes, b: Codes, share: Tensor, *, arc: bool) -> Codes:
    """The codes (N) at the shares (N,) of the ways from ``a`` (N) to ``b`` (N); the classes are those of ``a``."""
    if not arc:
        return a.moved(torch.lerp(a.value, b.value, share.view(-1, *[1] * (a.value.dim() - 1))))
    prior = model.method.config.prior
    normal = slerp(to_normal(a.value, prior), to_normal(b.value, prior), share[:, None])
    return a.moved(from_normal(normal, prior))
