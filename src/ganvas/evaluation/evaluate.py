"""``ganvas.evaluate``: how good the samples of a run, a model or a folder are, in numbers that say how they were measured."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganvas import __version__
from ganvas.data.cache import write_atomically
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.evaluation.evidence import Evidence
from ganvas.evaluation.measured import Measured
from ganvas.evaluation.reading import verdict
from ganvas.evaluation.registry import METRICS, default_metrics, metric_named, named_metrics
from ganvas.evaluation.subject import Source, Which, against_of, subject_of
from ganvas.metrics.score import Score
from ganvas.runs.journal import finite
from ganvas.runs.provenance import machine

FOLDER = "evaluations"
SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """What was found out about a subject.

    Args:
        subject: who was judged, in words.
        against: what real data it was held against, in words.
        measured: the scores, each with what real samples score in its place.
        words: the verdict, a sentence each, the gravest first.
        skipped: why metrics of the default list were left out, by name.
        facts: counts, seconds, machine, settings: JSON values.
    """

    subject: str
    against: str
    measured: list[Measured]
    words: list[str]
    skipped: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, Score]:
        """The scores by the metric's word, such as "frechet" or "modes/kl"."""
        return {each.key: each.score for each in self.measured}

    @property
    def floors(self) -> dict[str, Score]:
        """What real samples score, where it could be measured."""
        return {each.key: each.floor for each in self.measured if each.floor is not None}

    def __getitem__(self, name: str) -> Score:
        """The score of a metric, by its word or an alias such as "fid"."""
        scores = self.scores
        if name in scores:
            return scores[name]
        known = metric_named(name)
        if known not in scores:
            raise UsageError(f"{known} was not measured", f"there are {', '.join(scores)}")
        return scores[known]

    def to_json(self) -> dict[str, Any]:
        moment = {key: self.facts.get("subject", {}).get(key) for key in ("step", "images", "seconds")}
        return {
            "schema": SCHEMA, "ganvas": __version__, "subject": self.subject, "against": self.against, **moment,
            "scores": [each.to_json() for each in self.measured], "words": self.words, "skipped": self.skipped,
            "facts": self.facts,
        }  # fmt: skip

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Evaluation:
        measured = [Measured.from_json(each) for each in fields["scores"]]
        own = {name: fields[name] for name in ("subject", "against", "words", "skipped", "facts")}
        return cls(measured=measured, **own)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """The table: score, value with its standard error, what real samples score, where the best value lies."""
        return [row_of(each) for each in self.measured]

    def __str__(self) -> str:
        head = ("score", "value", "real samples", "best")
        rows = [head, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.subject} against {self.against}", "", *lines, "", *self.footnotes()])

    def footnotes(self) -> list[str]:
        """The verdict, how the numbers were measured, and what was left out."""
        stamps = list(dict.fromkeys(str(each.score.stamp) for each in self.measured))
        left_out = [f"left out: {name} ({why})" for name, why in self.skipped.items()]
        return [*self.words, *(f"measured on {stamp}" for stamp in stamps), *left_out]


def row_of(measured: Measured) -> tuple[str, str, str, str]:
    score, floor = measured.score, measured.floor
    real = ""
    if floor is not None:
        fewer = floor.stamp.generated != score.stamp.generated and measured.key != "memorisation"
        real = with_error(floor) + (f" (at {floor.stamp.generated:,})" if fewer else "")
    name = score.name if measured.key == score.name else f"{measured.key}: {score.name}"
    aim = {"lower": "low", "higher": "high", "real": "as real"}[measured.aim]
    return name, with_error(score), real, aim


def with_error(score: Score) -> str:
    return f"{score.value:.4g}" + ("" if score.standard_error is None else f" ± {score.standard_error:.2g}")


