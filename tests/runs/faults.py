"""Faults at the file operations of ``ganvas.runs``: each one is a boundary at which a process can die or a disk be full."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import ganvas.runs.durable
import ganvas.runs.run

OPERATIONS = ("mkdir", "replace", "fsync", "open", "unlink", "rmdir")


class Faults:
    """While entered, counts file operations and calls ``fault`` at number ``at``: before it, or, in a write, in its middle.

    Attributes:
        done: (operation, path) of each operation so far; "write" and "create" besides those of ``os``.
    """

    def __init__(self, at: int, fault: Callable[[str], None]) -> None:
        self.at, self.fault = at, fault
        self.done: list[tuple[str, str]] = []
        self._patches: list[AbstractContextManager[Any]] = []

    def boundary(self, operation: str, path: object) -> None:
        self.done.append((operation, str(path)))
        if len(self.done) - 1 == self.at:
            self.fault(operation)

    def __enter__(self) -> Faults:
        for name in OPERATIONS:
            self._patches.append(patch.object(os, name, self._counting(name, getattr(os, name))))
        for module in (ganvas.runs.durable, ganvas.runs.run):
            self._patches.append(patch.object(module, "open", self._open, create=True))
        for each in self._patches:
            each.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        for each in self._patches:
            each.__exit__(None, None, None)

    def _counting(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)  # looking changes nothing on the disk
            self.boundary(name, arguments[0])
            if name == "fsync" and self.at >= 0:
                return None  # only a power cut tells: what a killed process wrote stays with the system
            return real(*arguments, **options)

        return operation

    def _open(self, path: Any, mode: str = "r", **options: Any) -> Any:
        if mode == "rb":
            return builtins.open(path, mode, **options)
        self.boundary("create", path)
        return Torn(builtins.open(path, mode, **options), self, path)


class Torn:
    """A file that meets the fault with half of a write done."""

    def __init__(self, file: Any, faults: Faults, path: object) -> None:
        self._file, self._faults, self._path = file, faults, path

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._faults.boundary("write", self._path)
        return half + int(self._file.write(data[half:]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Torn:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._file.close()


def disk_full(operation: str) -> None:
    """The fault of a full disk; removing things needs no space."""
    if operation not in ("unlink", "rmdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
