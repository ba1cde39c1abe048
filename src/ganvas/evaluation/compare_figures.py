"""The two figures of a comparison: scores over images and over time, and samples of the same latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from ganvas.errors import DataError, ModelError, UsageError
from ganvas.evaluation.account import Account, alike, number, open_data
from ganvas.evaluation.compare import LETTERS, Comparison, is_conditional
from ganvas.examples.figures import FAINT, GREY, INK, TICKS, Frame, Sheet, plain, tile
from ganvas.runs import load
from ganvas.runs.grids import plain_text, plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Okabe and Ito's colours, which colour-blind people tell apart, but for the yellow: grey is seen on white paper."""
STYLES = ("-", "-", "-", "-", "--", "--", "--", "--")
SIDE, POINTS, SEED = 6, 1000, 0
LOGARITHMIC = 12.0
"""From this ratio of the largest to the smallest value on, the axis is logarithmic."""
END_GAP = 0.062
"""Least distance between two labels at lines' ends, in heights of a panel."""


class Line(NamedTuple):
    """One run's course: its number among the runs, and points with their standard errors (nan where not known)."""

    run: int
    images: list[float]
    minutes: list[float]
    values: list[float]
    errors: list[float]
    best: int


class Panel(NamedTuple):
    """Lines that may share an axis, and the value that real data would have."""

    title: str
    captions: tuple[str, str]
    lines: list[Line]
    floor: float | None


def panels(comparison: Comparison) -> list[Panel]:
    """What can be drawn over time: a panel for each score that compares, or else the critics' estimates."""
    groups: list[list[int]] = []
    for index, account in enumerate(comparison.accounts):
        if len(account.trend) < 2:
            continue
        score = account.trend[-1].score
        own = next((g for g in groups if alike(comparison.accounts[g[0]].trend[-1].score, score)), None)
        if own is None:
            groups.append([index])
        else:
            own.append(index)
    if groups:
        return [score_panel(comparison, group) for group in sorted(groups, key=len, reverse=True)[:3]]
    lines = [line for index, account in enumerate(comparison.accounts) if (line := estimate_line(index, account))]
    captions = (
        "no scores over time: the critics' estimates in their place",
        "each critic has its own scale: shapes compare, heights do not",
    )
    return [Panel("Wasserstein estimate E[f(x)] - E[f(G(z))], raw", captions, lines, None)] if lines else []


def score_panel(comparison: Comparison, group: list[int]) -> Panel:
    lines = []
    for index in group:
        trend = comparison.accounts[index].trend
        values = [m.score.value for m in trend]
        best = int(np.argmin(values) if trend[-1].score.better == "lower" else np.argmax(values))
        errors = [float("nan") if m.score.standard_error is None else m.score.standard_error for m in trend]
        lines.append(Line(index, [float(m.images) for m in trend], [m.seconds / 60 for m in trend], values, errors, best))
    example = comparison.accounts[group[0]].trend[-1]
    floors = [m.floor for index in group for m in comparison.accounts[index].trend if m.floor is not None]
    stamp = example.score.stamp
    captions = (
        f"{example.score.better} is better; {stamp.features}",
        f"{stamp.generated:,} generated against {stamp.real:,} real ({stamp.split})",
    )
    return Panel(example.score.name, captions, lines, floors[-1] if floors else None)


