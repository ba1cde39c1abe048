"""What one metric found, and when it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ganvas.errors import UsageError
from ganvas.metrics.score import Score

Aim = Literal["lower", "higher", "real"]
"""Where the best value lies: as low or as high as can be, or at what real samples score."""


@dataclass(frozen=True)
class Measured:
    """A score with what tells whether it is good.

    Args:
        key: the metric's word, with a part behind a slash where it has several, such as "modes/kl".
        score: the number.
        floor: what real samples score in the place of the generated ones; None where there are too few of them.
        aim: where the best value lies.
        words: a sentence of its own, where the numbers need one.
        facts: more figures for programs, JSON values.
    """

    key: str
    score: Score
    floor: Score | None = None
    aim: Aim = "lower"
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        floor = None if self.floor is None else self.floor.to_json()
        return {
            "metric": self.key, **self.score.to_json(), "aim": self.aim, "floor": floor, "words": self.words,
            "facts": self.facts,
        }  # fmt: skip

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Measured:
        own = {name: fields[name] for name in ("name", "value", "stamp", "better", "standard_error")}
        floor = fields["floor"] and Score.from_json(fields["floor"])
        return cls(fields["metric"], Score.from_json(own), floor, fields["aim"], fields["words"], fields["facts"])


def require(count: int, needed: int, metric: str, why: str = "") -> None:
    """Raises UsageError naming the number of samples that the metric needs when there are fewer."""
    if count < needed:
        reason = f" {why}" if why else ""
        raise UsageError(f"{metric} needs {needed:,} samples a side{reason}, there are {count:,}", "give more (--count)")
