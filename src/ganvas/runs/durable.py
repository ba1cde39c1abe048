"""Files that survive a crash: complete under their final name, or not there at all.

Every operation that changes the disk goes through ``os`` or ``open`` here and nowhere else in ``ganvas.runs``, so that the
tests can kill the process, or fill the disk, at each one of them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ganvas.errors import GanvasError, ResourceError, UsageError

CHUNK = 1 << 20
TEMPORARY = ".partial"
"""Ending of a file or folder that is being written: never read, removed by the next writer."""
RETIRED = ".retired"
"""Ending of a folder that gives way to a new one of its name: put back if the new one never came."""

_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_WINDOWS_DISK_FULL = {39, 112}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_BAD_PLACE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
}


@contextmanager
def writing(path: Path, *leftovers: Path) -> Iterator[None]:
    """Names what went wrong when the block's writing fails, and removes ``leftovers`` (files or folders) first.

    Raises:
        ResourceError: the disk or the quota is full, or the device fails.
        UsageError: the place cannot be written to.
    """
    try:
        yield
    except BaseException as error:
        for leftover in leftovers:
            _discard(leftover)
        if isinstance(error, OSError):
            raise _in_words(path, error) from error
        raise


def _in_words(path: Path, error: OSError) -> GanvasError:
    reason = error.strerror or str(error)
    if error.errno in _DISK_FULL or getattr(error, "winerror", None) in _WINDOWS_DISK_FULL:
        mend = "free some space and go on; everything saved before is intact"
        return ResourceError(f"the disk is full, {path} was not written ({reason})", mend)
    if error.errno in _BAD_PLACE:
        return UsageError(f"{path} cannot be written ({reason})", "choose another folder")
    return ResourceError(f"{path} could not be written ({reason})", "check the disk; everything saved before is intact")


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_file(path: Path, data: bytes | memoryview) -> dict[str, Any]:
    """Writes ``data`` to ``path`` and onto the disk. Returns {"sha256": hex digest, "size": bytes}."""
    digest, view = hashlib.sha256(), memoryview(data)
    with open(path, "wb") as file:
        for start in range(0, len(view), CHUNK):
            chunk = view[start : start + CHUNK]
            digest.update(chunk)
            file.write(chunk)
        _to_disk(file)
    return {"sha256": digest.hexdigest(), "size": len(view)}


def write_through(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Has ``write`` fill a temporary file, then gives it the name ``path`` in one step: readers see the old file or the new."""
    temporary = path.with_name(path.name + TEMPORARY)
    with writing(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            write(file)
            _to_disk(file)
        _rename(temporary, path)
        sync_folder(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Writes a small file in one step: readers see the old content or the new."""

    def fill(file: BinaryIO) -> None:
        file.write(data)

    write_through(path, fill)


def replace_folder(temporary: Path, final: Path) -> None:
    """Gives a written folder its final name. A folder that has that name steps aside first and goes last.

    A crash in between leaves the old folder complete under ``RETIRED``; ``recover`` puts it back.
    """
    retired = final.with_name(final.name + RETIRED)
    sync_folder(temporary)
    if final.exists():
        shutil.rmtree(retired, ignore_errors=True)
        _rename(final, retired)
    try:
        _rename(temporary, final)
    except BaseException:
        if retired.exists():
            _rename(retired, final)
        raise
    try:
        sync_folder(final.parent)
    finally:
        # Half of it may stay behind: nobody reads a retired folder beside its successor, and the next recovery removes it.
        shutil.rmtree(retired, ignore_errors=True)


def recover(parent: Path) -> None:
    """Ends what a crash interrupted in ``parent``: puts retired folders back where the new one never came, removes the rest.

    Only the holder of the run's lock may call this.
    """
    if not parent.is_dir():
        return
    for path in sorted(parent.iterdir()):
        if path.suffix == RETIRED and path.is_dir():
            final = path.with_suffix("")
            if final.exists():
                remove_folder(path)
            else:
                _rename(path, final)
        elif path.suffix == TEMPORARY:
            _discard(path)


def remove_folder(path: Path) -> None:
    """Removes a folder under another name first, so that a crash never leaves half of it under its own."""
    if not path.exists():
        return
    doomed = path if path.suffix == TEMPORARY else path.with_name(path.name + TEMPORARY)
    if doomed != path:
        shutil.rmtree(doomed, ignore_errors=True)
        _rename(path, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Makes renames in ``folder`` durable. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems refuse to sync a folder
            raise
    finally:
        os.close(descriptor)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _rename(source: Path, target: Path) -> None:
    """Renames; on Windows again for up to 2 s, since virus scanners and readers hold files open there."""
    for wait in [0.02 * 1.3**n for n in range(14)] if sys.platform == "win32" else []:
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(wait)
    source.replace(target)


def sealed(record: dict[str, Any]) -> bytes:
    """JSON with its own sha256 as the last entry: the form of every small file that a run depends on."""
    seal = hashlib.sha256(_render(record)).hexdigest()
    return _render({**record, "sha256": seal}) + b"\n"


def unseal(data: bytes) -> dict[str, Any] | None:
    """The record in ``sealed`` bytes; None when a single bit of them differs from what was written."""
    try:
        record = json.loads(data)
        if not isinstance(record, dict) or "sha256" not in record:
            return None
        del record["sha256"]
        # Rendering it again catches what parsing forgives: white space, repeated keys, other spellings of a number.
        return record if sealed(record) == data else None
    except (ValueError, RecursionError):
        return None


def _render(record: dict[str, Any]) -> bytes:
    # File names may hold bytes that are no UTF-8, which Python carries as lone surrogates.
    return json.dumps(record, indent=2, ensure_ascii=False).encode(errors="surrogatepass")
