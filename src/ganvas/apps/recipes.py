"""What each app is trained with when nothing else is said: the method, what is done to the data, and the settings.

A recipe takes the pictures of a folder, or of any other source, and makes of them what the method learns from. A source that is
in the right form already is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganvas.data.attributes import TABLES
from ganvas.data.damage import KINDS
from ganvas.data.labels import TABLES as LABEL_TABLES
from ganvas.data.listing import existing, listing
from ganvas.data.paired import key_of
from ganvas.data.sides import Layout, layout_of
from ganvas.data.sources import SOURCES, check_word
from ganvas.errors import UsageError

PAIRS = {"paired", "degraded", "openmoji-edges", "emoji-vendors", "brain-slices", "two-valued"}
DOMAINS = {"unpaired", "emoji-vendors-unpaired", "inked-digits"}
ATTRIBUTES = {"attributes", "faces-attributes"}
IN_COMMON = 0.5
"""From this share of the smaller side's names on, two folders are pairs."""


@dataclass(frozen=True)
class Recipe:
    """How an app's model is trained.

    Args:
        app: which.
        method: of METHODS.
        stage: put before the data: what is done to it; empty for nothing.
        size: pixels of a side; None leaves it to the data.
        minutes: of training, when no budget is given.
        settings: of the method, where they are not its paper's.
        why: how the choice was made, in words, where there was one.
    """

    app: str
    method: str
    stage: str = ""
    size: int | None = None
    minutes: float = 60.0
    settings: dict[str, Any] = field(default_factory=dict)
    why: str = ""

    def source(self, data: str) -> str:
        """What ``open_source`` opens."""
        return f"{self.stage}:{data}" if self.stage else data


# Batches above the papers' 1 and narrower networks suit an hour of a CPU; a GPU has time for --width 64 and --size 256.
PAIRED: dict[str, Any] = {"batch_size": 4, "width": 32}
RECIPES: dict[str, Recipe] = {
    "colourise": Recipe("colourise", "pix2pix", "degraded:grey", 128, settings=PAIRED),
    "upscale": Recipe("upscale", "pix2pix", "degraded:down2", 128, settings={"batch_size": 8, "width": 32}),
    "restore": Recipe("restore", "pix2pix", "degraded:scratches+noise+jpeg", 128, settings=PAIRED),
    "translate": Recipe("translate", "pix2pix", "paired", 128, settings=PAIRED),
    "edit": Recipe("edit", "stargan", "attributes", 64, minutes=120.0, settings={"width": 32}),
    "age": Recipe("age", "stargan", "ages", 64, minutes=120.0, settings={"width": 32}),
}
"""The registry, as each stands for a folder of pictures."""
UNPAIRED = Recipe("translate", "cyclegan", "unpaired", 128, minutes=120.0, settings={"width": 32})
CLASSES = Recipe("translate", "stargan", "", 64, minutes=120.0, settings={"width": 32})


def recipe_for(app: str, data: str, *, times: int | None = None, damage: str | None = None) -> Recipe:
    """The recipe of an app for some data.

    Args:
        app: of ``RECIPES``.
        data: as ``--data`` names it.
        times: upscale: 2 or 4; 2 unless said.
        damage: restore: the kinds of damage to mend; scratches, noise and JPEG unless said.

    Raises:
        UsageError: an option that the app has no use for, data of another form, or no such source.
        DataError: there is no such folder.
    """
    recipe = RECIPES[app]
    if times is not None:
        if app != "upscale" or times not in (2, 4):
            raise UsageError(f"--times {times} is not for {app}", "upscale learns 2 or 4")
        recipe = replace(recipe, stage=f"degraded:down{times}")
    if damage is not None:
        if app != "restore":
            raise UsageError(f"{app} has no use for --damage", "leave --damage out")
        if not set(damage.split("+")) <= KINDS.keys() - {"grey", "down2", "down4"}:
            raise UsageError(f"--damage {damage} is not for restoring", "join holes, scratches, noise, jpeg, blur2, blur4 by +")
        recipe = replace(recipe, stage=f"degraded:{damage}")
    kind = data.partition(":")[0]
    if kind not in SOURCES or kind == "FOLDER":
        check_word(data)
        return of_folder(recipe, existing(data))
    return of_source(recipe, kind)


def of_source(recipe: Recipe, kind: str) -> Recipe:
    """The recipe for a source that is no folder: in the right form already, or to be given it; it knows its size."""
    recipe = replace(recipe, size=None)
    bare = replace(recipe, stage="")
    if recipe.app == "translate":
        return bare if kind in PAIRS else replace(UNPAIRED if kind in DOMAINS else CLASSES, stage="", size=None)
    if recipe.app in ("edit", "age"):
        if kind in PAIRS | DOMAINS | {"points"}:
            raise UsageError(f"{recipe.app} learns from labelled pictures, {kind} has none", "name a folder of labelled faces")
        return bare
    if kind in PAIRS:
        return bare
    if kind in DOMAINS | {"points"}:
        raise UsageError(f"{recipe.app} learns from pictures or pairs of them, not from {kind}", "name a folder of pictures")
    return recipe


def of_folder(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe for a folder, by what lies in it."""
    if recipe.app == "edit" and not any((place / name).is_file() for place in (folder, folder.parent) for name in TABLES):
        return replace(recipe, stage="", why="no table of attributes: each sub-folder is an expression, by stargan")
    if recipe.app != "translate":
        return recipe
    place = layout_of(folder, side_by_side=True)
    if place.b is not None:
        return of_sides(recipe, place)
    labelled = any((folder / name).is_file() for name in LABEL_TABLES)
    if labelled or sum(is_folder_of_pictures(inner) for inner in sorted(folder.iterdir())) > 1:
        return replace(CLASSES, why="labelled pictures: any class into any other, by stargan")
    return replace(recipe, why="pictures side by side: pairs, by pix2pix")


def of_sides(recipe: Recipe, place: Layout) -> Recipe:
    """Pairs or two domains, by the names that both sides have."""
    assert place.b is not None
    a, b = ({key_of(picture.name) for picture in listing(side).pictures} for side in (place.a, place.b))
    common, fewer = len(a & b), min(len(a), len(b))
    if common and common >= IN_COMMON * fewer:
        return replace(recipe, why=f"{common} of {fewer} names are in both folders: pairs, by pix2pix")
    return replace(UNPAIRED, why="the folders have other names: two domains without pairs, by cyclegan")


def is_folder_of_pictures(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_dir() and any(inner.is_file() for inner in path.iterdir())
