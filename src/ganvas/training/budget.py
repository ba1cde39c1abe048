"""How long to train: steps, images or minutes, whichever is given and ends first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganvas.errors import UsageError


@dataclass(frozen=True)
class Budget:
    """Totals since the very start of a run, resumes included.

    Args:
        steps: generator iterations.
        images: real images shown to the generator's side, steps * batch size * ranks.
        minutes: wall-clock time, sampling and scoring included.
    """

    steps: int | None = None
    images: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        if not given:
            raise UsageError("no budget", "give --steps, --images or --minutes")
        for name, value in given.items():
            if not math.isfinite(value) or value < 0:
                raise UsageError(f"{name}={value!r} is out of range", "it must be at least 0")

    def fraction(self, step: int, images: int, seconds: float) -> float:
        """The share that is spent, 0 to 1; training ends at 1."""
        shares = [
            done / total if total else 1.0
            for done, total in ((step, self.steps), (images, self.images), (seconds / 60, self.minutes))
            if total is not None
        ]
        return min(1.0, max(shares))


def rate_factor(schedule: str, images: int, decay_images: int) -> float:
    """What the learning rates are multiplied with: 1, or a linear or cosine fall to 0 over ``decay_images`` images.

    "late-linear" is 1 over the first half of them (Zhu et al. 2017).
    """
    if schedule == "constant" or decay_images == 0:
        return 1.0
    done = min(1.0, images / decay_images)
    if schedule == "late-linear":
        return min(1.0, 2.0 * (1.0 - done))
    return 1.0 - done if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
