"""One writer a run: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from ganvas.errors import UsageError
from ganvas.runs.durable import replace_file, writing


class RunLock:
    """The right to write to a run folder. Not inherited, not stale: it ends with the process.

    Args:
        folder: the run folder; ``.lock`` is locked, ``.holder.json`` says by whom (Windows cannot read a locked file).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._holder = folder / ".holder.json"
        self._lock = FileLock(folder / ".lock", thread_local=False)

    @property
    def held(self) -> bool:
        return self._lock.is_locked

    def acquire(self) -> None:
        """Takes the lock, creating the folder.

        Raises:
            UsageError: another process, or another ``Run`` of this one, has it; the message names process and machine.
        """
        if self.held:
            return
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise UsageError(f"{self.folder} is in use by {self.holder()}", "wait for it to end, or stop it") from None
        try:
            record = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
            replace_file(self._holder, json.dumps(record).encode())
        except BaseException:
            self._lock.release()
            raise

    def holder(self) -> str:
        """Who holds the lock, in words."""
        try:
            record = json.loads(self._holder.read_bytes())
            return f"process {int(record['pid'])} on {str(record['host'])[:255]!r} since {str(record['since'])[:19]}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def current_holder(self) -> str | None:
        """Who writes to the run at this moment, in words, without touching the lock; None when nobody does.

        A holder on this machine counts while its process lives; of one on another machine only its note can be seen.
        """
        try:
            record = json.loads(self._holder.read_bytes())
            here = record["host"] == socket.gethostname()
            return None if here and not psutil.pid_exists(int(record["pid"])) else self.holder()
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None

    def release(self) -> None:
        if self.held:
            self._holder.unlink(missing_ok=True)
            self._lock.release()
