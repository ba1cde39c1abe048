"""The figures of the examples: panels in a row or a block, one title, each panel labelled by its iteration.

matplotlib's Figure is used without pyplot, so that nothing global is touched and no window is opened. Places are in inches
from the figure's top left corner: a panel of pictures is then drawn pixel for pixel.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ganvas.examples.registry import Result
from ganvas.runs.durable import replace_file
from ganvas.runs.grids import to_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
INK, GREY, FAINT, FAKE, REAL = "#1b1f24", "#6a737d", "#d7dce1", "#d1495b", "#2e86ab"
DPI = 150
MARGIN, GAP, HEADER, LABEL, FOOTER = 0.3, 0.22, 0.92, 0.46, 0.34
"""Inches: around the figure, between panels, above for the titles, above a panel for its label, below for the note."""
TICKS = 0.26
"""Inches that tick labels need at the left of axes and below them."""


@dataclass(frozen=True)
class Frame:
    """What stands around the panels.

    Args:
        title: one line, bold.
        subtitle: one line of what was trained on what.
        note: one small line at the bottom: licence, seed, how the scores were measured.
    """

    title: str
    subtitle: str
    note: str


class Sheet:
    """A figure of ``count`` panels of (width, height) inches in rows of ``columns``."""

    def __init__(self, frame: Frame, count: int, columns: int, *, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        rows = -(-count // columns)
        self.columns, self.width, self.height = columns, width, height
        self.total_width = 2 * MARGIN + columns * width + (columns - 1) * GAP
        self.total_height = HEADER + rows * (LABEL + height) + (rows - 1) * GAP + FOOTER + MARGIN / 2
        self.figure: Figure = Figure(figsize=(self.total_width, self.total_height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.text(MARGIN, MARGIN, frame.title, size=15, weight="bold", color=INK)
        self.text(MARGIN, MARGIN + 0.3, frame.subtitle, size=9.5, color=GREY)
        self.text(MARGIN, self.total_height - MARGIN / 2 - 0.14, frame.note, size=7, color=GREY)

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        self.figure.text(left / self.total_width, 1 - top / self.total_height, words, va="top", ha="left", **style)

    def panel(self, index: int, label: str, caption: str, *, ticks: float = 0.0) -> Axes:
        """The axes of panel ``index``, labelled: ``label`` in bold, ``caption`` below it in grey.

        With ``ticks`` so many inches of the panel stay free at the left of the axes and below them.
        """
        row, column = divmod(index, self.columns)
        left = MARGIN + column * (self.width + GAP)
        top = HEADER + row * (LABEL + self.height + GAP)
        self.text(left, top, label, size=10, weight="bold", color=INK)
        self.text(left, top + 0.21, caption, size=8, color=GREY)
        bottom = self.total_height - top - LABEL - self.height + ticks
        across, up = self.total_width, self.total_height
        place = ((left + ticks) / across, bottom / up, (self.width - ticks) / across, (self.height - ticks) / up)
        return self.figure.add_axes(place)

    def png(self) -> bytes:
        file = io.BytesIO()
        # No date or version in it: the same numbers give the same bytes.
        self.figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
        return file.getvalue()


def tile(pictures: Tensor, columns: int, gap: int = 1) -> Pixels:
    """Pictures (N, C, H, W) in [-1, 1] as one picture (rows, columns, 3), ``gap`` white pixels between them."""
    pixels = to_bytes(pictures)
    count, height, width, _ = pixels.shape
    if count % columns:
        raise ValueError(f"{count} pictures do not fill rows of {columns}")
    rows = count // columns
    sheet = np.full((rows * (height + gap), columns * (width + gap), 3), 255, np.uint8)
    cells = sheet.reshape(rows, height + gap, columns, width + gap, 3)
    cells[:, :height, :, :width] = pixels.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return sheet[: -gap or None, : -gap or None]


@dataclass(frozen=True)
class Curve:
    """A score over iterations, with the value that the best generator would have.

    Args:
        label, caption: of its panel.
        iterations, values: the points of the line.
        floor: drawn as a dashed line and named by ``floor_label``.
    """

    label: str
    caption: str
    iterations: Sequence[int]
    values: Sequence[float]
    floor: float
    floor_label: str


def draw_grids(
    frame: Frame, grids: Sequence[tuple[str, str, Tensor]], *, columns: int, side: int, curve: Curve | None = None
) -> bytes:
    """A figure of grids, ``columns`` of them in a row, each of ``side`` x ``side`` pictures: (label, caption, pictures).

    The score's ``curve`` takes the last place when it is given.
    """
    tiles = [tile(pictures[: side * side], side) for _, _, pictures in grids]
    # Two or three dots of the figure a pixel of a grid: whole numbers, or some pixels would be wider than others.
    zoom = max(2, round(360 / tiles[0].shape[0]))
    height, width = (zoom * length / DPI for length in tiles[0].shape[:2])
    sheet = Sheet(frame, len(grids) + (curve is not None), columns, width=width, height=height)
    for index, ((label, caption, _), picture) in enumerate(zip(grids, tiles, strict=True)):
        axes = sheet.panel(index, label, caption)
        axes.imshow(picture, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
    if curve is not None:
        draw_curve(sheet.panel(len(grids), curve.label, curve.caption, ticks=TICKS), curve)
    return sheet.png()


def draw_points(
    frame: Frame, scatters: Sequence[tuple[str, str, Tensor]], real: Tensor, curve: Curve, *, columns: int
) -> bytes:
    """A figure of points (N, 2) in the plane over the real ones, (label, caption, points), and the score's curve last."""
    sheet = Sheet(frame, len(scatters) + 1, columns, width=2.8, height=2.6)
    low, high = real.min(0).values, real.max(0).values
    edge = 0.25 * (high - low)
    for index, (label, caption, points) in enumerate(scatters):
        axes = sheet.panel(index, label, caption, ticks=TICKS)
        axes.scatter(real[:, 0], real[:, 1], s=5, color=REAL, alpha=0.25, linewidths=0, label="real")
        axes.scatter(points[:, 0], points[:, 1], s=5, color=FAKE, alpha=0.7, linewidths=0, label="generated")
        axes.set_xlim(float(low[0] - edge[0]), float(high[0] + edge[0]))
        axes.set_ylim(float(low[1] - edge[1]), float(high[1] + edge[1]))
        plain(axes)
        if index == 0:
            keys = axes.legend(loc="upper center", fontsize=7, labelcolor=INK, markerscale=2, ncols=2, edgecolor="white")
            for handle in keys.legend_handles:
                if handle is not None:
                    handle.set_alpha(1)
    draw_curve(sheet.panel(len(scatters), curve.label, curve.caption, ticks=TICKS), curve)
    return sheet.png()


