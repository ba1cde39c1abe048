"""E1: points (x, x^2). A small GAN learns the curve; its fake points settle on it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from ganvas.data import points
from ganvas.examples.figures import Curve, Frame, draw_points, keep
from ganvas.examples.registry import Report, Result, unheard
from ganvas.examples.stages import Plan, train_panels
from ganvas.methods import GANConfig
from ganvas.transport import emd

ITERATIONS = (25, 100, 400, 1000, 3000)
FAST = (25, 50, 100, 200, 400)
COUNT = 1000
"""Points on each side of the distance and in each panel."""
PAIRS = 5
"""Pairs of real samples over which the floor is a mean."""
CONFIG = GANConfig(
    latent_size=2, batch_size=256, learning_rate=1e-3, beta1=0.0, beta2=0.99, schedule="cosine", decay_images=3000 * 256
)
"""No momentum and a falling rate: with the defaults the points run to and fro along the curve (docs/methods/gan.md)."""


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Trains a non-saturating GAN on the curve; a panel at each iteration, its exact distance to the curve above it.

    The distance between two real samples of the same size is the floor: a perfect sampler is that close in the mean.
    """
    curve = points("x-squared")
    real, *others = (curve.held_out().real(COUNT, seed + number).image for number in range(1 + PAIRS))
    floor = sum(emd(real, other) for other in others) / PAIRS

    def score(samples: Tensor) -> dict[str, float]:
        return {"emd": emd(samples, real)}

    name = "x-squared-fast" if fast else "x-squared"
    plan = Plan(out / name, "gan", CONFIG, curve, FAST if fast else ITERATIONS, score, shown=COUNT, scored=COUNT, seed=seed)
    panels = train_panels(plan, report)
    distances = [panel.scores["emd"] for panel in panels]
    frame = Frame(
        "A GAN learns the curve (x, x²)" + (" (fast)" if fast else ""),
        f"Two perceptrons, {CONFIG.batch_size} fresh points an iteration; the generator hears nothing but the discriminator",
        f"Distance: exact Wasserstein-1 (EMD) between {COUNT:,} generated and {COUNT:,} real points; seed {seed}",
    )
    scatters = [
        (f"iteration {panel.iteration:,}", f"distance {distance:.3f}", panel.samples)
        for panel, distance in zip(panels, distances, strict=True)
    ]
    caption = f"at last {distances[-1] / floor:.1f} times that of two real samples"
    summary = Curve("distance to the curve", caption, plan.iterations, distances, floor, "two real samples")
    numbers = {
        "example": "x-squared",
        "fast": fast,
        "seed": seed,
        "method": plan.method,
        "config": asdict(CONFIG),
        "floor": floor,
        "last_over_floor": distances[-1] / floor,
        "panels": [panel.to_json() for panel in panels],
    }
    return keep(out, name, draw_points(frame, scatters, real, summary, columns=3), numbers)
