"""A folder of pairs: two folders of pictures with equal names, or pictures side by side."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from ganvas.data import pack as packing
from ganvas.data.folder import FEWEST_TO_PART, examined, first_by_content, stamp
from ganvas.data.listing import Found, Listing, Skipped, existing, listing, shown, suffix_of
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import BadPicture, Header, check_sums, opened, orientation, reason, upright
from ganvas.data.sides import layout_of
from ganvas.data.translation import PairData
from ganvas.data.wanted import Wanted
from ganvas.errors import DataError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("ganvas.data")
Direction = Literal["a-to-b", "b-to-a"]
SAME_ASPECT = 0.02
LICENCE = "not stated (your own folder)"


def key_of(name: str) -> str:
    """The name of a picture without its suffix: what both of a pair have in common."""
    return unicodedata.normalize("NFC", name[: len(name) - len(suffix_of(name))] if suffix_of(name) else name)


@dataclass(frozen=True)
class Sides:
    """The packs of two sides and what was left out.

    Args:
        source, target: the packs.
        rows: int64, those rows of ``target`` whose source could be decoded too.
        match: int64 (len(target),), the source's row of each target row; -1 without.
        skipped: files that cannot be used, or whose other half cannot, with the reason.
        alone: names that only one side has, (in the source, in the target).
        resized: pairs whose two pictures were of different size.
    """

    source: Pack
    target: Pack
    rows: torch.Tensor
    match: torch.Tensor
    skipped: tuple[Skipped, ...]
    alone: tuple[tuple[str, ...], tuple[str, ...]]
    resized: int


def survey_sides(a: Path, b: Path | None, wanted: Wanted, source_channels: int | None, direction: Direction) -> Sides:
    """The two sides of a folder, decoded once, in step.

    Raises:
        DataError: a side is missing, or they have no name in common.
    """
    found = [listing(side) for side in ((a,) if b is None else (a, b))]
    if direction == "b-to-a" and b is not None:
        found.reverse()
    quick = [stamp(side, "none") for side in found]
    key = ("pairs", quick, direction if b is None else "", wanted.shape(), source_channels)
    stamps = [packing.key_of(*key, side) for side in ("source", "target")]
    packs = [packing.recall(mark) for mark in stamps]
    if packs[0] is None or packs[1] is None:
        log.info("reading %s files of %s", f"{sum(len(side.pictures) for side in found):,}", shown(str(a.parent)))
        pairs = side_by_side(found[0], direction) if b is None else by_name(*found)
        looks = wanted.look([pair.headers[0] for pair in pairs.good]), wanted.look([pair.headers[1] for pair in pairs.good])
        size = looks[1].size
        looks = replace(looks[0], size=size, channels=source_channels or looks[0].channels), looks[1]
        facts = {"alone": pairs.alone, "resized": pairs.resized}
        packs = []
        for side, (look, mark) in enumerate(zip(looks, stamps, strict=True)):
            items = [Item(pair.name, pair.places[side]) for pair in pairs.good]
            key_now = packing.key_of("pairs", pairs.digest, look, side, direction if b is None else "", facts)
            skipped = pairs.skipped if side == 1 else ()
            pack = packing.build(key_now, items, look, skipped=skipped, facts=facts, expected=len(items))
            packing.remember(mark, key_now)
            packs.append(pack)
    source, target = packs
    assert source is not None and target is not None
    return in_step(source, target)


def in_step(source: Pack, target: Pack) -> Sides:
    """The rows that both packs have: a picture may have turned out to be damaged when it was decoded."""
    there = {name: row for row, name in enumerate(source.names)}
    match = torch.tensor([there.get(name, -1) for name in target.names], dtype=torch.int64)
    alone = target.facts["alone"]
    return Sides(
        source,
        target,
        (match >= 0).nonzero()[:, 0],
        match,
        (*(Skipped(f"{name} (source)", why) for name, why in source.skipped), *target.skipped),
        (tuple(alone[0]), tuple(alone[1])),
        int(target.facts["resized"]),
    )


@dataclass(frozen=True)
class Pair:
    """A pair to decode: its name, where source and target come from, and what their files say."""

    name: str
    places: tuple[Path | Callable[[], Image], Path | Callable[[], Image]]
    headers: tuple[Header, Header]


@dataclass
class Matched:
    """The pairs of a folder, what is left out of it, names of one side only, pairs of two sizes, a hash of all contents."""

    good: list[Pair]
    skipped: list[Skipped]
    alone: tuple[list[str], list[str]]
    resized: int
    digest: str


def by_name(source: Listing, target: Listing) -> Matched:
    """Pairs the pictures of two folders whose paths, but for the suffix, are the same.

    A pair whose pictures are of different shape cannot be cropped alike and is left out.
    """
    sides = [examined(side) for side in (source, target)]
    skipped = [Skipped(f"{side.folder.name}/{name}", why) for side in (source, target) for name, why in side.skipped]
    named: list[dict[str, tuple[Found, Header]]] = []
    for side, (good, bad, _) in zip((source, target), sides, strict=True):
        own: dict[str, tuple[Found, Header]] = {}
        for picture, header in good:
            if own.setdefault(key_of(picture.name), (picture, header))[0] is not picture:
                taken = own[key_of(picture.name)][0].name
                skipped.append(Skipped(f"{side.folder.name}/{picture.name}", f"{shown(taken)} has its name already"))
        skipped += [Skipped(f"{side.folder.name}/{name}", why) for name, why in bad]
        named.append(own)
    broken = [{key_of(name) for name, _ in bad} for _, bad, _ in sides]
    alone = (
        [one[0].name for key, one in named[0].items() if key not in named[1] and key not in broken[1]],
        [one[0].name for key, one in named[1].items() if key not in named[0] and key not in broken[0]],
    )
    common = [key for key in named[1] if key in named[0]]
    if not common:
        names = f"{shown(source.folder.name)}/ and {shown(target.folder.name)}/"
        raise DataError(
            f"{names} have no name in common ({example(source)}; {example(target)})",
            "give both of a pair the same name; for pictures that are no pairs, unpaired:FOLDER",
        )
    good_pairs, resized = [], 0
    for key in common:
        (first, a), (second, b) = named[0][key], named[1][key]
        if abs((a.width * b.height) / (a.height * b.width) - 1) > SAME_ASPECT:
            why = f"{a.width}x{a.height} but its target is {b.width}x{b.height}: another shape"
            skipped.append(Skipped(f"{source.folder.name}/{first.name}", why))
            continue
        resized += (a.width, a.height) != (b.width, b.height)
        good_pairs.append(Pair(key, (first.path, second.path), (a, b)))
    return Matched(good_pairs, skipped, alone, resized, " ".join(digest for _, _, digest in sides))


def example(side: Listing) -> str:
    if not side.pictures:
        return f"{shown(side.folder.name)}/ has no pictures"
    return f"such as {shown(side.folder.name)}/{shown(side.pictures[0].name)}"


def side_by_side(found: Listing, direction: Direction) -> Matched:
    """Pairs out of pictures whose left half is A and whose right half is B, as pix2pix has them (Isola et al. 2017)."""
    good, skipped, digest = examined(found)
    skipped = [*found.skipped, *skipped]
    pairs = []
    for picture, header in good:
        if header.width % 2 or header.width < 2:
            why = f"{header.width}x{header.height}: an odd width has no two halves"
            skipped.append(Skipped(picture.name, why))
            continue
        half = replace(header, width=header.width // 2)
        left, right = halved(picture.path, left=True), halved(picture.path, left=False)
        pairs.append(Pair(picture.name, (left, right) if direction == "a-to-b" else (right, left), (half, half)))
    return Matched(pairs, skipped, ([], []), 0, digest)


def halved(path: Path, *, left: bool) -> Callable[[], Image]:
    """How to get the left or right half of a picture file, upright."""

    def half() -> Image:
        with opened(path) as picture:
            try:
                if picture.format == "PNG":
                    check_sums(path)
                turned = 1 if picture.format == "TIFF" else orientation(picture)
                picture.load()
                whole = upright(picture, turned)
                middle = whole.width // 2
                part = whole.crop((0, 0, middle, whole.height) if left else (middle, 0, 2 * middle, whole.height))
            except BadPicture:
                raise
            except Exception as error:  # as in ``pictures.opened``
                raise BadPicture(reason(error)) from error
        part.info.pop("exif", None)  # it has been turned already
        return part

    return half


def paired(
    path: str | Path,
    wanted: Wanted,
    *,
    source_channels: int | None = None,
    direction: Direction = "a-to-b",
) -> PairData:
    """Pairs of a folder: A/ and B/ with equal names (suffixes may differ), or pictures side by side; a tenth is held out.

    Args:
        path: the folder; also trainA/ and trainB/ (held out: testA/, testB/), source/ and target/, or A/ and B/ that each have
            train/ and test/.
        wanted: size and patience, for both sides; its channels are the target's.
        source_channels: of the source: 1, 3 or 4; by default 1 when all its pictures are grey, else 3.
        direction: a-to-b: A is the source.

    Raises:
        DataError: a side is missing, no names in common, fewer than two good pairs, or too many bad ones.
        UsageError: a direction or number of channels that cannot be.
    """
    if direction not in ("a-to-b", "b-to-a"):
        raise UsageError(f"there is no direction {direction!r}", "choose a-to-b or b-to-a")
    root = existing(path)
    place = layout_of(root, side_by_side=True)
    sides = survey_sides(place.a, place.b, wanted, source_channels, direction)
    refuse_pairs(sides, path, wanted)
    name = root.absolute().name or "pairs"
    data = as_pairs(sides, name, root, wanted)
    given = {"source_channels": source_channels, "direction": None if direction == "a-to-b" else direction}
    data.recipe = wanted.recipe(f"paired:{root.absolute()}", **given)
    if place.test is not None:
        test_a, test_b = place.test
        same = replace(wanted, size=sides.target.look.size, channels=sides.target.look.channels)

        def held_out() -> PairData:
            other = survey_sides(test_a, test_b, same, sides.source.look.channels, direction)
            refuse_pairs(other, test_a, wanted)
            return as_pairs(other, f"{name} ({test_a.name})", root, wanted)

        return data.whole(held_out)
    if len(data) < FEWEST_TO_PART:
        return data.whole(lambda: data)
    held = first_by_content(sides.target, len(data) // 10)
    positions = torch.isin(sides.rows, held).nonzero()[:, 0]
    return data.split(held=positions)


def as_pairs(sides: Sides, name: str, root: Path, wanted: Wanted) -> PairData:
    notes = tuple(notes_of(sides))
    for note in notes[1:]:
        log.warning("%s: %s", shown(name), note)
    whole = len(sides.rows) == len(sides.target)
    return PairData(
        sides.source.images,
        sides.target.images,
        match=None if whole and torch.equal(sides.match, sides.rows) else sides.match,
        rows=None if whole else sides.rows,
        name=name,
        licence=LICENCE,
        origin=f"folder {root.absolute()}",
        fingerprint=packing.key_of("pairs", sides.source.fingerprint, sides.target.fingerprint),
        mirror=wanted.mirror,
        notes=notes,
    )


def notes_of(sides: Sides) -> Iterator[str]:
    yield f"{len(sides.rows):,} pairs, {sides.source.look.in_words()} to {sides.target.look.in_words()}"
    for names, side in zip(sides.alone, ("source", "target"), strict=True):
        if names:
            yield f"{len(names)} pictures of the {side} have no partner, such as {some(names)}"
    if sides.resized:
        yield f"{sides.resized} pairs of two different sizes, both resized"
    if sides.skipped:
        yield f"{len(sides.skipped)} files skipped, such as {shown(sides.skipped[0].name)}: {sides.skipped[0].reason}"


def some(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names[:3])


def refuse_pairs(sides: Sides, path: str | Path, wanted: Wanted) -> None:
    """Raises DataError when pairs are not fit to train on."""
    where, bad, count = shown(str(path)), sides.skipped, len(sides.rows)
    first = f"{shown(bad[0].name)}: {bad[0].reason}" if bad else ""
    if wanted.strict and (bad or any(sides.alone)):
        alone = sum(map(len, sides.alone))
        raise DataError(
            f"{len(bad)} files of {where} cannot be used and {alone} have no partner"
            f" ({first or some(sides.alone[0] or sides.alone[1])})",
            "mend them, or leave strict out",
        )
    if count < 2:
        also = f"; {len(bad)} cannot be used ({first})" if bad else ""
        raise DataError(f"{where} has {count} good pair{'s' * (count != 1)}{also}", "give at least 2, better 400")
    if len(bad) > wanted.max_bad * (count + len(bad)):
        raise DataError(
            f"{len(bad)} of {count + len(bad)} pairs in {where} cannot be used, more than {wanted.max_bad:.0%} ({first})",
            f"`ganvas data check paired:{where}` lists them; mend or remove them",
        )
