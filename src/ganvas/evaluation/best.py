"""Which moment of a training is the best: the averaged weights are scored as training goes on, on ever rarer occasions.

Milestones are a constant factor apart in steps (``GROWTH``), so the number of scorings grows with the logarithm of the time;
and scoring takes at most ``SHARE`` of it. The best snapshot is kept, and once training has gone on for ``patience`` times as
long as it took to get there without getting better, it is told to stop.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.errors import UsageError
from ganvas.evaluation.fixed import BATCH, fixed_inputs, scored_count
from ganvas.method import Method
from ganvas.metrics.manifold import manifold_scores
from ganvas.metrics.moments import Moments
from ganvas.metrics.networks import FeatureNetwork, feature_network
from ganvas.metrics.psnr_ssim import l1
from ganvas.metrics.score import Score
from ganvas.metrics.sliced import sliced_wasserstein
from ganvas.metrics.stamp import Stamp
from ganvas.runs import Run
from ganvas.training import Progress

SAMPLES = 2000
GROWTH = 1.2
"""The factor between the steps of two milestones."""
SHARE = 0.05
"""Scoring may take this share of the time: after one that took t seconds the next waits t / SHARE."""
BLOCKS = 4
"""The standard error comes from the score's spread over as many parts of the samples."""
FEWEST = 40
"""Below so many samples the spread of parts of them says nothing, and the score has no standard error."""
SMOOTHED = 3
"""How many of the last scores are averaged, by their certainty, before it is said that training got better."""
SAMPLE_SEED = 2


class Measure(Protocol):
    """How far samples are from held-out data: a distance, lower is better."""

    title: str
    network: str
    weights: str
    resizer: str

    def prepare(self, real: Tensor) -> None:
        """Takes in the real samples, once."""

    def encode(self, samples: Tensor) -> Tensor:
        """What ``distance`` compares, (N, ...), of one batch of samples."""

    def distance(self, encoded: Tensor) -> float:
        """From encoded samples to the real ones."""

    def spread(self, encoded: Tensor) -> dict[str, float]:
        """How encoded samples lie among the real ones, by name; nothing where distances between two samples mean little."""


class Sliced:
    """The sliced Wasserstein distance of raw pixels or coordinates: no network, no labels, no download.

    It falls both when samples are unlike the data and when they lack its variety.
    """

    title, weights, resizer = "sliced Wasserstein distance", "", "none"

    def __init__(self, is_image: bool) -> None:
        self.network = "raw pixels" if is_image else "raw points"

    def prepare(self, real: Tensor) -> None:
        self.real = real

    def encode(self, samples: Tensor) -> Tensor:
        return samples

    def distance(self, encoded: Tensor) -> float:
        return sliced_wasserstein(encoded, self.real[: len(encoded)])

    def spread(self, encoded: Tensor) -> dict[str, float]:
        return {}


class Frechet:
    """The Frechet distance of a network's features."""

    def __init__(self, network: FeatureNetwork) -> None:
        self.extractor = network
        self.title, self.network = network.score_name, network.name
        self.weights, self.resizer = network.weights, network.resizer

    def prepare(self, real: Tensor) -> None:
        self.features = self.extractor.features(real)
        self.real = Moments.of(self.features)

    def encode(self, samples: Tensor) -> Tensor:
        return self.extractor.features(samples)

    def distance(self, encoded: Tensor) -> float:
        return Moments.of(encoded).frechet(self.real)

    def spread(self, encoded: Tensor) -> dict[str, float]:
        if min(len(encoded), len(self.features)) < FEWEST:
            return {}
        found = manifold_scores(self.features, encoded)
        return {name: round(getattr(found, name)[0], 4) for name in ("precision", "recall", "coverage")}


def choose_measure(word: str, data: Data) -> Measure:
    """The measure called "sliced", or the Frechet distance of a feature network: "lenet", "efficientnet", "inception:PATH"."""
    return Sliced(data.spec.is_image) if word == "sliced" else Frechet(feature_network(word, data))


@dataclass(frozen=True)
class Moment:
    """A score of the past: its place, its value and its standard error."""

    step: int
    value: float
    error: float


