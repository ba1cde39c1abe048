"""Primal equals dual: the exact plan, the potential that proves it cheapest, and what trained critics make of the same points.

Kantorovich and Rubinstein: min over plans of E|x - y| = max over 1-Lipschitz f of E_a[f] - E_b[f].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganvas.data import points
from ganvas.data.points import Points
from ganvas.examples.critics import Draw, penalised_critic
from ganvas.examples.figures import FAINT, FAKE, GREY, INK, REAL, TICKS, Frame, Sheet, keep, plain
from ganvas.examples.plans import draw_plan
from ganvas.examples.registry import Report, Result, unheard
from ganvas.transport import CriticEstimate, Plan, critic_estimate, transport_plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COUNT = 300
"""Points on each side."""
BATCH = 256
WEIGHTS = (10.0, 100.0)
"""lambda of the two trained critics: the usual one, and one that holds the slope nearer to 1."""
STEPS, FAST = 2000, 500
WIDTH = 128

PAIRS: dict[str, Callable[[], tuple[Points, Points]]] = {
    "Swiss roll, x²": lambda: (points("swiss-roll"), points("x-squared")),
    "ring, Gaussian": lambda: (points("ring"), points("grid", side=1, sigma=1.0)),
    "25 modes, 2 modes": lambda: (points("grid"), points("two-gaussians", distance=4.0, sigma=0.5)),
}
"""Pairs of distributions of which neither is the other moved; the first is drawn."""


@dataclass(frozen=True)
class Compared:
    """One pair of point sets, its exact transport, and each trained critic with its estimate."""

    a: Tensor
    b: Tensor
    plan: Plan
    potential: CriticEstimate
    critics: dict[float, tuple[nn.Module, CriticEstimate]]

    @property
    def gap(self) -> float:
        """|primal - dual| / primal, the dual being the potential's value as a critic."""
        return abs(self.plan.cost - self.potential.value) / self.plan.cost

    def to_json(self) -> dict[str, Any]:
        rows = {
            f"lambda_{weight:g}": {"estimate": found.value, "lipschitz": found.lipschitz, "bound": found.bound}
            for weight, (_, found) in self.critics.items()
        }
        exact = {"primal": self.plan.cost, "dual": self.plan.dual, "potential": self.potential.value, "gap": self.gap}
        return {"points": len(self.a), **exact, "potential_slope": self.potential.lipschitz, **rows}


