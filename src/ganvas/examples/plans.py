"""Figures of optimal plans: which point goes where, and which picture becomes which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganvas.examples.figures import DPI, FAKE, GREY, REAL, TICKS, Frame, Sheet, plain, tile
from ganvas.transport import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 1500
"""Moves that are drawn; more than these, chosen at even distances in the plan's order, hide each other."""
PAIRS = 8
"""Pairs of pictures in each row of a sheet."""
KINDS = ("Least costly", "Median", "Most costly")


def draw_plan(axes: Axes, a: Tensor, b: Tensor, plan: Plan, *, names: tuple[str, str]) -> None:
    """Points (N, 2) and (M, 2) and a line for each move, from the one it leaves to the one it reaches."""
    from matplotlib.collections import LineCollection

    step = -(-len(plan.mass) // LINES)
    ends = torch.stack([a[plan.source[::step]], b[plan.target[::step]]], dim=1)  # (lines, 2 ends, 2)
    # A move of part of a point's mass is drawn fainter.
    strength = (plan.mass[::step] / plan.mass.max()).clamp(min=0.15)
    alpha = 0.55 if len(ends) <= 400 else 0.25
    axes.add_collection(LineCollection(list(ends.numpy()), colors=GREY, linewidths=0.6, alpha=(alpha * strength).numpy()))
    size = 9 if len(a) <= 400 else 4
    axes.scatter(a[:, 0], a[:, 1], s=size, color=REAL, linewidths=0, zorder=3, label=names[0])
    axes.scatter(b[:, 0], b[:, 1], s=size, color=FAKE, linewidths=0, zorder=3, label=names[1])
    axes.set_aspect("equal", adjustable="datalim")
    axes.autoscale_view()
    plain(axes)


def plan_of_points(frame: Frame, a: Tensor, b: Tensor, plan: Plan, names: tuple[str, str]) -> bytes:
    """One panel with the plan of points (N, d), their first two components, as a PNG; a line gets the height 0."""
    a, b = in_plane(a), in_plane(b)
    sheet = Sheet(frame, 1, 1, width=6.4, height=5.6)
    moves = f"{len(plan.mass):,} moves" + (", fainter for less mass" if len(a) != len(b) else "")
    axes = sheet.panel(0, "Which point goes where", moves, ticks=TICKS)
    draw_plan(axes, a, b, plan, names=names)
    axes.legend(loc="upper right", fontsize=8, markerscale=2, edgecolor="white", framealpha=0.85)
    return sheet.png()


def in_plane(points: Tensor) -> Tensor:
    """(N, d) as (N, 2) on the CPU."""
    flat = points.detach().cpu().float().flatten(1)[:, :2]
    return flat if flat.shape[1] == 2 else torch.cat([flat, torch.zeros_like(flat)], dim=1)


def plan_of_pictures(frame: Frame, a: Tensor, b: Tensor, plan: Plan, names: tuple[str, str]) -> bytes:
    """A sheet of the moves that cost least, at the median, and most: each of ``a`` above what it becomes in ``b``."""
    order = plan.length.argsort()
    count = min(PAIRS, len(order))
    middle = max(0, (len(order) - count) // 2)
    chosen = (order[:count], order[middle : middle + count], order[-count:].flip(0))
    tiles = [tile(torch.cat([a[plan.source[part]], b[plan.target[part]]]), count, gap=2) for part in chosen]
    zoom = max(1, round(90 / a.shape[-1]))
    height, width = (zoom * length / DPI for length in tiles[0].shape[:2])
    sheet = Sheet(frame, len(tiles), 1, width=max(width, 4.0), height=height)
    for index, (kind, part, picture) in enumerate(zip(KINDS, chosen, tiles, strict=True)):
        low, high = float(plan.length[part].min()), float(plan.length[part].max())
        caption = f"|x − y| {low:.3g} to {high:.3g}; above {names[0]}, below {names[1]}"
        axes = sheet.panel(index, kind, caption)
        axes.imshow(picture, interpolation="nearest", aspect="equal")
        axes.set_anchor("W")
        axes.set_axis_off()
    return sheet.png()
