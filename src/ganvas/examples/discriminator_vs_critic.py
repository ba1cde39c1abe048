"""E5: discriminator against critic. Figure 2 and Figure 1 (Example 1) of the WGAN paper (Arjovsky et al. 2017), computed.

Reals are N(-3, 1), fakes N(3, 1). A discriminator trained to its optimum tells them apart without doubt, and the gradient that
the minimax loss hands to the generator vanishes; a critic of bounded slope hands on a gradient of the same size everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganvas.examples import critics
from ganvas.examples.figures import FAINT, FAKE, GREY, INK, REAL, TICKS, Frame, Sheet, keep, plain
from ganvas.examples.parallel_lines import Divergences, divergences
from ganvas.examples.registry import Report, Result, unheard

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CENTRE = 3.0
"""Reals are N(-CENTRE, 1), fakes N(CENTRE, 1): W1 = 2 CENTRE."""
WEIGHT = 10.0
"""lambda of the gradient penalty."""
BATCH, FAKES = 256, 4000
EDGE = 7.0
"""The line is shown from -EDGE to EDGE."""
SCALES = {"full": (1000, 600, 1500), "fast": (500, 300, 750)}
"""Steps of the discriminator, the clipped and the penalised critic."""
CLIPPED, TEAL = "#e3a12f", "#1b998b"
THETAS = tuple(index / 10 for index in range(-10, 11))

Loss = Callable[[Tensor], Tensor]
"""The generator's loss of each sample, (N, 1) -> (N,)."""


@dataclass(frozen=True)
class Push:
    """|d loss / d x| of one generator's loss.

    Args:
        median, low, high: over the fakes; ``low`` and ``high`` are the 5 % and 95 % quantiles.
        least, most: on the line between the modes.
    """

    median: float
    low: float
    high: float
    least: float
    most: float

    @property
    def spread(self) -> float:
        """(high - low) / median."""
        return (self.high - self.low) / self.median if self.median else math.inf

    def to_json(self) -> dict[str, float]:
        return {**vars(self), "spread": self.spread}


def draw() -> tuple[Tensor, Tensor]:
    """A batch of reals and fakes, (BATCH, 1) each, from torch's global generator."""
    return torch.randn(BATCH, 1) - CENTRE, torch.randn(BATCH, 1) + CENTRE


def train(seed: int, fast: bool = False) -> dict[str, torch.nn.Module]:
    """The three judges, trained to their optimum."""
    steps = SCALES["fast" if fast else "full"]
    return {
        "discriminator": critics.discriminator(draw, seed, steps=steps[0]),
        "clipped": critics.clipped_critic(draw, seed, steps=steps[1]),
        "penalised": critics.penalised_critic(draw, seed, weight=WEIGHT, steps=steps[2]),
    }


def losses(judges: dict[str, torch.nn.Module]) -> dict[str, Loss]:
    """What the generator minimises, a sample: log(1 - D), -log D, and -f of either critic."""
    logit, clipped, penalised = judges["discriminator"], judges["clipped"], judges["penalised"]
    return {
        "minimax": lambda x: -softplus(logit(x)),
        "non_saturating": lambda x: softplus(-logit(x)),
        "clipped": lambda x: -clipped(x),
        "penalised": lambda x: -penalised(x),
    }


def slope(loss: Loss, x: Tensor) -> Tensor:
    """|d loss / d x| at each of ``x`` (N, 1), float64 (N,)."""
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(x).sum(), x)
    return gradient[:, 0].abs().double()


def pushes(judges: dict[str, torch.nn.Module], seed: int) -> dict[str, Push]:
    """The gradient that reaches the generator under each loss, at fresh fakes and between the modes."""
    fakes = torch.randn(FAKES, 1, generator=torch.Generator().manual_seed(seed + 1_000_003)) + CENTRE
    between = torch.linspace(-CENTRE, CENTRE, 1201)[:, None]
    found = {}
    for name, loss in losses(judges).items():
        at_fakes, on_line = slope(loss, fakes), slope(loss, between)
        low, median, high = torch.quantile(at_fakes, torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)).tolist()
        found[name] = Push(median, low, high, float(on_line.min()), float(on_line.max()))
    return found


