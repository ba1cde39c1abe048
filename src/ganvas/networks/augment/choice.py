"""The words of the setting ``augment``: which pipeline, and how its strength p is set."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from functools import cache

from ganvas.errors import UsageError

CAP = 0.8
"""The largest p of ADA: near 1 the changes are more frequent than the picture, and the generator learns them, too."""

PIPELINES: dict[str, tuple[str, ...]] = {
    "diffaugment": ("diffaugment",),
    "blit": ("blit",),
    "geom": ("geom",),
    "color": ("color",),
    "filter": ("filter",),
    "noise": ("noise",),
    "cutout": ("cutout",),
    "bg": ("blit", "geom"),
    "bgc": ("blit", "geom", "color"),
    "bgcf": ("blit", "geom", "color", "filter"),
    "bgcfn": ("blit", "geom", "color", "filter", "noise"),
    "bgcfnc": ("blit", "geom", "color", "filter", "noise", "cutout"),
}
"""The groups of changes by the names of Karras et al. 2020 (appendix B), and DiffAugment's."""

ADAPTIVE = "adaptive"
FORMS = "a chance from 0 to 1, ada, or PIPELINE:P with a chance or 'adaptive' for P"


@dataclass(frozen=True)
class Choice:
    """What is done to pictures, and how likely each change is.

    Args:
        parts: groups of changes; empty when nothing is done.
        chance: p, fixed; None when it adapts to how far the discriminator overfits.
    """

    parts: tuple[str, ...]
    chance: float | None

    @property
    def adapts(self) -> bool:
        return self.chance is None


@cache
def choice(setting: float | str) -> Choice:
    """What the setting says: a number is DiffAugment with that chance, a word a pipeline, PIPELINE:P both.

    ``ada`` is bgc:adaptive. A pipeline alone adapts, but for diffaugment, whose p is 1 as in its paper.

    Raises:
        UsageError: no such pipeline, or a p out of range: 0 to 0.8, and to 1 for DiffAugment.
    """
    text = str(setting).strip()
    name, _, strength = ("bgc", "", ADAPTIVE) if text == "ada" else text.partition(":")
    if number(text) is not None:
        name, strength = "diffaugment", text
    if name not in PIPELINES:
        near = difflib.get_close_matches(name, [*PIPELINES, "ada"], n=1)
        mend = f"did you mean {near[0]}?" if near else f"give {FORMS}; pipelines are {', '.join(PIPELINES)}"
        raise UsageError(f"augment={text} names no pipeline", mend)
    parts = PIPELINES[name]
    most = 1.0 if name == "diffaugment" else CAP
    if strength == ADAPTIVE or (not strength and most < 1):
        return Choice(parts, None)
    chance = number(strength) if strength else 1.0
    if chance is None:
        raise UsageError(f"augment={text}: {strength!r} is no chance", f"give {FORMS}")
    if not 0 <= chance <= most:
        why = "" if most == 1 else ", above which the generator learns the changes, too"
        raise UsageError(f"augment={text} is out of range", f"p is 0 to {most:g}{why}")
    return Choice(parts, chance) if chance else Choice((), 0.0)


def number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
