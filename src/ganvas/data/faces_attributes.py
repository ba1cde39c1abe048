"""Drawn faces with attributes that are known and can be changed one at a time: exact pairs for judging an editor of faces.

Style avataaars by Pablo Stanley, drawn by DiceBear and rendered by resvg, as in ``ganvas.data.faces``.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from ganvas.data import pack as packing
from ganvas.data.dataset import ORDER, ArrayData, random_bits
from ganvas.data.faces import BACKGROUNDS, CLOSE_UP, EXPRESSIONS, LICENCE
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import Look
from ganvas.data.translation import PairData
from ganvas.errors import UsageError

HAIR = {
    "black hair": "#2c1b18",
    "brown hair": "#724133",
    "blond hair": "#d6b370",
    "red hair": "#c93305",
    "grey hair": "#e8e1e1",
}
COVERED = {"hat", "hijab", "turban", "winterHat1", "winterHat02", "winterHat03", "winterHat04"}
GLASSES = ["prescription01", "prescription02", "round"]  # not those that hide the eyes, and so the expression
BEARDS = ["beardLight", "beardMajestic", "beardMedium"]
GROUPS: tuple[tuple[str, ...], ...] = (tuple(EXPRESSIONS), tuple(HAIR), ("glasses",), ("beard",))
NAMES = tuple(name for group in GROUPS for name in group)
COUNT, SIDE = 10_000, 64


def faces_attributes(*, count: int | None = None, size: int | None = None, seed: int = 0, mirror: bool = False) -> ArrayData:
    """Drawn faces (N, 3, size, size) with an expression, a colour of hair, and glasses and a beard or not; a tenth is held out.

    Labels are (N, 12) of zeros and ones in the order of ``NAMES``; every attribute is drawn independently. ``edits`` gives the
    same faces with one attribute changed.

    Args:
        count: how many faces; 10,000 by default.
        size: pixels of a side; 64 by default.
        seed: another seed draws other people.
        mirror: flip half of the pictures of a stream left to right.

    Raises:
        UsageError: a count or size out of range, or the extra ``faces`` is not installed.
    """
    number, side = COUNT if count is None else count, size or SIDE
    if not 2 <= number <= 10_000_000:
        raise UsageError(f"{number} faces cannot be drawn", "choose 2 to 10,000,000")
    label = labels(number, seed)
    packed = drawn([f"{seed}-{index}" for index in range(number)], label, side)
    data = ArrayData(
        packed.images, label, attributes=GROUPS, name="faces-attributes", licence=LICENCE, origin=made_by(), mirror=mirror,
        fingerprint=packing.key_of(packed.fingerprint, label.tolist()),
    )  # fmt: skip
    options = {"count": count, "size": size, "seed": seed or None, "mirror": mirror or None}
    data.recipe = {"source": "faces-attributes", **{name: value for name, value in options.items() if value is not None}}
    return data.split()


def labels(count: int, seed: int) -> torch.Tensor:
    """Attributes of ``count`` people, int64 (count, 12): every choice of a group is equally likely."""
    bits = random_bits(seed, ORDER, 0).random_raw(count * len(GROUPS)).reshape(count, len(GROUPS))
    columns = []
    for group, drawn in zip(GROUPS, bits.T, strict=True):
        choice = torch.from_numpy((drawn % np.uint64(max(len(group), 2))).astype(np.int64))
        columns.append(torch.nn.functional.one_hot(choice, len(group)) if len(group) > 1 else choice[:, None])
    return torch.cat(columns, 1)


def edits(attribute: str, *, count: int = 256, size: int | None = None, seed: int = 0) -> PairData:
    """Faces that no training sees, without an attribute, and the same faces with it: all else is the same to the pixel.

    Args:
        attribute: one of ``NAMES``; of a group of several it takes the place of the one that is there.
        count, size, seed: as for ``faces_attributes``.

    Raises:
        UsageError: there is no such attribute.
    """
    if attribute not in NAMES:
        raise UsageError(f"faces have no attribute {attribute!r}", f"choose from {', '.join(NAMES)}")
    column = NAMES.index(attribute)
    pool = labels(4 * count + 16, seed)
    before = pool[pool[:, column] == 0][:count]
    after = before.clone()
    start = 0
    for group in GROUPS:
        if attribute in group:
            after[:, start : start + len(group)] = 0
        start += len(group)
    after[:, column] = 1
    people = [f"held out {seed}-{index}" for index in range(len(before))]
    side = size or SIDE
    source, target = drawn(people, before, side), drawn(people, after, side)
    return PairData(
        source.images,
        target.images,
        name=f"faces that become: {attribute}",
        licence=LICENCE,
        origin=made_by(),
        fingerprint=packing.key_of(source.fingerprint, target.fingerprint),
    )


def drawn(people: Sequence[str], label: torch.Tensor, side: int) -> Pack:
    """The faces of these people (seeds) with these attributes, from the cache or rendered now."""
    draw, look, rows = artist(side), Look((side, side), 3), label.tolist()
    key = packing.key_of(
        "faces-attributes", made_by(), EXPRESSIONS, HAIR, GLASSES, BEARDS, CLOSE_UP, BACKGROUNDS, [*people], rows, side
    )

    def item(index: int) -> Item:
        return Item(people[index], lambda: draw(people[index], rows[index]))

    return packing.load(key) or packing.build(key, map(item, range(len(people))), look, expected=len(people))


def made_by() -> str:
    versions = {name: importlib.metadata.version(name) for name in ("dicebear-core", "dicebear-styles", "resvg-py")}
    return f"drawn by PyPI packages {', '.join(f'{name} {version}' for name, version in versions.items())}"


def artist(side: int) -> Callable[[str, Sequence[int]], bytes]:
    """A function from (seed, attributes) to a PNG of a face, ``side`` pixels square.

    Raises:
        UsageError: the extra ``faces`` is not installed.
    """
    try:
        from dicebear import Avatar, Style
        from resvg_py import svg_to_bytes

        definition = json.loads(files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8"))
    except ImportError as error:
        raise UsageError(f"drawn faces need {error.name}, which is not installed", 'pip install "ganvas[faces]"') from None
    style = Style(definition)
    tops = [name for name in definition["components"]["top"]["variants"] if name not in COVERED]

    def draw(seed: str, label: Sequence[int]) -> bytes:
        options: dict[str, Any] = {"seed": seed, "backgroundColor": BACKGROUNDS, **CLOSE_UP, "topVariant": tops, **parts(label)}
        svg = Avatar(style, options).to_string()
        return bytes(svg_to_bytes(svg_string=svg, width=side, height=side, background="#ffffff", skip_system_fonts=True))

    return draw


def parts(label: Sequence[int]) -> dict[str, Any]:
    """DiceBear's options for a row of labels."""
    has = {name for name, value in zip(NAMES, label, strict=True) if value}
    (expression,), (hair,) = (has & set(group) for group in GROUPS[:2])
    # One variant each, so that nothing is left to chance when another option changes.
    face: dict[str, Any] = {f"{part}Variant": variants[:1] for part, variants in EXPRESSIONS[expression].items()}
    return face | {
        "hairColor": [HAIR[hair]],
        "facialHairColor": [HAIR[hair]],
        "accessoriesVariant": GLASSES,
        "accessoriesColor": ["#262e33"],
        "accessoriesProbability": 100 * ("glasses" in has),
        "facialHairVariant": BEARDS,
        "facialHairProbability": 100 * ("beard" in has),
    }
