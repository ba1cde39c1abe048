"""Which moment of a training is the best: the averaged weights are scored as training goes on, on ever rarer occasions.

Milestones are a constant factor apart in steps (``GROWTH``), so the number of scorings grows with the logarithm of the time;
and scoring takes at most ``SHARE`` of it. The best snapshot is kept, and once training has gone on for ``patience`` times as
long as it took to get there without getting better, it is told to stop.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from ganvas.data import Data
from ganvas.errors import UsageError
from ganvas.evaluation.fixed import FixedInputs, fixed_inputs, scored_count
from ganvas.evaluation.patch_scorers import CycleScorer, PairScorer
from ganvas.evaluation.scorers import SampleScorer, Scorer, choose_measure
from ganvas.method import Method
from ganvas.metrics.score import Score
from ganvas.metrics.stamp import Stamp
from ganvas.runs import Run
from ganvas.training import Progress

SAMPLES = 2000
GROWTH = 1.2
"""The factor between the steps of two milestones."""
SHARE = 0.05
"""Scoring may take this share of the time: after one that took t seconds the next waits t / SHARE."""
SMOOTHED = 3
"""How many of the last scores are averaged, by their certainty, before it is said that training got better."""
SAMPLE_SEED = 2


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
        method: whose latents, and classes if it is conditional, the samples are of; of one that translates, held-out pictures
            are translated.
        data: whose held-out part is the reference.
        measure: see ``choose_scorer``.
        patience: ask training to stop once it is this many times as old as when it was last getting better, minus 1; 0 never.

    Raises:
        UsageError: the data has no held-out part, or ``measure`` is no known word.
    """

    def __init__(self, run: Run, method: Method, data: Data, *, measure: str = "sliced", patience: float = 0.0) -> None:
        self.run, self.method, self.patience = run, method, patience
        self.inputs = fixed_inputs(method, data, scored_count(method, SAMPLES), SAMPLE_SEED)
        self.scorer = choose_scorer(measure, method, self.inputs, data)
        count, own = len(self.inputs.real), self.scorer
        fingerprint = data.held_out().fingerprint
        self.stamp = Stamp(own.network, own.weights, own.resizer, count, count, "test", SAMPLE_SEED, fingerprint)
        best = run.best
        self.value: float = best["score"]["value"] if best else math.inf
        self._not_before = 0.0

    def remembered(self, record: dict[str, Any]) -> Moment | None:
        """The score of a record, if it was measured in this way."""
        try:
            score = Score.from_json(record["score"])
        except (KeyError, TypeError, ValueError):
            return None
        alike = score.name == self.scorer.title and score.stamp.comparable(self.stamp)
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
        record = {**facts(progress), "score": score.to_json(), "floor": self.scorer.floor, **beside}
        self.run.log_score(record)
        progress.take_score(record)
        if score.value < self.value:
            self.value = score.value
            self.run.keep_best(progress.step, score.to_json())
        self._not_before = time.monotonic() + (time.monotonic() - started) / SHARE
        improved = last_improvement(self.past)
        if self.patience and not progress.done and progress.step >= (1 + self.patience) * improved:
            progress.stop(
                f"{self.scorer.title} has not improved since step {improved:,}, in {self.patience:g} times the time it took"
            )
        return score.value

    def score(self, progress: Progress) -> tuple[Score, dict[str, float]]:
        """The score of the averaged weights now, and the figures that stand beside it."""
        found = self.scorer.found(progress)
        return Score(self.scorer.title, found.value, self.stamp, standard_error=found.error), found.beside


def choose_scorer(word: str, method: Method, inputs: FixedInputs, data: Data) -> Scorer:
    """What ``--score`` calls "patches", for a translator; or a measure between samples, see ``choose_measure``.

    Raises:
        UsageError: "patches" of a method that does not translate, or no such word.
    """
    if word != "patches":
        return SampleScorer(choose_measure(word, data), inputs, data)
    if not method.translates:
        raise UsageError(f"patches is a score of translators, {method.name} is none", "choose sliced, or a feature network")
    return PairScorer(inputs) if inputs.paired else CycleScorer(inputs, data)


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
