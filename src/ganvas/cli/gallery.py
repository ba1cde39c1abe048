"""Pictures of a run as it goes: the same latents at the start, after a minute, and then ever more seldom."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.evaluation.fixed import FixedInputs, fixed_inputs, in_each_domain
from ganvas.method import Method
from ganvas.runs import Run, grids
from ganvas.runs.latents import draw
from ganvas.training import Progress

FIRST_SECONDS, GROWTH = 60.0, 1.5
"""The first picture after the start is due after a minute, each later one at 1.5 times the time of the one before."""

PICTURES, POINTS, TRANSLATED, DOMAINS = 64, 1000, 8, 8


class Gallery:
    """Draws RUN/samples/step-*.png, RUN/samples/progress.png (the first ten over time) and RUN/curves.png on their schedule.

    The latents are those that ``ganvas sample RUN --seed 0`` takes, so the last grid is what that command shows. A method that
    translates is shown by rows of held-out pictures: input, output (one a domain, if there are several) and, for pairs, target.

    Args:
        run: whose folder takes the pictures.
        method: whose latents and classes, or held-out pictures, they are of.
        data: real points are drawn beneath fake ones.
        resume: wait for the next date of the schedule instead of drawing at once.
    """

    def __init__(self, run: Run, method: Method, data: Data, *, resume: bool) -> None:
        self.run, self.due = run, float("nan") if resume else 0.0
        self.held_out: FixedInputs | None = None
        self.latent = torch.empty(0)
        self.label: Tensor | None = None
        self.real: Tensor | None = None
        if method.translates:
            self.held_out = fixed_inputs(method, data, TRANSLATED, 0)
        else:
            count = PICTURES if method.spec.is_image else POINTS
            self.latent = draw(0, count, method.config.latent_size, seed=0, prior=method.config.prior)
            self.label = torch.arange(count) % len(method.spec.classes) if method.conditional else None
            self.real = None if method.spec.is_image else data.real(count).image
        self.latest: Path | None = None
        self.curves: Path | None = None
        self.curves_drawn = FIRST_SECONDS / 2

    @property
    def strip(self) -> Path:
        return self.run.path / "samples" / "progress.png"

    def see(self, progress: Progress) -> None:
        """Draws when it is time to, and when training is done."""
        if self.due != self.due:
            self.due = next_date(progress.seconds)
        if progress.seconds >= self.due or progress.done:
            self.due = next_date(progress.seconds)
            self.draw(progress)

    def draw(self, progress: Progress) -> None:
        """Draws grid, strip and curves of this moment."""
        held = self.held_out
        samples = progress.sample(self.latent, self.label) if held is None else self.translated(held, progress)
        path = self.run.path / "samples" / f"step-{progress.step:09d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {"run": self.run.path.name, "step": progress.step, "seed": 0}
        if held is not None:
            columns = [held.given, *samples.split(len(held.given)), *([held.real] if held.paired else [])]
            grids.save_grid(path, grids.side_by_side(*columns), facts, columns=len(columns))
        elif self.real is None:
            grids.save_grid(path, samples, facts)
        else:
            grids.save_picture(path, grids.scatter(samples, self.real), facts)
        self.latest = path
        grids.append_to_strip(self.strip, samples, progress.step)
        if progress.done or progress.seconds >= 2 * self.curves_drawn:  # a figure of curves costs several grids
            self.curves_drawn = progress.seconds
            self.curves = grids.save_curves(self.run.path / "curves.png", self.run.stats())

    def translated(self, held: FixedInputs, progress: Progress) -> Tensor:
        """The held-out pictures' translations; where there are domains to choose from, into each of the first ``DOMAINS``."""
        asked = in_each_domain(held, progress.engine.method.spec)[:DOMAINS]
        return torch.cat([part for inputs in asked for part in inputs.outputs(progress)])


def next_date(seconds: float) -> float:
    """The first date of the schedule (60 s, 90 s, 135 s, ...) after ``seconds`` of training."""
    date = FIRST_SECONDS
    while date <= seconds:
        date *= GROWTH
    return date
