"""The data doctor for folders of translation: what is wrong with either side, and what has no partner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ganvas.data.check import Finding, Report, check, contents, copies, examples, traits, unusable
from ganvas.data.listing import existing
from ganvas.data.paired import Sides, refuse_pairs, survey_sides
from ganvas.data.sides import layout_of
from ganvas.data.wanted import Fit, Size, Wanted
from ganvas.errors import DataError


def check_paired(
    path: str | Path, *, size: Size = None, channels: int | None = None, fit: Fit = "crop", max_bad: float = 0.05
) -> Report:
    """Reads and decodes every pair of a folder, as ``paired`` with the same arguments would, and says what it found.

    Raises:
        DataError: the folder or a side of it is missing, or no names are in common.
    """
    place = layout_of(existing(path), side_by_side=True)
    wanted = Wanted(size, channels, fit, max_bad=max_bad)
    sides = survey_sides(place.a, place.b, wanted, None, "a-to-b")
    refusal = ""
    try:
        refuse_pairs(sides, path, wanted)
    except DataError as error:
        refusal = str(error)
    found = [*unusable(sides.skipped), *partners(sides)]
    for side, packed in (("source", sides.source), ("target", sides.target)):
        each = [*copies(packed), *contents(packed), *traits(packed)]
        found += [replace(finding, name=f"{side}: {finding.name}") for finding in each]
    return Report(
        path=f"paired:{path}",
        usable=len(sides.rows),
        total=len(sides.rows) + len(sides.skipped),
        shape=sides.target.look.shape,
        how=f"pairs, {sides.source.look.in_words()} to {sides.target.look.in_words()}",
        classes={},
        refusal=refusal,
        findings=tuple(sorted(found, key=lambda finding: (finding.severity == "note", -finding.count))),
    )


def partners(sides: Sides) -> Iterator[Finding]:
    """Pictures of one side only, and pairs of two sizes."""
    for names, side in zip(sides.alone, ("source", "target"), strict=True):
        if names:
            meaning = f"pictures of the {side} without one of the same name on the other side"
            yield Finding(f"{side} alone", len(names), examples(names), meaning, "left out")
    if sides.resized:
        yield Finding("two sizes", sides.resized, (), "pairs of one shape but two sizes", "both are resized", "note")


def check_unpaired(
    path: str | Path, *, size: Size = None, channels: int | None = None, fit: Fit = "crop", max_bad: float = 0.05
) -> tuple[Report, Report]:
    """``check`` of either domain of a folder; ``channels`` are the second's. Errors as for ``check_paired``."""
    place = layout_of(existing(path), side_by_side=False)
    assert place.b is not None
    second = check(place.b, size=size, channels=channels, labels="none", fit=fit, max_bad=max_bad)
    same = (second.shape[1], second.shape[2])
    return check(place.a, size=same, labels="none", fit=fit, max_bad=max_bad), second
