"""Drawn faces with an expression each: unlimited, labelled, and free, for work that wants faces without anyone's photograph.

Style avataaars by Pablo Stanley, drawn by DiceBear and rendered by resvg; all three come with ``pip install "ganvas[faces]"``.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from ganvas.data import pack as packing
from ganvas.data.dataset import ArrayData
from ganvas.data.folder import as_data, hold_out
from ganvas.data.pack import Item
from ganvas.data.pictures import Look
from ganvas.errors import UsageError

LICENCE = "avataaars by Pablo Stanley, free for personal and commercial use; DiceBear, MIT"
EXPRESSIONS: dict[str, dict[str, list[str]]] = {
    "surprised": {"eyes": ["surprised"], "mouth": ["screamOpen"], "eyebrows": ["raisedExcited", "raisedExcitedNatural"]},
    "happy": {"eyes": ["default", "happy"], "mouth": ["smile", "twinkle"], "eyebrows": ["default", "defaultNatural"]},
    "angry": {"eyes": ["default", "squint"], "mouth": ["grimace", "serious"], "eyebrows": ["angry", "angryNatural"]},
    "sad": {"eyes": ["cry", "default"], "mouth": ["concerned", "sad"], "eyebrows": ["sadConcerned", "sadConcernedNatural"]},
    "neutral": {"eyes": ["default"], "mouth": ["default", "serious"], "eyebrows": ["default", "flatNatural"]},
}
# So that the face, and not shoulders and air, fills the picture; seen to be right at 28 and 64 pixels.
CLOSE_UP = {"scale": 1.35, "translateY": 10}
BACKGROUNDS = ["#ffffff", "#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf"]


def faces(
    expression: str | None = None,
    *,
    count: int | None = None,
    size: int | tuple[int, int] | None = None,
    surprised: bool = False,
    seed: int = 0,
    mirror: bool = False,
) -> ArrayData:
    """Drawn faces (N, 3, size, size), rendered once (about 4 ms each) and kept in the cache; a tenth of them is held out.

    Args:
        expression: one of ``EXPRESSIONS``; None draws all of them in turn, with the expression as label.
        count: how many faces; 10,000 by default.
        size: pixels of a side; 64 by default.
        surprised: the same as ``expression="surprised"``.
        seed: another seed draws other people.
        mirror: flip half of the pictures of a stream left to right.

    Raises:
        UsageError: no such expression, a count or size out of range, or the extra ``faces`` is not installed.
    """
    expression = expression or ("surprised" if surprised else None)
    if expression is not None and expression not in EXPRESSIONS:
        raise UsageError(f"there are no faces that look {expression!r}", f"choose from {', '.join(EXPRESSIONS)}")
    number = 10_000 if count is None else count
    if not 2 <= number <= 10_000_000:
        raise UsageError(f"{number} faces cannot be drawn", "choose 2 to 10,000,000")
    side = (size, size) if isinstance(size, int) else size or (64, 64)
    if side[0] != side[1]:
        raise UsageError(f"faces of {side[1]}x{side[0]} cannot be drawn", "they are square: give one size")
    look = Look((side[0], side[1]), 3)
    wanted = (expression,) if expression else tuple(EXPRESSIONS)
    draw = artist(side[0])
    versions = {name: importlib.metadata.version(name) for name in ("dicebear-core", "dicebear-styles", "resvg-py")}
    key = packing.key_of("faces", versions, EXPRESSIONS, CLOSE_UP, BACKGROUNDS, wanted, number, seed, look)

    def item(index: int) -> Item:
        label = index % len(wanted)
        return Item(f"{seed}-{index}", lambda: draw(f"{seed}-{index}", wanted[label]), label)

    packed = packing.load(key) or packing.build(key, map(item, range(number)), look, classes=wanted, expected=number)
    made_by = ", ".join(f"{name} {version}" for name, version in versions.items())
    name = f"faces:{expression}" if expression else "faces"
    data = as_data(packed, name=name, licence=LICENCE, origin=f"drawn by PyPI packages {made_by}", mirror=mirror)
    options = {"count": count, "size": size, "seed": seed or None, "mirror": mirror or None}
    data.recipe = {"source": name, **{key: value for key, value in options.items() if value is not None}}
    return hold_out(data, packed)


def artist(side: int) -> Callable[[str, str], bytes]:
    """A function from (seed, expression) to a PNG of a face, ``side`` pixels square.

    Raises:
        UsageError: the extra ``faces`` is not installed.
    """
    try:
        from dicebear import Avatar, Style
        from resvg_py import svg_to_bytes

        definition = files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8")
    except ImportError as error:
        raise UsageError(f"drawn faces need {error.name}, which is not installed", 'pip install "ganvas[faces]"') from None
    style = Style(json.loads(definition))

    def draw(seed: str, expression: str) -> bytes:
        parts = {f"{part}Variant": variants for part, variants in EXPRESSIONS[expression].items()}
        options: dict[str, Any] = {"seed": seed, "backgroundColor": BACKGROUNDS, **CLOSE_UP, **parts}
        svg = Avatar(style, options).to_string()
        return bytes(svg_to_bytes(svg_string=svg, width=side, height=side, background="#ffffff", skip_system_fonts=True))

    return draw
