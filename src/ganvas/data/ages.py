"""Faces by age, in the six ranges of the thesis: from sub-folders, a table of years, or file names that begin with years."""

from __future__ import annotations

import logging
import re
from pathlib import Path, PurePosixPath

import torch

from ganvas.data import pack as packing
from ganvas.data.dataset import ArrayData
from ganvas.data.folder import FEWEST_TO_PART, as_data, first_by_content, refuse, survey
from ganvas.data.listing import existing, shown
from ganvas.data.pack import Pack
from ganvas.data.wanted import Wanted
from ganvas.errors import DataError

log = logging.getLogger("ganvas.data")
RANGES = ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")
FIRST_YEARS = (0, 19, 30, 40, 50, 60)
OLDEST = 130


def range_of(words: str) -> str | None:
    """The range of years, as "34", or of a span of them, as "30-39", "60+", "20 to 25"; None when it is none, or of two."""
    said = re.fullmatch(r"\(?\s*(\d{1,3})\s*(?:(?:-|–|_|,|to)\s*(\d{1,3})|(\+))?\s*\)?", words.strip())
    if said is None:
        return None
    first = int(said[1])
    last = int(said[2]) if said[2] else OLDEST if said[3] else first
    if not first <= last <= OLDEST:
        return None
    places = {sum(years >= start for start in FIRST_YEARS) - 1 for years in (first, last)}
    return RANGES[places.pop()] if len(places) == 1 else None


def ages(path: str | Path, wanted: Wanted, *, labels: str | Path | None = None) -> ArrayData:
    """A folder of faces, each labelled by the range of its age; a tenth is held out.

    Args:
        path: the folder: sub-folders named by years or spans of them (34/, 30-39/, 60+/); or a table labels.csv with the
            columns file and age; or files whose names begin with years (34_0_2.jpg, as UTKFace has them).
        wanted: size and patience.
        labels: the table, where it lies elsewhere.

    Raises:
        DataError: the folder cannot be used, ages are not to be had, or all faces are of one range.
    """
    root = existing(path)
    packed = survey(root, labels, wanted)
    refuse(packed, path, wanted)
    found = [range_of(words) for words in said(packed)]
    classes = tuple(name for name in RANGES if name in found)
    if len(classes) < 2:
        seen = f"all of {classes[0]}" if classes else "no ages"
        raise DataError(
            f"{shown(str(root))} has {seen}: its faces need years, as sub-folders, in labels.csv, or in front of file names",
            "give faces of two ranges or more, such as 0-18/ and 60+/",
        )
    label = torch.tensor([classes.index(name) if name else 0 for name in found], dtype=torch.int64)
    known = torch.tensor([name is not None for name in found]).nonzero()[:, 0]
    plain = as_data(
        packed, name=root.absolute().name, licence="not stated (your own folder)", origin=f"folder {root.absolute()}"
    )
    whole = ArrayData(
        plain.images, label, classes=classes, name=plain.name, licence=plain.licence, origin=plain.origin, mirror=wanted.mirror,
        rows=known, fingerprint=packing.key_of(packed.fingerprint, "ages", found),
    )  # fmt: skip
    counts = ", ".join(f"{name}: {found.count(name):,}" for name in classes)
    left_out = len(found) - len(known)
    whole.notes = (plain.notes[0], f"ages {counts}", *([f"{left_out} faces of no known age, left out"] if left_out else []))
    if left_out:
        log.warning("%s: %s", shown(plain.name), whole.notes[-1])
    given = None if labels is None else str(Path(labels).absolute())
    whole.recipe = wanted.recipe(f"ages:{root.absolute()}", labels=given)
    if len(whole) < FEWEST_TO_PART:
        return whole.whole(lambda: whole)
    held = torch.isin(known, first_by_content(packed, len(packed) // 10)).nonzero()[:, 0]
    return whole.split(held=held)


def said(packed: Pack) -> list[str]:
    """What the folder says of each picture's age: its class, or the first number of its file name."""
    if packed.classes:
        assert packed.labels is not None
        return [packed.classes[label] for label in packed.labels.tolist()]
    first = [re.match(r"(\d{1,3})_", PurePosixPath(name).name) for name in packed.names]
    return [match[1] if match else "" for match in first]