def potential(b: Tensor, plan: Plan) -> Callable[[Tensor], Tensor]:
    """f(x) = min_j |x - b_j| - v_j: 1-Lipschitz on all of the plane, and u_i at a_i (the c-transform of v)."""

    def f(x: Tensor) -> Tensor:
        gaps = torch.cdist(x.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
        return (gaps - plan.potential_b).amin(1)

    return f


def resampled(a: Tensor, b: Tensor) -> Draw:
    """Batches drawn from the two point sets themselves, with repetition."""
    return lambda: (a[torch.randint(len(a), (BATCH,))], b[torch.randint(len(b), (BATCH,))])


def compare(name: str, seed: int, *, steps: int) -> Compared:
    """Draws the point sets of a pair and measures their distance in every way."""
    first, second = PAIRS[name]()
    a, b = first.real(COUNT, 2 * seed).image, second.real(COUNT, 2 * seed + 1).image
    plan = transport_plan(a, b)
    trained = {}
    for weight in WEIGHTS:
        critic = penalised_critic(resampled(a, b), seed, weight=weight, steps=steps, width=WIDTH)
        trained[weight] = (critic, critic_estimate(critic, a, b, seed=seed))
    f = potential(b, plan)
    return Compared(a, b, plan, critic_estimate(f, a.double(), b.double(), seed=seed), trained)


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Compares each pair, says how near primal and dual are, and draws the first."""
    found = {}
    for name in PAIRS:
        found[name] = compare(name, seed, steps=FAST if fast else STEPS)
        report(f"{name}: primal {found[name].plan.cost:.6f}, dual {found[name].potential.value:.6f}, "
               f"equal to {found[name].gap:.1e}")  # fmt: skip
    tolerance = max(pair.gap for pair in found.values())
    report(f"primal = dual to a relative {tolerance:.1e} on every pair")
    name = "wasserstein" + ("-fast" if fast else "")
    numbers = {
        "example": "wasserstein",
        "fast": fast,
        "seed": seed,
        "tolerance": tolerance,
        "dual": "value of the 1-Lipschitz potential on the point sets",
        "bound": "a critic's estimate over the largest slope measured, a lower bound of W1",
        "pairs": {key: pair.to_json() for key, pair in found.items()},
    }
    return keep(out, name, figure(found, tolerance, seed, fast), numbers)


def figure(found: dict[str, Compared], tolerance: float, seed: int, fast: bool) -> bytes:
    """Plan, exact potential, trained critic, and the table."""
    name, first = next(iter(found.items()))
    weight, (critic, estimate) = next(iter(first.critics.items()))
    frame = Frame(
        "Primal equals dual" + (" (fast)" if fast else ""),
        f"{name}: {COUNT} points each; on every pair the two problems agree to a relative {tolerance:.0e}",
        f"Exact transport by the network simplex; critics trained with the gradient penalty on the same points; seed {seed}",
    )
    sheet = Sheet(frame, 4, 2, width=4.4, height=3.7)
    axes = sheet.panel(0, "Primal: the cheapest plan", f"mean length of a move {first.plan.cost:.4f}", ticks=TICKS)
    draw_plan(axes, first.a, first.b, first.plan, names=("first", "second"))
    axes.apply_aspect()  # now, so that the limits are those that will be drawn
    limits = axes.get_xlim(), axes.get_ylim()
    caption = f"E_a[f] − E_b[f] = {first.potential.value:.4f}, slope {first.potential.lipschitz:.3f}; a contour each 0.2"
    draw_field(
        sheet.panel(1, "Dual: the exact potential f", caption, ticks=TICKS), potential(first.b, first.plan), first, limits
    )
    caption = f"estimate {estimate.value:.4f}, slope up to {estimate.lipschitz:.3f}: W1 ≥ {estimate.bound:.4f}"
    draw_field(sheet.panel(2, f"A trained critic, λ = {weight:g}", caption, ticks=TICKS), critic, first, limits)
    draw_table(sheet.panel(3, "Every pair", "E: the critic's estimate; E/K: over the largest slope found, at most W1"), found)
    return sheet.png()


def draw_field(
    axes: Axes,
    f: Callable[[Tensor], Tensor],
    pair: Compared,
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    """The value of ``f`` over the plane, blue where it is high, with a contour line each 0.2, and the points."""
    from matplotlib.colors import LinearSegmentedColormap

    (left, right), (bottom, top) = limits
    x, y = torch.linspace(left, right, 240), torch.linspace(bottom, top, 200)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
    with torch.no_grad():
        value = torch.cat([f(part) for part in grid.split(10_000)]).reshape(len(y), len(x)).float()
        value = value - float(torch.cat([f(pair.a), f(pair.b)]).mean())
    reach, shades = float(value.abs().max()), value.numpy()
    colours = LinearSegmentedColormap.from_list("potential", [FAKE, "#ffffff", REAL])
    place = (left, right, bottom, top)
    axes.imshow(shades, origin="lower", extent=place, cmap=colours, vmin=-reach, vmax=reach, alpha=0.8, aspect="auto")
    levels = torch.arange(-reach, reach, 0.2).tolist()
    axes.contour(x.numpy(), y.numpy(), shades, levels=levels, colors=GREY, linewidths=0.35, linestyles="solid")
    for cloud, colour in ((pair.a, REAL), (pair.b, FAKE)):
        axes.scatter(cloud[:, 0], cloud[:, 1], s=5, color=colour, linewidths=0)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    plain(axes)


def draw_table(axes: Axes, found: dict[str, Compared]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    heads = [f"λ {weight:g}: E" if part == 0 else "E/K" for weight in WEIGHTS for part in range(2)]
    rows = [("", "primal", "dual", *heads)]
    for name, pair in found.items():
        cells = [f"{value:.3f}" for _, estimate in pair.critics.values() for value in (estimate.value, estimate.bound)]
        rows.append((name, f"{pair.plan.cost:.3f}", f"{pair.potential.value:.3f}", *cells))
    for number, row in enumerate(rows):
        for place, word in zip((0.0, 0.31, 0.42, 0.53, 0.67, 0.77, 0.93), row, strict=True):
            axes.text(place, 0.93 - 0.1 * number, word, fontsize=7.5, color=GREY if number == 0 else INK, va="top")
    axes.axhline(0.86, color=FAINT, linewidth=0.8)
    notes = (
        "The exact potential is a critic of slope 1 whose value is W1.",
        "A penalised critic overshoots the slope of 1: the farther the mass goes and",
        "the smaller λ is, the more. Its estimate is no distance until it is divided",
        "by its largest slope K; then it bounds W1 from below.",
    )
    for number, note in enumerate(notes):
        axes.text(0, 0.42 - 0.08 * number, note, fontsize=7.5, color=GREY, va="top")
