"""What a caller wants of pictures, whatever their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from ganvas.data.pictures import Header, Look, Trait

Fit = Literal["crop", "pad", "stretch"]
Size = int | tuple[int, int] | None
Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
LARGEST_CHOSEN = 64


@dataclass(frozen=True)
class Wanted:
    """Shape and patience.

    Args:
        size: pixels of a side, or (height, width). None: 28 when all are 28x28, else the power of two not above the median
            short side, at least 8 and at most 64.
        channels: 1, 3 or 4. None: 1 when all are grey, else 3.
        fit, background: see ``pictures.Look``.
        mirror: flip half of the pictures of a stream left to right.
        strict: refuse the source for one bad file.
        max_bad: the share of bad files above which the source is refused.

    Raises:
        UsageError: a size, number of channels, fit or background that cannot be.
    """

    size: Size = None
    channels: int | None = None
    fit: Fit = "crop"
    background: Colour = WHITE
    mirror: bool = False
    strict: bool = False
    max_bad: float = 0.05

    def __post_init__(self) -> None:
        self.look([])  # refused before anything is read

    @property
    def sides(self) -> tuple[int, int] | None:
        """(height, width), if they are given."""
        if self.size is None:
            return None
        return (self.size, self.size) if isinstance(self.size, int) else (int(self.size[0]), int(self.size[1]))

    def look(self, headers: Sequence[Header]) -> Look:
        """How the pictures with these headers are brought to one shape; what is not given is chosen by what they are."""
        channels = self.channels
        if channels is None:
            channels = 1 if headers and all(header.traits & Trait.GREY for header in headers) else 3
        return Look(self.sides or chosen_sides(headers), channels, self.fit, self.background)

    def shape(self) -> tuple[object, ...]:
        """What decides the pixels, for the key of a pack."""
        return (self.size, self.channels, self.fit, self.background)

    def recipe(self, source: str, **more: object) -> dict[str, Any]:
        """The arguments with which ``open_source`` opens it again: all that is not the default."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != field.default}
        return {"source": source, **own, **{name: value for name, value in more.items() if value is not None}}


def chosen_sides(headers: Sequence[Header]) -> tuple[int, int]:
    """28x28 when all pictures are that, else a power of two that the median picture fills."""
    if headers and all((header.width, header.height) == (28, 28) for header in headers):
        return (28, 28)
    median = float(np.median([min(header.width, header.height) for header in headers])) if headers else 8.0
    side = 8
    while side * 2 <= min(median, LARGEST_CHOSEN):
        side *= 2
    return (side, side)
