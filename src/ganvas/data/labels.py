"""Labels of a folder of pictures: from its sub-folders, or from a table of file names and labels."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ganvas.data.listing import Listing, shown
from ganvas.errors import DataError

TABLES = ("labels.csv", "labels.tsv", "metadata.csv")
FILE_COLUMNS = (
    "file",
    "files",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "image",
    "image_name",
    "img",
    "name",
    "id",
)
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target", "y", "age")
TABLE_LIMIT = 1 << 28


@dataclass
class Labels:
    """The classes of a folder's pictures.

    Args:
        classes: names in label order; empty when there are no labels.
        of: the class name of each picture, by file name.
        source: where they are from, in words.
        unknown: names in the table of which there is no picture.
        conflicts: pictures to which the table gives two labels, with both.
    """

    classes: tuple[str, ...] = ()
    of: dict[str, str] = field(default_factory=dict)
    source: str = "none"
    unknown: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)


def find_labels(found: Listing, labels: str | Path | None) -> Labels:
    """The labels of a listing.

    Args:
        labels: None looks for a table (``TABLES``) and then for sub-folders; "folders"; "none"; or the path of a table.

    Raises:
        DataError: the table is missing or is no table of file names and labels.
    """
    if labels == "none":
        return Labels()
    if labels == "folders":
        named = from_folders(found)
        if not named.classes:
            raise DataError(f"{shown(str(found.folder))} has no two sub-folders of pictures", "put each class into its folder")
        return named
    if labels is not None:
        return from_table(found, Path(labels), required=True)
    for name in TABLES:
        if (found.folder / name).is_file():
            table = from_table(found, found.folder / name, required=name != "metadata.csv")
            if table.classes:
                return table
    return from_folders(found)


def inert(text: str) -> str:
    """A label that is harmless wherever it is written: no control characters, and no formula for a spreadsheet to run."""
    clean = "".join(char for char in text.strip() if unicodedata.category(char)[0] != "C")
    formula = clean.startswith(("=", "+", "-", "@")) and not re.fullmatch(r"[+-]?[\d.]+", clean)
    return f"'{clean}" if formula else clean


def from_folders(found: Listing) -> Labels:
    """The first folder of each picture's path is its class, if every picture lies in one and there are two or more."""
    of = {picture.name: inert(picture.name.partition("/")[0]) for picture in found.pictures if "/" in picture.name}
    classes = in_order(of.values())
    if len(of) < len(found.pictures) or len(classes) < 2:
        return Labels()
    return Labels(classes, of, "sub-folders")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names sorted: by value when all are whole numbers, else by the alphabet."""
    different = set(names)
    numeric = all(re.fullmatch(r"-?\d{1,18}", name) for name in different)
    return tuple(sorted(different, key=(lambda name: (int(name), name)) if numeric else (lambda name: (0, name))))


def from_table(found: Listing, path: Path, *, required: bool) -> Labels:
    """Labels from a CSV (comma, semicolon or tab) with a column of file names and one of labels."""
    where = shown(str(path))
    rows = read_table(path)
    lookup = Lookup(picture.name for picture in found.pictures)
    columns = header_columns(rows[0]) if rows else None
    if columns is None and rows and len(rows[0]) == 2 and lookup.find(rows[0][0]):
        columns, rows = (0, 1), [[], *rows]  # no header
    if columns is None:
        if not required:
            return Labels()
        raise DataError(f"{where} has no column of file names and one of labels", "name its columns file and label")
    result = Labels(source=shown(path.name))
    for row in rows[1:]:
        if not any(row):
            continue
        file, label = (row[column] if column < len(row) else "" for column in columns)
        name, label = lookup.find(file), inert(label)
        if name is None or not label:
            result.unknown.append(file if name is None else f"{file} (no label)")
        elif result.of.setdefault(name, label) != label:
            result.conflicts[name] = f"{result.of[name]} and {label}"
    for name in result.conflicts:
        del result.of[name]
    result.classes = in_order(result.of.values())
    if len(result.classes) > max(1000, len(found.pictures) // 2):
        raise DataError(
            f"{where} has {len(result.classes)} labels for {len(found.pictures)} pictures", "name a column of classes"
        )
    if not result.classes:
        first = f", such as {shown(result.unknown[0])}" if result.unknown else ""
        raise DataError(f"{where} names no picture of {shown(str(found.folder))}{first}", "give paths below that folder")
    return result


def read_table(path: Path) -> list[list[str]]:
    where = shown(str(path))
    try:
        if not path.is_file():
            raise DataError(f"there is no table {where}", "give a CSV file with the columns file and label")
        if path.stat().st_size > TABLE_LIMIT:
            raise DataError(f"{where} is larger than {TABLE_LIMIT >> 20} MiB", "split it")
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{where} cannot be read as a table ({error})", "save it as CSV") from None


def header_columns(row: Sequence[str]) -> tuple[int, int] | None:
    """The columns of file names and of labels, if the row is a header that names them."""
    names = [cell.lower().replace(" ", "_") for cell in row]
    file = next((names.index(name) for name in FILE_COLUMNS if name in names), None)
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    return None if file is None or label is None else (file, label)


class Lookup:
    """Finds the picture that a table's cell means: its path, else its file name or its name without suffix, if unique."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = {unicodedata.normalize("NFC", name): name for name in names}
        self._loose: dict[str, str | None] = {}
        for key, name in self._exact.items():
            path = PurePosixPath(key)
            for short in {path.name, path.stem, path.with_suffix("").as_posix()}:
                self._loose[short] = None if short in self._loose else name

    def find(self, cell: str) -> str | None:
        key = unicodedata.normalize("NFC", cell.strip().replace("\\", "/"))
        while key.startswith("./"):
            key = key[2:]
        return self._exact.get(key) or self._loose.get(key)