def law() -> float:
    """The slope of the optimal penalised critic, 1 + W / (2 lambda)."""
    return 1 + 2 * CENTRE / (2 * WEIGHT)


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Trains the three judges, measures and draws; the lines' divergences beside them."""
    report("training a discriminator, a clipped and a penalised critic")
    judges = train(seed, fast)
    found = pushes(judges, seed)
    report("measuring the divergences of two parallel lines")
    lines = [divergences(theta, seed) for theta in THETAS]
    name = "discriminator-vs-critic" + ("-fast" if fast else "")
    numbers = {
        "example": "discriminator-vs-critic",
        "fast": fast,
        "seed": seed,
        "real": f"N({-CENTRE:g}, 1)",
        "fake": f"N({CENTRE:g}, 1)",
        "w1": 2 * CENTRE,
        "penalty": WEIGHT,
        "clip": critics.CLIP,
        "law": law(),
        "gradient": "|d loss / d x| of the generator's loss at fakes: log(1 - D), -log D, -f, -f",
        "gradients": {key: push.to_json() for key, push in found.items()},
        "lines": [
            {key: value if math.isfinite(value) else "infinite" for key, value in row._asdict().items()} for row in lines
        ],
    }
    return keep(out, name, figure(judges, found, lines, seed, fast), numbers)


def figure(
    judges: dict[str, torch.nn.Module], found: dict[str, Push], lines: list[Divergences], seed: int, fast: bool
) -> bytes:
    """Four panels: what the judges say, how hard they push, the table, the lines."""
    frame = Frame(
        "Discriminator against critic" + (" (fast)" if fast else ""),
        f"Reals from N(−{CENTRE:g}, 1), fakes from N({CENTRE:g}, 1); each judge trained alone, to its end, on fresh samples",
        f"After Arjovsky et al. 2017, figures 1 and 2. Penalty λ = {WEIGHT:g}, clip ±{critics.CLIP:g}, "
        f"{BATCH} samples a batch, seed {seed}; the numbers are in the JSON file beside this figure",
    )
    sheet = Sheet(frame, 4, 2, width=4.4, height=2.9)
    draw_verdicts(sheet.panel(0, "What they say of a sample at x", "critics scaled to 0..1 on this line", ticks=TICKS), judges)
    caption = "|gradient| of the generator's loss with respect to x"
    draw_pushes(sheet.panel(1, "How hard they push a fake at x", caption, ticks=TICKS), judges)
    draw_table(sheet.panel(2, "At the fakes", "|gradient| over 4,000 fresh fakes, and between the modes"), found)
    caption = "Z uniform on 0..1: (0, Z) against (θ, Z); from samples of both"
    draw_lines(sheet.panel(3, "Two parallel lines: who says how far?", caption, ticks=TICKS), lines)
    return sheet.png()


def draw_verdicts(axes: Axes, judges: dict[str, torch.nn.Module]) -> None:
    x = torch.linspace(-EDGE, EDGE, 561)[:, None]
    flat = x[:, 0]
    for centre, colour, word in ((-CENTRE, REAL, "real"), (CENTRE, FAKE, "fake")):
        density = torch.exp(-((flat - centre) ** 2) / 2) / math.sqrt(2 * math.pi)
        axes.fill_between(flat, density, color=colour, alpha=0.18, linewidth=0)
        axes.text(centre, 0.05, word, color=colour, fontsize=8, ha="center")
    with torch.no_grad():
        axes.plot(flat, torch.sigmoid(judges["discriminator"](x)), color=INK, linewidth=1.8, label="discriminator D(x)")
        for key, colour, label in (("clipped", CLIPPED, "critic, weights clipped"), ("penalised", TEAL, "critic, penalised")):
            score = judges[key](x)
            axes.plot(flat, (score - score.min()) / (score.max() - score.min()), color=colour, linewidth=1.8, label=label)
    axes.set_ylim(0, 1.22)
    axes.set_xlim(-EDGE, EDGE)
    axes.set_yticks([0, 0.5, 1])
    axes.legend(loc="upper right", fontsize=7, labelcolor=INK, frameon=False, ncols=3, columnspacing=1.2, handlelength=1.4)
    plain(axes)


