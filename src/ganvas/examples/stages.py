"""Training in stages that end exactly at a figure's iterations; what the generator makes there is kept as a panel.

A stage is ``train`` with a budget of so many steps, the next one resumes it: since resuming is exact, the stages are together
the uninterrupted training. Panels and checkpoints are files, so an example that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as render_tensors
from torch import Tensor

from ganvas.data import Data
from ganvas.errors import UsageError
from ganvas.examples.registry import Report
from ganvas.method import Method, MethodConfig
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.runs.durable import replace_file
from ganvas.training import Interrupted, Progress, train

SAMPLE_BATCH = 250
"""Latents that pass through the generator at a time: bounds the memory of its widest layer."""


@dataclass(frozen=True)
class Panel:
    """One moment of a training.

    Args:
        iteration: generator updates so far.
        images: real samples in the batches of those iterations' generator updates, iteration * batch size.
        seconds: time of training so far, scores not included.
        samples: of the averaged generator for the plan's first latents, (shown, ...), float32.
        scores: by name, over all of the plan's latents.
    """

    iteration: int
    images: int
    seconds: float
    samples: Tensor
    scores: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        facts = {"iteration": self.iteration, "images": self.images, "seconds": round(self.seconds, 1)}
        return facts | {name: round(value, 6) for name, value in self.scores.items()}


@dataclass(frozen=True)
class Plan:
    """A training and the moments of it that a figure shows.

    Args:
        folder: where the run and the panels are kept.
        method: its name in ``METHODS``, built with ``config`` for ``data``.
        iterations: of the panels, ascending; 0 is before the first update.
        score: samples -> scores by name, of all ``scored`` latents' samples.
        shown: how many samples a panel keeps for the figure.
        scored: how many latents are drawn, the same at each panel.
        seed: of weights, training and latents.
    """

    folder: Path
    method: str
    config: MethodConfig
    data: Data
    iterations: Sequence[int]
    score: Callable[[Tensor], dict[str, float]]
    shown: int
    scored: int
    seed: int

    @property
    def run(self) -> Run:
        return Run(self.folder / "run", seed=self.seed, keep=1)

    def panel_file(self, iteration: int) -> Path:
        return self.folder / "panels" / f"iteration-{iteration:06d}.safetensors"

    def build(self) -> tuple[Method, Tensor]:
        """The method and the latents (scored, latent size), drawn from the seed without disturbing other randomness."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            method = METHODS[self.method](self.config, self.data.spec)
            return method, method.latent(self.scored)

    def check(self) -> None:
        """Raises UsageError when the folder holds a training with other settings."""
        run = self.run
        if not run.exists():
            return
        config = run.config
        ours = {"config": asdict(self.config), "seed": self.seed, "data": self.data.fingerprint}
        theirs = {"config": config["config"], "seed": config["seed"], "data": config["data"]["fingerprint"]}
        changed = [name for name, value in ours.items() if theirs[name] != value]
        if changed:
            raise UsageError(f"{self.folder} holds this example with another {' and '.join(changed)}", "name another --out")


def train_panels(plan: Plan, report: Report) -> list[Panel]:
    """Trains to each of the plan's iterations and returns what was made there; finished panels are read, not made again.

    Raises:
        UsageError: the folder holds another training. Interrupted: a signal stopped it, everything is kept.
    """
    plan.check()
    panels = []
    for iteration in plan.iterations:
        panel = read_panel(plan.panel_file(iteration))
        if panel is None:
            panel = train_panel(plan, iteration, report)
            write_panel(plan.panel_file(iteration), panel)
            scores = ", ".join(f"{name} {value:.4g}" for name, value in panel.scores.items())
            report(f"iteration {iteration:,}: {scores}")
        panels.append(panel)
    return panels


def train_panel(plan: Plan, iteration: int, report: Report) -> Panel:
    """Goes on training to ``iteration`` and takes the panel there."""
    method, latents = plan.build()
    run, progress = plan.run, None
    try:
        for progress in train(method, plan.data, run, steps=iteration, resume=run.exists()):
            report(of_whole(progress, plan.iterations[-1]))
    except Interrupted as stop:
        stop.args = (f"{stop.cause}: the same command goes on from there",)
        raise
    assert progress is not None
    if progress.step != iteration:
        raise UsageError(
            f"{plan.folder} is at iteration {progress.step:,} without a panel of {iteration:,}", "name another --out"
        )
    samples = torch.cat([progress.sample(batch) for batch in latents.split(SAMPLE_BATCH)])
    scores = plan.score(samples)
    if progress.wasserstein is not None:
        scores["wasserstein_estimate"] = progress.wasserstein
    return Panel(iteration, progress.images, progress.seconds, samples[: plan.shown].clone(), scores)


def of_whole(progress: Progress, last: int) -> Progress:
    """The same progress, its fraction and time left counted to the last panel and not to the next one."""
    fraction = progress.step / last if last else 1.0
    left = None
    if progress.step and progress.images_per_second > 0:
        left = (last - progress.step) * (progress.images / progress.step) / progress.images_per_second
    return replace(progress, fraction=fraction, seconds_left=left, done=progress.done and progress.step >= last)


def write_panel(path: Path, panel: Panel) -> None:
    """Keeps a panel: its samples as a tensor, the rest as text beside them."""
    facts = {"iteration": panel.iteration, "images": panel.images, "seconds": panel.seconds, "scores": panel.scores}
    replace_file(path, render_tensors({"samples": panel.samples.contiguous()}, {"panel": json.dumps(facts)}))


def read_panel(path: Path) -> Panel | None:
    """What ``write_panel`` wrote; None when it is not there or not readable, so that it is made again."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return Panel(samples=file.get_tensor("samples"), **json.loads(file.metadata()["panel"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None
