"""Files that a user names for writing: nothing is overwritten unasked, nothing half-written is left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganvas.errors import UsageError


def claim(out: Path, endings: set[str], *, force: bool, folder: bool = True) -> Path:
    """Checks that ``out`` may be written.

    Args:
        out: a file with one of ``endings``; anything without an ending, or an existing folder, is a folder.
        endings: of files, such as {".png"}.
        force: allow what exists to be overwritten.
        folder: whether a folder will do.

    Raises:
        UsageError: it exists (and force is off), is no plain file, is the root of a disk, or has another ending.
    """
    if out == Path(out.anchor or "."):
        raise UsageError(f"{out} is no place to write to", "name a file or a folder of its own")
    if out.is_dir() or (out.suffix == "" and not out.exists()):
        if not folder:
            raise UsageError(f"{out} is a folder", f"name a file that ends in {' or '.join(sorted(endings))}")
        if out.is_dir() and any(out.iterdir()) and not force:
            raise UsageError(f"the folder {out} is not empty", "name another one, or pass --force to write into it")
        return out
    if out.suffix.lower() not in endings:
        kinds = " or ".join(sorted(endings)) + (", or name a folder" if folder else "")
        raise UsageError(f"{out} ends in {out.suffix or 'nothing'}", f"use {kinds}")
    if out.exists() and not out.is_file():
        raise UsageError(f"{out} is no plain file", "name another one")
    if out.exists() and not force:
        raise UsageError(f"{out} exists already", "name another file, or pass --force to overwrite it")
    return out


@contextmanager
def arriving(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` that takes its place when the block ends well, and is gone when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}-{os.getpid()}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
