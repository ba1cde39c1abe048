"""What an acceptance row is, and the registry of rows by level."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganvas.errors import GanvasError, UsageError
from ganvas.training import Interrupted


@dataclass(frozen=True)
class Outcome:
    """What one row's function found.

    Args:
        passed: whether every bound holds.
        measured: the figures, in the order of the bound's.
        facts: the same figures for programs, by name.
    """

    passed: bool
    measured: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A row of ``acceptance.md``: what is tested, the bound in words, and the function of the seed that measures it.

    ``minutes`` is about how long it takes on 2 cores; 0 for seconds.
    """

    name: str
    what: str
    bound: str
    measure: Callable[[int], Outcome]
    minutes: float = 0


@dataclass(frozen=True)
class Row:
    """A row that was run: bound against measured."""

    name: str
    what: str
    bound: str
    measured: str
    passed: bool
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict)


def run_checks(checks: Sequence[Check], seed: int = 0, only: Sequence[str] | None = None) -> Iterator[Row]:
    """Runs rows in their order and yields each as it finishes.

    Args:
        seed: of data, networks and training; any must do.
        only: names of rows, in any case; all when None or empty.

    Raises:
        UsageError: ``only`` names a row that is not there.
    """
    known = {check.name.lower(): check.name for check in checks}
    unknown = [name for name in only or () if name.lower() not in known]
    if unknown:
        raise UsageError(f"there is no acceptance row {unknown[0]!r} at this level", f"choose from {', '.join(known.values())}")
    wanted = {known[name.lower()] for name in only} if only else set(known.values())
    return (run_check(check, seed) for check in checks if check.name in wanted)


def run_check(check: Check, seed: int) -> Row:
    """Runs one row. A row that cannot be measured (data out of reach, training that diverged) fails with the error's words."""
    started = time.monotonic()
    try:
        outcome = check.measure(seed)
    except Interrupted:
        raise
    except GanvasError as error:
        outcome = Outcome(False, f"not measured: {error}")
    seconds = time.monotonic() - started
    return Row(check.name, check.what, check.bound, outcome.measured, outcome.passed, seconds, outcome.facts)
