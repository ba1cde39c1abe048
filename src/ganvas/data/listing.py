"""What a folder holds: its pictures in a fixed order, what only looks like pictures, and how many other files."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ganvas.data.pictures import FOREIGN, FORMATS, SUFFIXES
from ganvas.errors import DataError

MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM", b"II*\0", b"MM\0*")
ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2", ".7z", ".rar", ".zst"}


class Skipped(NamedTuple):
    """A file that is left out, and why."""

    name: str
    reason: str


class Found(NamedTuple):
    """A file: its name below the folder with ``/``, where it is, its bytes, when content and entry last changed (ns)."""

    name: str
    place: str
    size: int = 0
    modified: int = 0
    changed: int = 0

    @property
    def path(self) -> Path:
        return Path(self.place)  # made only when it is needed: a folder may hold a million files


@dataclass
class Listing:
    """The files of a folder tree, sorted by name. ``others`` are no pictures, ``example`` is one of them."""

    folder: Path
    pictures: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: int = 0
    example: str = ""


def shown(name: str) -> str:
    """A file name that is safe to print: control characters and undecodable bytes are escaped, the length is bounded."""
    escaped = "".join(
        char if unicodedata.category(char)[0] not in "CZ" or char == " " else char.encode("unicode_escape").decode()
        for char in name
    )
    return escaped if len(escaped) <= 200 else f"{escaped[:120]}...{escaped[-60:]}"


def existing(path: str | Path) -> Path:
    """The folder, if it is one.

    Raises:
        DataError: it is missing (a similar name is suggested), a file, or cannot be read.
    """
    folder = Path(path).expanduser()
    try:
        if folder.is_dir():
            with os.scandir(folder):  # may it be read?
                return folder
        there = folder.exists()
    except (OSError, ValueError) as error:  # a name of 300 characters, a NUL byte
        said = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{shown(str(path))} cannot be opened ({said})", "give the path of a folder of pictures") from None
    if there and folder.suffix.lower() in ARCHIVES:
        raise DataError(f"{shown(str(path))} is an archive", "unpack it, and give the folder (a tar of samples: wds:FILE)")
    if there:
        raise DataError(f"{shown(str(path))} is a file", "give the folder that holds the pictures")
    try:
        beside = [entry.name for entry in folder.absolute().parent.iterdir() if entry.is_dir()]
    except OSError:
        beside = []
    near = difflib.get_close_matches(folder.name, beside, n=1)
    suggestion = f"did you mean {shown(str(folder.with_name(near[0])))}?" if near else "give a folder of pictures"
    raise DataError(f"there is no folder {shown(str(path))}", suggestion)


def listing(path: str | Path) -> Listing:
    """Walks a folder tree. Links are followed, but no folder is entered twice; hidden files are ignored.

    Raises:
        DataError: the folder is missing, or holds no picture.
    """
    result = Listing(existing(path))
    for found, is_dir in sorted(walk(result), key=lambda pair: os.fsencode(pair[0].name)):
        suffix = suffix_of(found.name)
        if is_dir:
            result.skipped.append(Skipped(found.name, "the folder cannot be read"))
        elif suffix in SUFFIXES or (not suffix and looks_like_a_picture(found.path)):
            result.pictures.append(found)
        elif suffix in FOREIGN:
            result.skipped.append(Skipped(found.name, f"{suffix[1:].upper()} is not supported, use {', '.join(FORMATS)}"))
        else:
            result.others += 1
            result.example = result.example or found.name
    if not result.pictures and not result.skipped:
        holds = f"it holds {result.others} other files, such as {shown(result.example)}" if result.others else "it is empty"
        raise DataError(f"no pictures in {shown(str(path))} ({holds})", f"give a folder of {', '.join(FORMATS)} files")
    return result


def is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def suffix_of(name: str) -> str:
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def walk(result: Listing) -> Iterator[tuple[Found, bool]]:
    """Every file below the folder, and every folder that cannot be read (True)."""
    entered: set[tuple[int, int]] = set()
    waiting = [(str(result.folder), "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            facts = os.stat(folder)  # noqa: PTH116
            if (facts.st_dev, facts.st_ino) in entered:
                continue  # a link back to a folder that was walked already
            entered.add((facts.st_dev, facts.st_ino))
            entries = list(os.scandir(folder))
        except OSError:
            yield Found(prefix or ".", folder), True
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            name, path = f"{prefix}{entry.name}", entry.path
            try:
                if entry.is_dir():
                    waiting.append((path, f"{name}/"))
                    continue
                facts = entry.stat()
                yield Found(name, path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns), False
            except OSError:  # a link to nowhere or to itself
                yield Found(name, path), False


def looks_like_a_picture(path: Path) -> bool:
    """Whether a regular file without a suffix begins like a picture."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4).startswith(MAGIC)
    except OSError:
        return False
