"""Keeping the best snapshot: each checkpoint's averaged weights are scored against data that training does not see."""

from __future__ import annotations

import time

import torch

from ganvas.data import Data
from ganvas.method import Method
from ganvas.metrics.sliced import sliced_wasserstein
from ganvas.metrics.stamp import Stamp
from ganvas.runs import Run
from ganvas.runs.latents import draw
from ganvas.training import Progress

SCORE = "sliced Wasserstein distance"
SAMPLES = 2000
SHARE = 0.02
"""Scoring may take this share of the time: after one that took t seconds the next waits t / SHARE."""


class BestSnapshot:
    """Scores a run's checkpoints as they are written and keeps the best one: best.json, its checkpoint, model-best/.

    The score is the sliced Wasserstein distance between raw pixels (or points) of samples and of held-out data: it needs no
    network, no labels and no download, and falls both when samples are unlike the data and when they lack its variety.

    Args:
        run: whose checkpoints are scored.
        method: whose latents, and classes if it is conditional, the samples are of.
        data: whose held-out part is the reference.
    """

    def __init__(self, run: Run, method: Method, data: Data) -> None:
        self.run, self.method = run, method
        batch = data.held_out().real(SAMPLES)
        self.real, count = batch.image, len(batch.image)
        self.latent = draw(0, count, method.config.latent_size, seed=2, prior=method.config.prior)
        self.label = batch.label if method.conditional else None
        features = "raw pixels" if data.spec.is_image else "raw points"
        self.stamp = Stamp(features, weights="", resizer="none", real=count, generated=count, split="test", seed=2)
        best = run.best
        self.value: float = best["score"]["value"] if best else float("inf")
        self.scored: int | None = best["step"] if best else None
        self._not_before = 0.0

    def see(self, progress: Progress) -> float | None:
        """Scores this moment if it has just been saved and a score is due, or training is done; returns the score."""
        fresh = progress.saved == progress.step != self.scored and progress.step > 0
        if not fresh or (time.monotonic() < self._not_before and not progress.done):
            return None
        started = time.monotonic()
        parts = torch.arange(len(self.latent)).split(250)  # not at once: a batch of 2,000 wide pictures may not fit
        label = self.label
        samples = [progress.sample(self.latent[part], None if label is None else label[part]) for part in parts]
        value = sliced_wasserstein(torch.cat(samples), self.real)
        self.scored = progress.step
        if value < self.value:
            self.value = value
            self.run.keep_best(progress.step, {"name": SCORE, "value": value, "stamp": self.stamp.to_json()})
        self._not_before = time.monotonic() + (time.monotonic() - started) / SHARE
        return value
