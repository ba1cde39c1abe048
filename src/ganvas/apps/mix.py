"""Mixing (A4): the coarse of one picture with the fine of another, or what lies between two."""

from __future__ import annotations

from collections.abc import Collection

import torch

from ganvas.apps.interpolate import between
from ganvas.apps.latent import Codes
from ganvas.errors import UsageError
from ganvas.runs import Model


def mix(model: Model, a: Codes, b: Codes, *, layers: Collection[int] | None = None, share: float | None = None) -> Codes:
    """Codes (N) of ``a`` (N) mixed with ``b`` (N).

    Args:
        layers: style mixing (Karras et al. 2019, section 3.1): these layers' styles are from ``b``, the others from ``a``; the
            first are coarse (pose, shape), the last fine (colours). Needs w. None: every layer is blended.
        share: how far from ``a`` (0) to ``b`` (1), straight in w, along the arc in z; by default 1 for layers, else 1/2.

    Raises:
        UsageError: sides of different number or space, layers in z or that are not there, or a share outside 0..1.
    """
    if a.space != b.space or len(a) != len(b):
        raise UsageError(f"{len(a)} pictures in {a.space} do not mix with {len(b)} in {b.space}", "give as many of one space")
    share = (0.5 if layers is None else 1.0) if share is None else share
    if not 0 <= share <= 1:
        raise UsageError(f"share={share} is out of range", "it is 0 (the first picture) to 1 (the second)")
    if a.label is not None and b.label is not None and not torch.equal(a.label, b.label):
        raise UsageError("in z there is nothing between two classes", "give one --label")
    if layers is None:
        return between(model, a, b, torch.full((len(a),), share), arc=a.space == "z")
    if a.space == "z":
        raise UsageError("z has no layers to mix", "leave --layers out to blend, or use a model of stylegan")
    known = a.value.shape[1]
    if not layers or any(not 0 <= layer < known for layer in layers):
        raise UsageError(f"layers {sorted(layers)} are out of range", f"the model's are 0 to {known - 1}")
    mixed, rows = a.value.clone(), sorted(set(layers))
    mixed[:, rows] = torch.lerp(a.value[:, rows], b.value[:, rows], share)
    return a.moved(mixed)


def crossed(
    model: Model, rows: Codes, columns: Codes, *, layers: Collection[int] | None = None, share: float | None = None
) -> Codes:
    """Each of ``rows`` (R) mixed with each of ``columns`` (C), as ``mix``: (R * C), row by row."""
    a = rows.at(torch.arange(len(rows)).repeat_interleave(len(columns)))
    b = columns.at(torch.arange(len(columns)).repeat(len(rows)))
    return mix(model, a, b, layers=layers, share=share)
