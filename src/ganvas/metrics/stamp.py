"""What a score was measured with: without it a number cannot be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ganvas.errors import UsageError


@dataclass(frozen=True)
class Stamp:
    """How a score came about. Two scores compare only if everything but the seed agrees.

    Args:
        features: the feature network and its layer, such as "lenet (mnist), 84-d penultimate layer"; "raw points" for points.
        weights: sha256 of the feature network's weights; empty when there is none.
        resizer: how pictures were brought to the network's size; "none" when they were not.
        real, generated: samples on each side.
        split: which part of the data the real samples are from: "train" or "test".
        seed: from which the samples were drawn.
        data: fingerprint of the real data; empty where it is not known.
    """

    features: str
    weights: str
    resizer: str
    real: int
    generated: int
    split: str
    seed: int
    data: str = ""

    def comparable(self, other: Stamp) -> bool:
        """Whether scores with these two stamps may stand in one table."""
        return not self.differences(other)

    def differences(self, other: Stamp) -> list[str]:
        """The fields, but for the seed, in which the two disagree."""
        ours, theirs = self.to_json(), other.to_json()
        return [name for name in ours if name != "seed" and ours[name] != theirs[name]]

    def require_comparable(self, other: Stamp) -> None:
        """Raises UsageError naming each field in which the two disagree."""
        if names := self.differences(other):
            words = ", ".join(f"{name} {getattr(self, name)!r} and {getattr(other, name)!r}" for name in names)
            raise UsageError(f"the scores were measured differently ({words})", "measure both again in one way")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Stamp:
        return cls(**fields)

    def __str__(self) -> str:
        weights = f" sha256 {self.weights[:8]}" if self.weights else ""
        return (
            f"{self.features}{weights}, resizer {self.resizer}, {self.generated:,} generated against {self.real:,} real "
            f"({self.split}), seed {self.seed}"
        )