def evaluate(
    subject: Source,
    metrics: Sequence[str] | None = None,
    *,
    against: Source | None = None,
    count: int | None = None,
    features: str = "auto",
    seed: int = 0,
    split: str | None = None,
    which: Which = "best",
    device: str = "cpu",
    report: Callable[[str], None] | None = None,
) -> Evaluation:
    """Measures how like the real data a subject's samples are, how varied, and whether they are copies.

    About a minute of one CPU core for 10,000 samples of a run on MNIST with the default metrics; a folder of colour pictures
    takes what its feature network takes (``docs/scores.md`` has figures). The result of a run is kept in its folder as
    ``evaluations/NNN.json``.

    Args:
        subject: a run folder, a model folder or file, a loaded model, a folder of pictures from anywhere, data, or samples.
        metrics: names in ``METRICS`` or aliases such as "fid"; by default those that suit the data and take seconds each.
        against: the real data: a word that ``--data`` takes, a folder, data or samples; by default what the run learnt.
        count: samples a side; by default 10,000, or what there is, or fewer when pictures are large.
        features: the feature network, see ``ganvas.metrics.networks.FEATURE_NETWORKS``; auto goes by the data.
        seed: of the samples and of every random choice.
        split: of the real data: test, train or all; by default what was held out, where there is enough of it.
        which: of a run's models, "best" or "last".
        device: of the feature network.
        report: is told, in a sentence, what is being done.

    Raises:
        UsageError: a metric that does not exist, cannot be had of this subject, or needs more samples (it says how many);
            sides that cannot be compared; samples that are not finite.
        DataError, ModelError: data, weights or models that are missing or damaged.
    """
    asked = None if metrics is None else named_metrics(metrics)
    if count is not None and count < 2:
        raise UsageError(f"count={count} is out of range", "give at least 2, better 10,000")
    say = report or (lambda message: None)
    started = time.monotonic()
    judged = subject_of(subject, which=which)
    real = against_of(against, judged)
    evidence = Evidence(judged, real, count=count, features=features, split=split, seed=seed, report=say, device=device)
    seconds: dict[str, float] = {"samples": round(time.monotonic() - started, 3)}
    measured, skipped = measure(evidence, asked, say, seconds)
    against_words = "the samples given" if evidence.data is None else f"{evidence.data.name} ({evidence.split})"
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "count": evidence.count,
        "seconds": seconds | {"whole": round(time.monotonic() - started, 3)},
        "settings": {"metrics": asked, "count": count, "features": features, "seed": seed, "split": evidence.split},
        "subject": judged.facts or {},
        "data": evidence.fingerprint,
        "machine": machine(),
    }
    words = [*verdict(measured), *evidence.remarks]
    evaluation = Evaluation(judged.name, against_words, measured, words, skipped, facts)
    if judged.run is not None:
        keep(judged.run, evaluation)
    return evaluation


def measure(
    evidence: Evidence, asked: list[str] | None, report: Callable[[str], None], seconds: dict[str, float]
) -> tuple[list[Measured], dict[str, str]]:
    """Runs the metrics. What was asked for by name must be had; of the default list the rest goes on without it."""
    measured: list[Measured] = []
    skipped: dict[str, str] = {}
    if asked is None and evidence.word != "auto":
        evidence.network  # noqa: B018 -- a network that was asked for by name must be had, too: here it would be missed
    for name in asked if asked is not None else default_metrics(evidence):
        report(f"{name}: {METRICS[name].title}")
        begun = time.monotonic()
        try:
            measured += METRICS[name].measure(evidence)
        except (UsageError, DataError, ModelError) as error:
            if asked is not None:
                raise
            skipped[name] = str(error)
        seconds[name] = round(time.monotonic() - begun, 3)
    return measured, skipped


def keep(run: Path, evaluation: Evaluation) -> Path:
    """Writes the evaluation into the run's folder under the next free number."""
    folder = run / FOLDER
    taken = [int(match[1]) for path in folder.glob("*.json") if (match := re.fullmatch(r"(\d+)\.json", path.name))]
    path = folder / f"{max(taken, default=0) + 1:03d}.json"
    write_atomically(path, json.dumps(finite(evaluation.to_json()), indent=1, ensure_ascii=False, allow_nan=False).encode())
    return path


def evaluations(run: str | Path) -> list[Evaluation]:
    """The evaluations that are kept in a run's folder, oldest first; files that are damaged are left out."""
    found = []
    for path in sorted((Path(run) / FOLDER).glob("*.json")):
        try:
            found.append(Evaluation.from_json(json.loads(path.read_bytes())))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
