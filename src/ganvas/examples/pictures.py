"""What the examples on pictures share: train to each iteration, score, and draw grids of the same latents side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ganvas.data import ArrayData
from ganvas.examples.figures import Curve, Frame, draw_grids, keep
from ganvas.examples.registry import Report, Result
from ganvas.examples.scores import PictureScores
from ganvas.examples.stages import Panel, Plan, train_panels
from ganvas.method import MethodConfig

SCORED = 2000
"""Generated and real pictures that a score is taken over, at most."""


@dataclass(frozen=True)
class Story:
    """An example on pictures.

    Args:
        name: of its files and folder.
        title, subtitle: of the figure.
        method, config, data: what is trained on what.
        iterations: of the panels.
        labels: of the panels, above their scores.
        scores: (data, count, seed) -> the scores.
        columns: grids in a row of the figure; the last grid is of real pictures. The score's curve fills a place left over.
        side: pictures along the side of a grid.
    """

    name: str
    title: str
    subtitle: str
    method: str
    config: MethodConfig
    data: ArrayData
    iterations: Sequence[int]
    labels: Sequence[str]
    scores: Callable[[ArrayData, int, int], PictureScores]
    columns: int
    side: int = 6


def tell(story: Story, out: Path, *, fast: bool, seed: int, report: Report) -> Result:
    """Trains, scores and draws a story; resumes what an earlier call began."""
    report(f"data: {story.data.name}, {len(story.data):,} pictures, from {story.data.origin}; licence: {story.data.licence}")
    count = min(SCORED, len(story.data) // 2)
    shown = story.side**2
    scores = story.scores(story.data, count, seed)
    plan = Plan(
        out / story.name, story.method, story.config, story.data, story.iterations, scores, shown=shown, scored=count, seed=seed
    )
    panels = train_panels(plan, report)
    grids = [(label, in_words(panel.scores), panel.samples) for label, panel in zip(story.labels, panels, strict=True)]
    real = story.data.real(shown, seed + 1).image
    grids.append(("real", in_words(scores.real), real))
    note = (
        f"Fréchet: squared distance of {count:,} generated to as many real pictures, on {scores.stamp.features}. "
        f"Sharpness: variance of the Laplacian. Seed {seed}"
    )
    frame = Frame(story.title, story.subtitle, note)
    numbers = {
        "example": story.name.removesuffix("-fast"),
        "fast": fast,
        "seed": seed,
        "method": story.method,
        "config": asdict(story.config),
        "data": {
            "name": story.data.name,
            "pictures": len(story.data),
            "licence": story.data.licence,
            "origin": story.data.origin,
            "fingerprint": story.data.fingerprint,
        },
        **scores.to_json(),
        "panels": [panel.to_json() for panel in panels],
    }
    curve = curve_of(panels, scores.real["frechet"]) if len(grids) % story.columns else None
    return keep(out, story.name, draw_grids(frame, grids, columns=story.columns, side=story.side, curve=curve), numbers)


def in_words(scores: dict[str, float]) -> str:
    return f"Fréchet {scores['frechet']:.3g}, sharpness {scores['sharpness']:.2f}"


def curve_of(panels: Sequence[Panel], floor: float) -> Curve:
    """The Fréchet distance over iterations, above that of real pictures to real ones."""
    iterations, distances = [panel.iteration for panel in panels], [panel.scores["frechet"] for panel in panels]
    return Curve("Fréchet distance", "over iterations", iterations, distances, floor, "real to real")
