"""A score as a person may quote it: the number, its error, and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ganvas.errors import UsageError
from ganvas.metrics.stamp import Stamp


@dataclass(frozen=True)
class Score:
    """A number that compares only with numbers of its own kind.

    Args:
        name: of the score, such as "kid".
        value: the number.
        stamp: how it was measured.
        better: whether "lower" or "higher" values are better.
        standard_error: of the value, where it is known.
    """

    name: str
    value: float
    stamp: Stamp
    better: Literal["lower", "higher"] = "lower"
    standard_error: float | None = None

    def require_comparable(self, other: Score) -> None:
        """Raises UsageError naming what differs unless the two are the same score measured in the same way."""
        if self.name != other.name or self.better != other.better:
            raise UsageError(f"{self.name} and {other.name} are different scores", "compare each with its own kind")
        self.stamp.require_comparable(other.stamp)

    def __lt__(self, other: Score) -> bool:
        self.require_comparable(other)
        return self.value < other.value

    def __gt__(self, other: Score) -> bool:
        return other < self

    def __sub__(self, other: Score) -> float:
        self.require_comparable(other)
        return self.value - other.value

    def __truediv__(self, other: Score) -> float:
        """The ratio, such as to the floor that real data sets."""
        self.require_comparable(other)
        return self.value / other.value

    def beats(self, other: Score) -> bool:
        """Whether this is the better of the two; raises UsageError when they do not compare."""
        return self < other if self.better == "lower" else self > other

    def to_json(self) -> dict[str, Any]:
        fields = {"name": self.name, "value": self.value, "better": self.better, "standard_error": self.standard_error}
        return {**fields, "stamp": self.stamp.to_json()}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Score:
        return cls(**{**fields, "stamp": Stamp.from_json(fields["stamp"])})

    def __str__(self) -> str:
        error = "" if self.standard_error is None else f" ± {self.standard_error:.2g}"
        return f"{self.name} {self.value:.4g}{error} [{self.stamp}]"
