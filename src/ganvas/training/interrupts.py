"""Ctrl-C and SIGTERM: the first finishes the step and saves, the second quits at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from ganvas.errors import GanvasError


class Interrupted(GanvasError):
    """Training stopped on a signal after its state was saved; the exit code is 128 + the signal's number."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(number).name} at step {step}, everything is saved", "continue with ganvas resume"
        )
        self.exit_code = 128 + number
        self.step = step


class DeferredSignals:
    """Within its ``with`` block the first SIGINT or SIGTERM only sets ``pending``; a second one acts as it would outside.

    Outside the main thread, where Python delivers no signals, it does nothing.
    """

    pending: int | None = None

    def __enter__(self) -> DeferredSignals:
        self._previous: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.pending = number
        self._restore()

    def _restore(self) -> None:
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, handler)

    def __exit__(self, *error: object) -> None:
        self._restore()