def draw_pushes(axes: Axes, judges: dict[str, torch.nn.Module]) -> None:
    x = torch.linspace(-EDGE, EDGE, 1121)[:, None]
    looks = {
        "minimax": (INK, "log(1 − D), minimax", "-"),
        "non_saturating": (GREY, "−log D, non-saturating", "--"),
        "clipped": (CLIPPED, "−f, clipped", "-"),
        "penalised": (TEAL, "−f, penalised", "-"),
    }
    axes.axvspan(CENTRE - 2, CENTRE + 2, color=FAKE, alpha=0.08, linewidth=0)
    axes.text(CENTRE, 30, "95 % of the fakes", color=FAKE, fontsize=7, ha="center")
    for name, loss in losses(judges).items():
        colour, label, style = looks[name]
        axes.plot(x[:, 0], slope(loss, x).clamp(min=1e-12), color=colour, linewidth=1.6, label=label, linestyle=style)
    axes.axhline(1e-3, color=FAINT, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(1e-9, 1e2)
    axes.set_xlim(-EDGE, EDGE)
    axes.set_yticks([1e-9, 1e-6, 1e-3, 1])
    axes.legend(loc="lower left", fontsize=7, labelcolor=INK, framealpha=1, edgecolor="white", borderpad=0.1)
    plain(axes)
    axes.minorticks_off()


def draw_table(axes: Axes, found: dict[str, Push]) -> None:
    axes.set_axis_off()
    rows: list[tuple[str, ...]] = [("loss of the generator", "median", "5 % .. 95 %", "between the modes")]
    words = {"minimax": "log(1 − D)", "non_saturating": "−log D", "clipped": "−f, clipped", "penalised": "−f, penalised"}
    for name, push in found.items():
        at_fakes, between = f"{short(push.low)} .. {short(push.high)}", f"{short(push.least)} .. {short(push.most)}"
        rows.append((words[name], short(push.median), at_fakes, between))
    for number, row in enumerate(rows):
        for place, word in zip((0.0, 0.31, 0.47, 0.75), row, strict=True):
            axes.text(place, 0.92 - 0.12 * number, word, fontsize=8, color=GREY if number == 0 else INK, va="top")
    axes.axhline(0.84, color=FAINT, linewidth=0.8)
    axes.set_ylim(0, 1)
    axes.set_xlim(0, 1)
    notes = (
        f"The law for the penalised critic: 1 + W / (2λ) = {law():.2f} with W = {2 * CENTRE:g}.",
        "The minimax gradient is gone where the fakes are: the better D, the less G learns.",
        "The non-saturating one does not vanish, but it is not the gradient of a distance.",
    )
    for number, note in enumerate(notes):
        axes.text(0, 0.24 - 0.1 * number, note, fontsize=7.5, color=GREY, va="top")


def short(number: float) -> str:
    return f"{number:.2f}" if number >= 0.1 else f"{number:.0e}"


def draw_lines(axes: Axes, lines: list[Divergences]) -> None:
    theta = [row.theta for row in lines]
    axes.axhline(math.log(2), color=FAINT, linewidth=0.8)
    axes.plot(
        theta,
        [row.total_variation for row in lines],
        color=GREY,
        marker="o",
        markersize=3,
        linewidth=1,
        label="total variation",
    )
    axes.plot(
        theta, [row.js for row in lines], color=INK, marker="o", markersize=3, linewidth=1, label="Jensen-Shannon (log 2)"
    )
    axes.plot(
        theta, [row.w1 for row in lines], color=TEAL, marker="o", markersize=3, linewidth=1.6, label="Wasserstein-1, exact"
    )
    infinite = sum(math.isinf(row.kl) for row in lines)
    axes.text(1.05, 0.06, f"Kullback-Leibler: infinite\nat {infinite} of {len(lines)} θ", fontsize=7, color=GREY, ha="right")
    axes.set_ylim(0, 1.3)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.legend(loc="upper center", fontsize=7, labelcolor=INK, frameon=False, ncols=3, columnspacing=1.2, handlelength=1.4)
    plain(axes)
