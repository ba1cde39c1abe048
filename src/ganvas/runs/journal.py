"""A file of JSON records, one a line, that a crash or a full disk can only shorten by its last record."""

from __future__ import annotations

import errno
import json
import math
from pathlib import Path
from typing import Any

from ganvas.runs.durable import replace_file, writing


class Journal:
    """Records that are appended while a run goes on. One process writes at a time: the one that holds the run's lock.

    Args:
        path: the file; it comes into being with its first record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail_checked = False

    def append(self, record: dict[str, Any]) -> None:
        """Writes one record; NaN and infinity, which JSON lacks, become null.

        Raises:
            ResourceError: the disk is full; the file ends after its last whole record.
        """
        line = json.dumps(finite(record), separators=(",", ":"), allow_nan=False).encode() + b"\n"
        with writing(self.path), open(self.path, "ab", buffering=0) as file:
            size = file.tell()
            if not self._tail_checked:
                size = self.drop_torn_line(size)
                self._tail_checked = True
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, "No space left on device")  # a full disk takes the beginning of the line
            except OSError:
                file.truncate(size)
                raise

    def drop_torn_line(self, size: int) -> int:
        """Cuts what a crash left after the last line end of ``size`` bytes. Returns the size now."""
        if not size:
            return 0
        with open(self.path, "r+b") as file:
            file.seek(max(0, size - 65536))
            whole = file.tell() + file.read().rfind(b"\n") + 1
            file.truncate(whole)
        return whole

    def rewind(self, step: int) -> None:
        """Drops the records whose "step" is after ``step``, and what a crash tore."""
        if not self.path.is_file():
            return
        lines = self.path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if (record := parse(line)) is not None and record.get("step", 0) <= step]
        if kept != lines:
            replace_file(self.path, b"".join(kept))

    def records(self) -> list[dict[str, Any]]:
        """All records, oldest first; lines that are damaged are left out."""
        if not self.path.is_file():
            return []
        return [record for line in self.path.read_bytes().splitlines(keepends=True) if (record := parse(line)) is not None]


def parse(line: bytes) -> dict[str, Any] | None:
    """The record of a whole line; None when it is torn or no object."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def finite(value: Any) -> Any:
    """The value with None for every NaN and infinity in it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    return [finite(entry) for entry in value] if isinstance(value, list | tuple) else value
