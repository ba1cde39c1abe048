"""Where a folder for translation keeps its two sides."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ganvas.data.folder import TESTING, halves
from ganvas.data.listing import is_folder, shown
from ganvas.errors import DataError

SIDES = (("a", "b"), ("source", "target"), ("input", "target"), ("x", "y"))


@dataclass(frozen=True)
class Layout:
    """The two folders (``b`` None: the one that holds pictures side by side), and those to test on, if there are any."""

    a: Path
    b: Path | None
    test: tuple[Path, Path | None] | None = None


def layout_of(root: Path, *, side_by_side: bool) -> Layout:
    """Finds the two sides of a folder: A/ and B/, trainA/ and trainB/, source/ and target/, ..., or pictures side by side.

    Raises:
        DataError: a side is missing.
    """
    with os.scandir(root) as entries:
        inner = {entry.name.lower(): root / entry.name for entry in entries if entry.name[0] != "." and is_folder(entry)}
    for first, second in SIDES:
        for stem in ("train", "train_", "train-", ""):
            a, b = inner.get(f"{stem}{first}"), inner.get(f"{stem}{second}")
            if a and b:
                return Layout(a, b, tested(inner, stem, first, second)) if stem else divided(a, b)
            if (a or b) and first in ("a", "source"):
                there, missing = (a, second) if a else (b, first)
                word = f"{stem}{missing.upper() if len(missing) == 1 else missing}"
                raise DataError(
                    f"{shown(str(root))} has {there.name if there else ''}/ but no {word}/", f"put the other side into {word}/"
                )
    if not side_by_side:
        raise DataError(f"{shown(str(root))} has no folders A/ and B/", "put the pictures of each domain into one of them")
    training, testing = halves(root)
    return Layout(training or root, None, (testing, None) if testing else None)


def tested(inner: dict[str, Path], stem: str, first: str, second: str) -> tuple[Path, Path] | None:
    """testA/ and testB/ beside trainA/ and trainB/."""
    for word in TESTING:
        name = stem.replace("train", word)
        if f"{name}{first}" in inner and f"{name}{second}" in inner:
            return inner[f"{name}{first}"], inner[f"{name}{second}"]
    return None


def divided(a: Path, b: Path) -> Layout:
    """A/ and B/, each with its own train/ and test/ if both have these."""
    (train_a, test_a), (train_b, test_b) = halves(a), halves(b)
    if train_a and train_b and test_a and test_b:
        return Layout(train_a, train_b, (test_a, test_b))
    return Layout(a, b)
