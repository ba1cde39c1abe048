"""Applications: what people do with a translator. One file each, pictures in and pictures out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from ganvas.apps import age, colourise, edit, restore, translate, upscale
from ganvas.apps.through import Options
from ganvas.runs import Model


class App(NamedTuple):
    """A row of the registry.

    Args:
        title: what it does.
        channels: with how many channels a picture is read; raises UsageError for a model or an option that will not do.
        apply: a picture, uint8 (C, H, W), through the model -> uint8 (C', H', W').
        exact: its promise about pixels holds only in files without loss.
    """

    title: str
    channels: Callable[[Model, Options], int]
    apply: Callable[[Model, Tensor, Options], Tensor]
    exact: bool = False


APPS: dict[str, App] = {
    "translate": App("from the source domain to the target domain", translate.channels, translate.apply),
    "colourise": App("colour for a grey picture, which keeps its lightness", colourise.channels, colourise.apply, exact=True),
    "upscale": App("a larger picture with its details", upscale.channels, upscale.apply),
    "restore": App("damage mended; with a mask, in it alone", restore.channels, restore.apply, exact=True),
    "edit": App("a face with other expressions and attributes, by name and strength", edit.channels, edit.apply),
    "age": App("a face at another age", age.channels, age.apply),
}
"""The registry."""

__all__ = ["APPS", "App", "Options"]