def estimate_line(index: int, account: Account) -> Line | None:
    told = [(number(r.get("images")), number(r.get("seconds")), number(r.get("wasserstein"))) for r in account.stats]
    known = [(i, s, w) for i, s, w in told if i is not None and s is not None and w is not None]
    if len(known) < 2:
        return None
    known = known[:: max(1, len(known) // 400)]
    images, seconds, values = (list(column) for column in zip(*known, strict=True))
    return Line(index, images, [s / 60 for s in seconds], values, [float("nan")] * len(values), -1)


def frame(comparison: Comparison, title: str, note: str, room: int) -> Frame:
    """The figure's words; of what was trained on what as many letters as there is ``room`` for."""
    told = ", ".join(
        f"{letter} {a.config['method']} on {a.config['data'].get('name')}"
        for letter, a in zip(LETTERS, comparison.accounts, strict=False)
    )
    return Frame(title, plain_text(told if len(told) <= room else f"{told[: room - 1]}…"), plain_text(note))


# -- curves -----------------------------------------------------------------------------------------------------------


def draw_curves(comparison: Comparison) -> bytes | None:
    """A PNG of scores over images (left) and over minutes (right); None when no run has two scores or estimates."""
    shown = panels(comparison)
    if not shown:
        return None
    note = "The ring marks each run's best; the band is one standard error where it is known."
    sheet = Sheet(frame(comparison, "Which run is better, and when", note, 125), 2 * len(shown), 2, width=4.4, height=2.9)
    names = [f"{letter} {account.name}" for letter, account in zip(LETTERS, comparison.accounts, strict=False)]
    for row, panel in enumerate(shown):
        for column, (words, take) in enumerate(AXES):
            label = plain_text(panel.title) if column == 0 else words
            caption = plain_text(short(panel.captions[column], 66))
            axes = sheet.panel(2 * row + column, label, caption, ticks=TICKS + 0.14)
            draw_lines(axes, panel, names, take)
            axes.set_xlabel("images" if column == 0 else "minutes", fontsize=7.5, color=GREY, labelpad=2)
    return sheet.png()


AXES: tuple[tuple[str, Callable[[Line], list[float]]], ...] = (
    ("over images", lambda line: line.images),
    ("over minutes of training", lambda line: line.minutes),
)


def draw_lines(axes: Axes, panel: Panel, names: Sequence[str], take: Callable[[Line], list[float]]) -> None:
    from matplotlib.ticker import LogLocator

    values = [value for line in panel.lines for value in line.values] + ([panel.floor] if panel.floor is not None else [])
    logarithmic = min(values) > 0 and max(values) > LOGARITHMIC * min(values)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    for line in panel.lines:
        colour, x, y, error = COLOURS[line.run], take(line), np.array(line.values), np.array(line.errors)
        marker = "o" if len(x) <= 40 else None
        axes.plot(x, y, STYLES[line.run], color=colour, linewidth=1.6, marker=marker, markersize=2.5)
        if np.isfinite(error).any():
            low = np.maximum(y - error, y.min() / 2) if logarithmic else y - error
            axes.fill_between(x, low, y + error, color=colour, alpha=0.18, linewidth=0)
        if line.best >= 0:
            axes.plot(x[line.best], y[line.best], "o", markersize=7, markerfacecolor="none", markeredgecolor=colour)
    longest = max(max(take(line)) for line in panel.lines) or 1.0
    axes.set_xlim(0, longest * 1.45)  # room for the names at the lines' ends
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= longest])
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.3g}" if x < 1000 else f"{x:,.0f}")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    if panel.floor is not None:
        axes.axhline(panel.floor, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(
            "floor: real against real", (0, panel.floor), xytext=(3, 3), textcoords="offset points", fontsize=6.5, color=GREY
        )
    plain(axes)
    axes.set_ylim(axes.get_ylim())  # what is asked for is computed: the labels need it
    label_ends(axes, panel.lines, names, take)


def label_ends(axes: Axes, lines: Sequence[Line], names: Sequence[str], take: Callable[[Line], list[float]]) -> None:
    """Writes the runs' names in a column at the right, each tied to its line's end, names that would touch moved apart."""
    to_fraction = axes.transData + axes.transAxes.inverted()
    ends = [[float(c) for c in to_fraction.transform((take(line)[-1], line.values[-1]))] for line in lines]
    column = max(x for x, _ in ends) + 0.04
    heights = spread([y for _, y in ends], END_GAP)
    for line, (x, y), height in zip(lines, ends, heights, strict=True):
        colour = COLOURS[line.run]
        axes.plot([x, column - 0.01], [y, height], color=colour, linewidth=0.7, alpha=0.5, transform=axes.transAxes)
        axes.text(
            column, height, plain_text(short(names[line.run])), transform=axes.transAxes, va="center", fontsize=7,
            weight="bold", color=colour,
        )  # fmt: skip


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The heights, in their order, moved as little upwards and downwards as keeps each pair at least ``gap`` apart."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    clusters: list[list[int]] = []
    for index in order:
        clusters.append([index])
        while len(clusters) > 1 and reach(clusters[-2], heights, gap)[1] + gap > reach(clusters[-1], heights, gap)[0]:
            last = clusters.pop()
            clusters[-1] += last
    placed = [0.0] * len(heights)
    for cluster in clusters:
        low, _ = reach(cluster, heights, gap)
        for position, index in enumerate(cluster):
            placed[index] = low + position * gap
    return placed


def reach(cluster: Sequence[int], heights: Sequence[float], gap: float) -> tuple[float, float]:
    """Lowest and highest place of a cluster's labels about their mean height."""
    middle, half = sum(heights[index] for index in cluster) / len(cluster), gap * (len(cluster) - 1) / 2
    return middle - half, middle + half


def short(name: str, longest: int = 20) -> str:
    return name if len(name) <= longest else f"{name[: longest - 8]}…{name[-7:]}"


# -- samples ----------------------------------------------------------------------------------------------------------


def draw_samples(comparison: Comparison) -> tuple[bytes, list[str]]:
    """A PNG of samples of seed 0 by each run's best model, and what it lacks, in words."""
    count = len(comparison.accounts)
    columns = min(count, 4)
    note = f"Seed {SEED}, the same sample numbers, best snapshots where there are any."
    height = 2.6 if count > 1 else 3.4
    sheet = Sheet(
        frame(comparison, "Samples of the same latents", note, 40 * columns + 5),
        count,
        columns,
        width=max(height, 2.6),
        height=height,
    )
    lacking = []
    for index, account in enumerate(comparison.accounts):
        label, trouble = f"{LETTERS[index]} {account.name}", ""
        try:
            model = load(account.folder)
            samples = model.sample(SIDE * SIDE if model.spec.is_image else POINTS, seed=SEED)
        except (ModelError, UsageError) as error:
            trouble = error.cause
            lacking.append(f"{label}: {trouble}")
        step = (
            ""
            if trouble
            else f"step {model.facts.get('step', 0):,}, {'its classes in turn' if is_conditional(account) else 'no labels'}"
        )
        axes = sheet.panel(index, plain_text(short(label, 34)), plain_text(short(trouble, 44) if trouble else step))
        axes.set_axis_off()
        if trouble:
            axes.text(0.5, 0.5, "no samples", ha="center", va="center", color=GREY, fontsize=9)
        elif samples.dim() == 4:
            axes.imshow(tile(samples, SIDE), interpolation="nearest")
            axes.set_anchor("NW")
        else:
            draw_cloud(axes, samples, real_points(account), COLOURS[index])
    return sheet.png(), lacking


def real_points(account: Account) -> Tensor | None:
    """The points that a run learnt; None where they cannot be had."""
    try:
        return open_data(account.config).real(POINTS).image
    except (UsageError, DataError):
        return None


def draw_cloud(axes: Axes, samples: Tensor, real: Tensor | None, colour: str) -> None:
    shown = plane(samples)
    if real is not None:
        beneath = plane(real)
        axes.scatter(beneath[:, 0], beneath[:, 1], s=4, color="#9aa3ab", alpha=0.5, linewidths=0)
    axes.scatter(shown[:, 0], shown[:, 1], s=4, color=colour, alpha=0.7, linewidths=0)
    low, high = np.quantile(shown if real is None else beneath, [0.01, 0.99], axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) * 0.65, 1e-3)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect("equal")
    axes.text(0.02, 0.02, "grey: data", transform=axes.transAxes, fontsize=6.5, color=INK if real is not None else "white")