class BestSnapshot:
    """Scores a run at its milestones, records each in scores.jsonl, keeps the best: best.json, its checkpoint, model-best/.

    Args:
        run: whose averaged weights are scored.
        method: whose latents, and classes if it is conditional, the samples are of; of one that translates, the translations
            of held-out pictures are scored against held-out pictures of the target domain, and of pairs also the L1 distance
            to the target is recorded.
        data: whose held-out part is the reference.
        measure: see ``choose_measure``.
        patience: ask training to stop once it is this many times as old as when it was last getting better, minus 1; 0 never.

    Raises:
        UsageError: the data has no held-out part, or ``measure`` is no known word.
    """

    def __init__(self, run: Run, method: Method, data: Data, *, measure: str = "sliced", patience: float = 0.0) -> None:
        self.run, self.method, self.patience = run, method, patience
        self.inputs = fixed_inputs(method, data, scored_count(method, SAMPLES), SAMPLE_SEED)
        count = len(self.inputs.real)
        self.measure = choose_measure(measure, data)
        self.measure.prepare(self.inputs.real)
        self.floor = self.of_real(data, count)
        m = self.measure
        self.stamp = Stamp(m.network, m.weights, m.resizer, count, count, "test", SAMPLE_SEED, data.held_out().fingerprint)
        best = run.best
        self.value: float = best["score"]["value"] if best else math.inf
        self._not_before = 0.0

    def of_real(self, data: Data, count: int) -> float | None:
        """What as many training samples score: no generator should be expected to do better. None when there are too few."""
        real = data.real(count).image
        return (
            self.measure.distance(torch.cat([self.measure.encode(part) for part in real.split(BATCH)]))
            if len(real) == count
            else None
        )

    def remembered(self, record: dict[str, Any]) -> Moment | None:
        """The score of a record, if it was measured in this way."""
        try:
            score = Score.from_json(record["score"])
        except (KeyError, TypeError, ValueError):
            return None
        alike = score.name == self.measure.title and score.stamp.comparable(self.stamp)
        return Moment(int(record["step"]), score.value, score.standard_error or 0.0) if alike else None

    @property
    def past(self) -> list[Moment]:
        """The scores so far, oldest first, from the run's journal: a rollback takes back those of the steps it undoes."""
        return [moment for record in self.run.scores() if (moment := self.remembered(record)) is not None]

    def see(self, progress: Progress) -> float | None:
        """Scores this moment if it is a milestone and a score is due, or training is done; returns the score.

        When patience is at its end, ``progress`` is told to stop.
        """
        due = progress.done or (progress.milestone and time.monotonic() >= self._not_before)
        if not due or progress.saved != progress.step or progress.step <= max((m.step for m in self.past), default=0):
            return None
        started = time.monotonic()
        score, beside = self.score(progress)
        record = {**facts(progress), "score": score.to_json(), "floor": self.floor, **beside}
        self.run.log_score(record)
        progress.take_score(record)
        if score.value < self.value:
            self.value = score.value
            self.run.keep_best(progress.step, score.to_json())
        self._not_before = time.monotonic() + (time.monotonic() - started) / SHARE
        improved = last_improvement(self.past)
        if self.patience and not progress.done and progress.step >= (1 + self.patience) * improved:
            progress.stop(
                f"{self.measure.title} has not improved since step {improved:,}, in {self.patience:g} times the time it took"
            )
        return score.value

    def score(self, progress: Progress) -> tuple[Score, dict[str, float]]:
        """The score of the averaged weights now, its standard error that of the outputs alone; and what stands beside it.

        That is, for pairs, "l1": the mean distance of translations to their targets, 0..2. Of a feature network also
        "precision", "recall" and "coverage" in its features, by which the doctor sees modes that are lost.
        """
        encoded, gaps = [], []
        targets = self.inputs.real
        for part in self.inputs.outputs(progress):
            encoded.append(self.measure.encode(part))
            if self.inputs.paired:
                gaps.append(l1(part, targets[: len(part)]))
                targets = targets[len(part) :]
        whole = torch.cat(encoded)
        if not bool(torch.isfinite(whole).all()):
            raise UsageError("the samples hold NaN or infinity", "resume from an earlier checkpoint")
        error = None
        if len(whole) >= FEWEST:
            blocks = [self.measure.distance(block) for block in whole.chunk(BLOCKS)]
            error = float(torch.tensor(blocks, dtype=torch.float64).std()) / math.sqrt(BLOCKS)
        score = Score(self.measure.title, self.measure.distance(whole), self.stamp, standard_error=error)
        beside = {"l1": round(float(torch.cat(gaps).mean()), 6)} if gaps else {}
        return score, beside | self.measure.spread(whole)


def facts(progress: Progress) -> dict[str, Any]:
    return {"step": progress.step, "images": progress.images, "seconds": round(progress.seconds, 3)}


def smoothed(past: list[Moment]) -> tuple[float, float]:
    """The mean of the last ``SMOOTHED`` scores weighted by their certainty (1 / error^2), and its standard error."""
    recent = past[-SMOOTHED:]
    weights = [1 / max(moment.error, 1e-12) ** 2 for moment in recent]
    mean = sum(w * moment.value for w, moment in zip(weights, recent, strict=True)) / sum(weights)
    return mean, 1 / math.sqrt(sum(weights))


def last_improvement(past: list[Moment]) -> int:
    """The step of the last scoring at which the smoothed score fell below its lowest so far by more than its standard error."""
    lowest, step = math.inf, 0
    for end in range(1, len(past) + 1):
        value, error = smoothed(past[:end])
        if value < lowest - error:
            lowest, step = value, past[end - 1].step
    return step
