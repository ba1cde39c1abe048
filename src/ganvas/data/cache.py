"""Where fetched and decoded data is kept: one folder, written atomically, one process at a time."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ganvas.errors import DataError, ResourceError

FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


def cache_dir() -> Path:
    """The cache folder: ``GANVAS_CACHE`` if it is set, else the platform's own place. It need not exist yet."""
    if chosen := os.environ.get("GANVAS_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("ganvas", appauthor=False)


def offline() -> bool:
    """Whether ``GANVAS_OFFLINE`` forbids fetching: any value but empty, 0, false, no."""
    return os.environ.get("GANVAS_OFFLINE", "").strip().lower() not in {"", "0", "false", "no"}


@contextmanager
def storing(what: Path) -> Iterator[None]:
    """Turns an operating system's refusal to write ``what`` into an error with a mend."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise ResourceError(f"the disk is full while writing {what}", "free some space, or set GANVAS_CACHE") from error
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError) or error.errno == errno.EROFS:
            reason = error.strerror or type(error).__name__
            raise DataError(f"{what} cannot be written ({reason})", "set GANVAS_CACHE to a folder that can") from error
        raise


@contextmanager
def locked(name: str, timeout: float = 1800.0) -> Iterator[None]:
    """Lets one process at a time (on this machine) fill the cache entry ``name``; others wait up to ``timeout`` seconds."""
    from filelock import FileLock, Timeout

    path = cache_dir() / "locks" / f"{name}.lock"
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise DataError(
                f"another process has been filling the cache entry {name} for {timeout:g} s", "wait for it, or end it"
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """An empty folder on the same disk as ``beside``, removed at the end whatever happens. Call it under that entry's lock."""
    prefix = f"partial-{beside.name[:40]}-"
    with storing(beside):
        beside.parent.mkdir(parents=True, exist_ok=True)
        for stale in beside.parent.glob(f"{prefix}*"):  # of a process that was killed: the lock is ours now
            shutil.rmtree(stale, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=beside.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Writes a file whole or not at all: to a temporary name, synced to the disk, renamed."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="partial-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in (content,) if isinstance(content, bytes) else content:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
