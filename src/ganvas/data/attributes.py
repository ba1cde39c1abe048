"""Pictures with attributes, any number of them each: a folder and a table of what every picture has and has not."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganvas.data import pack as packing
from ganvas.data.dataset import ArrayData
from ganvas.data.folder import FEWEST_TO_PART, as_data, first_by_content, refuse, survey
from ganvas.data.labels import FILE_COLUMNS, TABLE_LIMIT, Lookup, inert, read_table
from ganvas.data.listing import existing, shown
from ganvas.data.wanted import Wanted
from ganvas.errors import DataError, UsageError

log = logging.getLogger("ganvas.data")
TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv", "attributes.csv", "labels.csv")
YES, NO = {"1", "true", "yes"}, {"0", "-1", "false", "no", ""}


@dataclass(frozen=True)
class Table:
    """A table of attributes: their names, and the values (one a name, 0 or 1) by the cell that names the picture."""

    names: tuple[str, ...]
    rows: dict[str, list[int]]


def attributes(path: str | Path, wanted: Wanted, *, labels: str | Path | None = None, only: str | None = None) -> ArrayData:
    """A folder of pictures whose labels are attributes, int64 (N, K) of zeros and ones; a tenth is held out.

    Args:
        path: the folder.
        wanted: size and patience.
        labels: the table: CelebA's list_attr_celeba.txt as it is, or a CSV with a column of file names and one an attribute
            (1, 0, -1, yes, no, true, false). By default list_attr_celeba.txt, .csv, attributes.csv or labels.csv in the folder
            or beside it.
        only: the attributes to keep, with commas; all by default. Slashes join those of which a picture has exactly one, as in
            ``Black_Hair/Blond_Hair,Male``: pictures that have none or several of them are left out.

    Raises:
        DataError: the folder or its table cannot be used. UsageError: there is no such attribute.
    """
    root = existing(path)
    packed = survey(root, "none", wanted)
    refuse(packed, path, wanted)
    place = table_of(root, labels)
    table = read(place)
    groups = chosen(table.names, only, shown(place.name))
    order = [table.names.index(name) for group in groups for name in group]
    lookup, found = Lookup(packed.names), {}
    for cell, values in table.rows.items():
        if (name := lookup.find(cell)) is not None:
            found[name] = [values[column] for column in order]
    nothing = [0] * len(order)
    label = torch.tensor([found.get(name, nothing) for name in packed.names], dtype=torch.int64)
    known = torch.tensor([name in found for name in packed.names])
    clear = known & exclusive(label, groups)
    if int(clear.sum()) < 2:
        raise DataError(
            f"{shown(place.name)} tells the attributes of {int(clear.sum())} pictures", "give paths below the folder"
        )
    data = as_data(
        packed, name=root.absolute().name, licence="not stated (your own folder)", origin=f"folder {root.absolute()}"
    )
    whole = ArrayData(
        data.images, label, attributes=groups, name=data.name, licence=data.licence, origin=data.origin, mirror=wanted.mirror,
        rows=clear.nonzero()[:, 0], fingerprint=packing.key_of(packed.fingerprint, groups, label.tolist()),
    )  # fmt: skip
    whole.notes = (*data.notes, *remarks(label, known, clear, groups, place))
    for note in whole.notes[len(data.notes) + 1 :]:
        log.warning("%s: %s", shown(data.name), note)
    given = None if labels is None else str(Path(labels).absolute())
    whole.recipe = wanted.recipe(f"attributes:{root.absolute()}", labels=given, only=only)
    if len(whole) < FEWEST_TO_PART:
        return whole.whole(lambda: whole)
    held = torch.isin(clear.nonzero()[:, 0], first_by_content(packed, len(packed) // 10)).nonzero()[:, 0]
    return whole.split(held=held)


def remarks(label: Tensor, known: Tensor, clear: Tensor, groups: tuple[tuple[str, ...], ...], place: Path) -> list[str]:
    names = [name for group in groups for name in group]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(names, label[clear].double().mean(0).tolist(), strict=True))
    said = [f"attributes ({shown(place.name)}): {shares}"]
    if unknown := int((~known).sum()):
        said.append(f"{unknown} pictures have no row in {shown(place.name)}, left out")
    if unclear := int((known & ~clear).sum()):
        said.append(
            f"{unclear} pictures have none or several of {', '.join('/'.join(g) for g in groups if len(g) > 1)}, left out"
        )
    return said


def exclusive(label: Tensor, groups: tuple[tuple[str, ...], ...]) -> Tensor:
    """Which rows have exactly one of each group of several, bool (N,)."""
    parts = label.split([len(group) for group in groups], 1)
    clear = torch.ones(len(label), dtype=torch.bool)
    for part in parts:
        if part.shape[1] > 1:
            clear &= part.sum(1) == 1
    return clear


def table_of(root: Path, labels: str | Path | None) -> Path:
    if labels is not None:
        return Path(labels)
    for folder in (root, root.absolute().parent):
        for name in TABLES:
            if (folder / name).is_file():
                return folder / name
    raise DataError(f"{shown(str(root))} has no table of attributes", f"put {TABLES[2]} there, or name it with --labels")


def read(path: Path) -> Table:
    """A table of attributes, as CelebA's or as CSV.

    Raises:
        DataError: it is missing, has no attributes, or a value that is neither yes nor no.
    """
    rows = read_table(path) if path.suffix.lower() != ".txt" else spaced(path)
    where = shown(path.name)
    if len(rows) < 2:
        raise DataError(f"{where} has no rows", "give a header and a row a picture")
    head = [cell.lower().replace(" ", "_") for cell in rows[0]]
    file = next((head.index(name) for name in FILE_COLUMNS if name in head), 0)
    columns = [index for index, cell in enumerate(rows[0]) if index != file and cell]
    if not columns:
        raise DataError(f"{where} has no column of an attribute", "give a column of file names and one an attribute")
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        values = [row[column].lower() if column < len(row) else "" for column in columns]
        for index in (index for index, value in enumerate(values) if value not in YES | NO):
            cause = f"{where} row {number}: {shown(rows[0][columns[index]])} is {shown(values[index])!r}"
            raise DataError(f"{cause}, neither yes nor no", "write 1 or 0 (or -1)")
        found[row[file]] = [int(value in YES) for value in values]
    return Table(tuple(inert(rows[0][column]) for column in columns), found)


def spaced(path: Path) -> list[list[str]]:
    """CelebA's own format: the number of pictures, the names, then a row a picture, separated by spaces."""
    try:
        if path.stat().st_size > TABLE_LIMIT:
            raise DataError(f"{shown(path.name)} is larger than {TABLE_LIMIT >> 20} MiB", "split it")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown(str(path))} cannot be read ({error})", "give list_attr_celeba.txt or a CSV") from None
    if lines and lines[0].strip().isdecimal():
        lines = lines[1:]
    if not lines:
        return []
    names = lines[0].split()
    rows = [line.split() for line in lines[1:]]
    if rows and rows[0] and len(rows[0]) == len(names) + 1:
        names = ["file", *names]
    return [names, *rows]


def chosen(names: tuple[str, ...], only: str | None, where: str) -> tuple[tuple[str, ...], ...]:
    """The groups of attributes that ``only`` names; each attribute on its own when it names none."""
    if only is None:
        return tuple((name,) for name in names)
    groups = tuple(tuple(name.strip() for name in group.split("/")) for group in only.split(","))
    seen: set[str] = set()
    for name in (name for group in groups for name in group):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UsageError(
                f"{where} has no attribute {name!r}", f"did you mean {near[0]}?" if near else f"it has {', '.join(names[:20])}"
            )
        if name in seen:
            raise UsageError(f"attribute {name} is named twice", "name each once")
        seen.add(name)
    return groups
