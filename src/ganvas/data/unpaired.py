"""A folder of two domains without correspondence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganvas.data import pack as packing
from ganvas.data.folder import FEWEST_TO_PART, first_by_content, notes, refuse, survey
from ganvas.data.listing import existing
from ganvas.data.pack import Pack
from ganvas.data.sides import layout_of
from ganvas.data.translation import TwoDomainData
from ganvas.data.wanted import Wanted


def unpaired(path: str | Path, wanted: Wanted, *, source_channels: int | None = None) -> TwoDomainData:
    """Two domains of a folder, A/ and B/ (also trainA/ and trainB/, held out: testA/ and testB/); else a tenth is held out.

    Args:
        path: the folder; see ``sides.layout_of``.
        wanted: size and patience, for both; the size is chosen by B's pictures, and its channels are B's.
        source_channels: of A: 1, 3 or 4; by default 1 when all its pictures are grey, else 3.

    Raises:
        DataError: a domain is missing, or has too few good pictures.
    """
    root = existing(path)
    place = layout_of(root, side_by_side=False)
    assert place.b is not None
    y = packed(place.b, wanted)
    x = packed(place.a, replace(wanted, size=y.look.size, channels=source_channels))
    name = root.absolute().name or "domains"
    data = as_domains(x, y, name, root, wanted)
    data.recipe = wanted.recipe(f"unpaired:{root.absolute()}", source_channels=source_channels)
    if place.test is not None:
        test_a, test_b = place.test
        assert test_b is not None
        like_x, like_y = (replace(wanted, size=side.look.size, channels=side.look.channels) for side in (x, y))

        def held_out() -> TwoDomainData:
            return as_domains(packed(test_a, like_x), packed(test_b, like_y), f"{name} (test)", root, wanted)

        return data.whole(held_out)
    if min(data.counts) < FEWEST_TO_PART:
        return data.whole(lambda: data)
    return data.split(held=(first_by_content(x, len(x) // 10), first_by_content(y, len(y) // 10)))


def packed(side: Path, wanted: Wanted) -> Pack:
    """The pictures of one domain, refused if they are not fit to train on."""
    pictures = survey(side, "none", wanted)
    refuse(pictures, side, wanted)
    return pictures


def as_domains(x: Pack, y: Pack, name: str, root: Path, wanted: Wanted) -> TwoDomainData:
    return TwoDomainData(
        x.images,
        y.images,
        name=name,
        licence="not stated (your own folder)",
        origin=f"folder {root.absolute()}",
        fingerprint=packing.key_of("domains", x.fingerprint, y.fingerprint),
        mirror=wanted.mirror,
        notes=(*(f"A: {note}" for note in notes(x)), *(f"B: {note}" for note in notes(y))),
    )