def draw_curve(axes: Axes, curve: Curve) -> None:
    from matplotlib.ticker import LogLocator

    axes.plot(curve.iterations, curve.values, color=FAKE, marker="o", markersize=3.5, linewidth=1.4)
    axes.axhline(curve.floor, color=REAL, linestyle="--", linewidth=1)
    axes.annotate(
        curve.floor_label, (1, curve.floor), xycoords=("axes fraction", "data"), xytext=(-3, -4), textcoords="offset points",
        ha="right", va="top", fontsize=7, color=REAL,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = apart(curve.iterations)
    axes.set_xticks(ticks, [f"{iteration:,}" for iteration in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=curve.floor / 2)
    plain(axes)


def apart(iterations: Sequence[int]) -> list[int]:
    """The last iteration and those before it that leave room for their labels on a logarithmic axis."""
    kept: list[int] = []
    for iteration in reversed(iterations):
        if not kept or 1.6 * iteration <= kept[-1]:
            kept.append(iteration)
    return kept[::-1]


def plain(axes: Axes) -> None:
    """Thin grey axes without a box."""
    for name, spine in axes.spines.items():
        spine.set_visible(name in {"left", "bottom"})
        spine.set_color(FAINT)
    axes.tick_params(labelsize=7, colors=GREY, color=FAINT, length=2.5, which="both")


def keep(out: Path, name: str, figure: bytes, numbers: dict[str, Any]) -> Result:
    """Writes ``name``.png and ``name``.json into ``out``."""
    path = out / f"{name}.png"
    replace_file(path, figure)
    replace_file(path.with_suffix(".json"), json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return Result(path, numbers)
