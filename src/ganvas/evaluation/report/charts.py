"""Curves as inline SVG: small, sharp at every size, and coloured by the page's style, so that they follow its dark mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganvas.evaluation.compare_figures import spread
from ganvas.evaluation.report.page import Html, element

WIDTH, HEIGHT = 560, 236
LEFT, TOP, BOTTOM = 54, 14, 38
NAMED, NAMELESS = 132, 16
"""Pixels of the drawing, and its margins; at the right stand the lines' names, where they have any."""
MOST_POINTS = 400
LOGARITHMIC = 12.0
"""From this ratio of the largest to the smallest positive value on, the axis is logarithmic."""
LINE_HEIGHT = 13.0
COLOURS = 4


class Line(NamedTuple):
    """A curve, its name written at its end; nan in ``y`` leaves a gap; ``errors``: standard errors, nan where not known."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    errors: Sequence[float] = ()


class Mark(NamedTuple):
    """A ring at a point, and its words."""

    x: float
    y: float
    words: str


class Scale(NamedTuple):
    """Maps values to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        share = (min(max(value, low), high) - low) / (high - low)
        return self.start + share * (self.end - self.start)


def chart(lines: Sequence[Line], *, x_name: str, about: str, floor: float | None = None, marks: Sequence[Mark] = ()) -> Html:
    """Curves that share their axes, each named at its end.

    Args:
        lines: at least one, with a finite value.
        x_name: what the horizontal axis counts.
        about: what the drawing shows, for people who cannot see it.
        floor: a dotted line: what real data would have.
        marks: rings.
    """
    lines = [thinned(line) for line in lines]
    right = max(max(line.x) for line in lines)
    edge = WIDTH - (NAMED if any(line.name for line in lines) else NAMELESS)
    across = Scale(0.0, right if right > 0 else 1.0, LEFT, edge)
    up, cut = vertical([v for line in lines for v in line.y if math.isfinite(v)] + ([floor] if floor is not None else []))
    parts = [element("title", about), *axes(across, up, x_name)]
    if floor is not None:
        parts.append(element("line", x1=LEFT, x2=edge, y1=r(up(floor)), y2=r(up(floor)), class_="floor"))
        parts.append(element("text", f"real data {floor:.3g}", x=LEFT + 4, y=r(up(floor) - 4)))
    for number, line in enumerate(lines):
        parts += curve(line, number % COLOURS, across, up)
    for mark in marks:
        x, y = across(mark.x), up(mark.y)
        side = "end" if x > (LEFT + edge) / 2 else "start"
        low = y > (TOP + HEIGHT - BOTTOM) / 2  # then the line comes from above
        parts.append(element("circle", cx=r(x), cy=r(y), r=4.5, class_="ring s0"))
        parts.append(
            element(
                "text", mark.words, x=r(x), y=r(min(y + 18, HEIGHT - BOTTOM - 3) if low else max(y - 9, TOP)), text_anchor=side
            )
        )
    parts += names(lines, up, across)
    if cut:
        parts.append(element("text", "outliers are cut at the edges", x=edge, y=HEIGHT - 3, text_anchor="end"))
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=about)


def r(value: float) -> str:
    return f"{value:.1f}"


def thinned(line: Line) -> Line:
    """The line with at most ``MOST_POINTS`` points, evenly taken, the last one among them."""
    stride = -(-len(line.x) // MOST_POINTS)
    keep = list(range(len(line.x) - 1, -1, -stride))[::-1]
    return Line(line.name, [line.x[n] for n in keep], [line.y[n] for n in keep], [line.errors[n] for n in keep if line.errors])


def vertical(values: Sequence[float]) -> tuple[Scale, bool]:
    """The vertical scale of these values, and whether it leaves out the most extreme 2 % at either side."""
    low, high = min(values), max(values)
    if low > 0 and high > LOGARITHMIC * low:
        return Scale(low / 1.1, high * 1.1, HEIGHT - BOTTOM, TOP, logarithmic=True), False
    inner = [float(v) for v in np.quantile(values, [0.02, 0.98])]
    cut = inner[1] > inner[0] and high - low > 3 * (inner[1] - inner[0])
    low, high = inner if cut else (low, high)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return Scale(low - room, high + room, HEIGHT - BOTTOM, TOP), cut


def ticks(scale: Scale, most: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten) within a scale, at most ``most`` or so."""
    if scale.logarithmic:
        powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
        steps = (1, 2, 5) if len(powers) <= 3 else (1,)
        found = [step * 10.0**power for power in powers for step in steps]
        found = [value for value in found if scale.low <= value <= scale.high]
        return found[:: max(1, -(-len(found) // most))]
    rough = (scale.high - scale.low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    return [step * n for n in range(math.ceil(scale.low / step), math.floor(scale.high / step) + 1)]


def axes(across: Scale, up: Scale, x_name: str) -> list[Html]:
    """Horizontal rules with their values, and the horizontal axis with its own."""
    parts = []
    for value in ticks(up, 5):
        y = up(value)
        parts.append(element("line", x1=LEFT, x2=across.end, y1=r(y), y2=r(y), class_="axis"))
        parts.append(element("text", f"{value:.4g}", x=LEFT - 6, y=r(y + 3.5), text_anchor="end"))
    for value in ticks(across, 5):
        words = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        parts.append(element("text", words, x=r(across(value)), y=HEIGHT - BOTTOM + 15, text_anchor="middle"))
    middle = (LEFT + across.end) / 2
    return [*parts, element("text", x_name, x=r(middle), y=HEIGHT - BOTTOM + 30, text_anchor="middle")]


def curve(line: Line, colour: int, across: Scale, up: Scale) -> list[Html]:
    """A line with gaps where it has no value, and the band of one standard error where that is known."""
    parts = []
    if line.errors and all(math.isfinite(e) and math.isfinite(v) for e, v in zip(line.errors, line.y, strict=True)):
        least = up.low
        above = [(x, y + e) for x, y, e in zip(line.x, line.y, line.errors, strict=True)]
        below = [(x, max(y - e, least)) for x, y, e in zip(line.x, line.y, line.errors, strict=True)]
        outline = " L".join(f"{r(across(x))} {r(up(y))}" for x, y in [*above, *reversed(below)])
        parts.append(element("path", d=f"M{outline} Z", class_=f"band f{colour}"))
    pen, path = "M", []
    for x, y in zip(line.x, line.y, strict=True):
        if not math.isfinite(y):
            pen = "M"
            continue
        path.append(f"{pen}{r(across(x))} {r(up(y))}")
        pen = "L"
    parts.append(element("path", d=" ".join(path), class_=f"s{colour}"))
    known = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    if len(known) <= 40:
        parts += [element("circle", cx=r(across(x)), cy=r(up(y)), r=2, class_=f"f{colour}") for x, y in known]
    return parts


def names(lines: Sequence[Line], up: Scale, across: Scale) -> list[Html]:
    """Each line's name beside its last value, names that would touch moved apart."""
    ends = [next((x, y) for x, y in zip(line.x[::-1], line.y[::-1], strict=True) if math.isfinite(y)) for line in lines]
    heights = spread([up(y) for _, y in ends], LINE_HEIGHT)
    parts = []
    for number, (line, (x, _), height) in enumerate(zip(lines, ends, heights, strict=True)):
        name = line.name if len(line.name) <= 20 else f"{line.name[:19]}…"
        place = {"x": r(across(x) + 7), "y": r(height + 4)}
        parts.append(element("text", name, class_=f"end f{number % COLOURS}", **place))
    return parts
