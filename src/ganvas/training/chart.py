"""A run's records arranged for the doctor's rules, and what a rule finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import median
from typing import Any, Literal

Severity = Literal["ok", "watch", "bad"]
Sureness = Literal["certain", "likely", "possible"]

LASTING = 3
"""Checkups in a row that must show the same."""
FAR = 0.1
"""Energy distance, in units of the distance between two real samples, above which samples are unlike the data."""


@dataclass(frozen=True)
class Finding:
    """What was seen (with its figure), what it means, what to try.

    Args:
        name: of the illness.
        seen: the figure.
        meaning: what it says of the game.
        remedy: what to try.
        severity: "ok", "watch" or "bad".
        sure: how sure the doctor is that this is it: "certain", "likely" or "possible".
    """

    name: str
    seen: str
    meaning: str
    remedy: str
    severity: Severity
    sure: Sureness = "likely"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def is_checkup(record: dict[str, Any]) -> bool:
    return "checkup/auc" in record.get("health", {})


class Chart:
    """Records arranged for the rules: figures by name over time.

    Args:
        records: of stats.jsonl, oldest first.
        scores: of scores.jsonl, oldest first.
    """

    def __init__(self, records: list[dict[str, Any]], scores: Sequence[dict[str, Any]] = ()) -> None:
        self.records = records
        self.scores = scores
        self.health: list[dict[str, float]] = [record.get("health", {}) for record in records]

    @cached_property
    def checkups(self) -> list[dict[str, float]]:
        """Figures of every checkup, oldest first, without the prefix of their names."""
        return [
            {name.removeprefix("checkup/"): value for name, value in record["health"].items() if value is not None}
            for record in self.records
            if is_checkup(record)
        ]

    def last(self, name: str, count: int = LASTING) -> list[float]:
        """A checkup figure at the last ``count`` checkups; nothing unless each of them has it."""
        values = [checkup[name] for checkup in self.checkups[-count:] if name in checkup]
        return values if len(values) == count else []

    def lasts(self, name: str, holds: Callable[[float], bool]) -> bool:
        """Whether the figure was there and ``holds`` at each of the last checkups."""
        values = self.last(name)
        return bool(values) and all(holds(value) for value in values)

    def gauge(self, name: str) -> list[float]:
        """A figure of the records, oldest first."""
        return [value for health in self.health if (value := health.get(name)) is not None]

    def growth(self, name: str) -> float | None:
        """The median of the last five values over the largest of the first five after the very first; None before 20."""
        values = self.gauge(name)
        if len(values) < 20 or max(values[1:6]) <= 0:
            return None
        return median(values[-5:]) / max(values[1:6])

    @property
    def players(self) -> list[str]:
        """Names of the players whose gradients were measured."""
        names = {name for health in self.health[-5:] for name in health}
        return sorted(name.removeprefix("gradient/") for name in names if name.startswith("gradient/"))

    @property
    def far(self) -> bool:
        """Whether samples were unlike the data at each of the last checkups."""
        return self.lasts("distance", lambda value: value > FAR)


Rule = Callable[[Chart], Finding | None]
"""Looks at a chart, and says what it means when its sign is there."""
