"""Data by a word: what ``--data`` takes, and what there is."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from ganvas.data.dataset import ArrayData, Data
from ganvas.data.faces import LICENCE as FACES_LICENCE
from ganvas.data.faces import faces
from ganvas.data.folder import from_folder, reshaped
from ganvas.data.hugging_face import from_hub
from ganvas.data.mnist import FASHION_MNIST, MNIST, fashion_mnist, mnist
from ganvas.data.points import Points, points
from ganvas.data.shards import from_shards
from ganvas.data.stacked import stacked_mnist
from ganvas.data.wanted import WHITE, Fit, Size, Wanted
from ganvas.errors import UsageError


@dataclass(frozen=True)
class SourceInfo:
    """A source as ``ganvas data list`` shows it."""

    description: str
    licence: str


SOURCES: dict[str, SourceInfo] = {
    "mnist": SourceInfo("handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes; mnist:3 is one digit", MNIST.licence),
    "fashion-mnist": SourceInfo("articles of clothing, 60,000 + 10,000, 28x28 grey, 10 classes", FASHION_MNIST.licence),
    "stacked-mnist": SourceInfo("three digits in one RGB picture, endless, 28x28, 1,000 modes to count", MNIST.licence),
    "points": SourceInfo("points in the plane: points:x-squared, :ring, :grid, :swiss-roll, :two-gaussians", Points.licence),
    "faces": SourceInfo("drawn faces, RGB, 5 expressions; faces:surprised is one of them", FACES_LICENCE),
    "hf": SourceInfo("a data set of pictures by the library datasets: hf:NAME, or hf:FOLDER", "its own: see its card"),
    "wds": SourceInfo("WebDataset shards on disk: wds:shards/train-{000..009}.tar", "your own"),
    "FOLDER": SourceInfo("a folder of PNG, JPEG, WebP, BMP, TIFF; labels from sub-folders or labels.csv", "your own"),
}


def open_source(
    source: str,
    *,
    size: Size | list[int] = None,
    labels: str | Path | None = None,
    mirror: bool = False,
    strict: bool = False,
    only: str | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    background: tuple[int, int, int] | list[int] = (255, 255, 255),
    max_bad: float = 0.05,
    count: int | None = None,
    seed: int | None = None,
    root: str | Path | None = None,
    split: str | None = None,
    parameters: dict[str, float] | None = None,
) -> Data:
    """The data that a word names: ``mnist``, ``mnist:3``, ``points:ring``, ``faces:surprised``, a path, ...

    Args:
        source: a name of ``SOURCES``, with what follows its colon, or the path of a folder.
        size, labels, mirror, strict, channels, fit, background, max_bad: see ``folder``.
        only: class names or indices with commas; the same as ``mnist:3`` for every source that has labels.
        count, seed: how many faces to draw, and which.
        root: a folder of MNIST's four files.
        split: of a Hugging Face data set.
        parameters: of a distribution of points.

    Raises:
        UsageError: no such source, or an option that this source cannot have. DataError: the data cannot be had.
    """
    kind, _, rest = source.partition(":")
    if kind not in SOURCES or kind == "FOLDER":
        kind, rest = "FOLDER", source
        check_word(source)
    given: dict[str, object] = {"size": size, "labels": labels, "mirror": mirror, "strict": strict, "only": only}
    given |= {"channels": channels, "fit": fit != "crop", "background": tuple(background) != WHITE, "max_bad": max_bad != 0.05}
    given |= {"count": count, "seed": seed, "root": root, "split": split, "parameters": parameters}
    for option, value in given.items():
        if value not in (None, False) and option not in ALLOWED[kind]:
            raise UsageError(f"{kind} data takes no option {option!r}", f"it takes {', '.join(sorted(ALLOWED[kind]))}")
    if kind == "points":
        return points(rest or "ring", **(parameters or {}))
    if kind == "stacked-mnist":
        return stacked_mnist(root)
    sides = (size[0], size[1]) if isinstance(size, list) else size  # JSON knows no tuples
    colour = (background[0], background[1], background[2]) if len(background) == 3 else (-1, -1, -1)
    wanted = Wanted(sides, channels, fit, colour, mirror, strict, max_bad)
    if kind in ("mnist", "fashion-mnist"):
        whole = (mnist if kind == "mnist" else fashion_mnist)(root, mirror=mirror)
        return reshaped(narrowed(whole, rest or None, only), wanted)
    if kind == "faces":
        data = faces(rest or None, count=count, size=sides, seed=seed or 0, mirror=mirror)
    elif kind == "hf":
        data = from_hub(rest, split, None if labels is None else str(labels), wanted)
    elif kind == "wds":
        data = from_shards(rest, wanted)
    else:
        data = from_folder(rest, labels, wanted)
    return narrowed(data, None, only)


PICTURES = {"size", "channels", "fit", "background", "mirror", "only"}
ALLOWED: dict[str, set[str]] = {
    "mnist": PICTURES | {"root"},
    "fashion-mnist": PICTURES | {"root"},
    "stacked-mnist": {"root"},
    "points": {"parameters"},
    "faces": {"size", "count", "seed", "mirror", "only"},
    "hf": PICTURES | {"split", "strict", "max_bad", "labels"},
    "wds": PICTURES | {"strict", "max_bad"},
    "FOLDER": PICTURES | {"labels", "strict", "max_bad"},
}


def check_word(source: str) -> None:
    """Refuses a mistyped name before it is taken for a folder that does not exist."""
    word = source.partition(":")[0]
    if not source:
        raise UsageError("no data is named", f"choose from {', '.join(SOURCES)}")
    if any(mark in word for mark in "/\\\0") or os.path.exists(source):  # noqa: PTH110  (Path.exists raises for long names)
        return
    if near := difflib.get_close_matches(word, [name for name in SOURCES if name != "FOLDER"], n=1, cutoff=0.6):
        raise UsageError(f"there is no data source or folder called {source!r}", f"did you mean {near[0]}?")


def narrowed(data: ArrayData, rest: str | None, only: str | None) -> ArrayData:
    """The classes named after the colon or by ``only``; all of them when there are none."""
    wanted = ",".join(part for part in (rest, only) if part)
    return data.only(*(part.strip() for part in wanted.split(","))) if wanted else data
