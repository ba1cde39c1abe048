"""A run as its files tell it, read so that a missing or damaged part costs that part alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from ganvas.data import Data, open_source
from ganvas.data.batches import Spec
from ganvas.errors import GanvasError, UsageError
from ganvas.methods import METHODS
from ganvas.metrics.score import Score
from ganvas.metrics.stamp import Stamp
from ganvas.runs import Run
from ganvas.training.monitors import Finding, examine


@dataclass(frozen=True)
class Moment:
    """A score of the weights of one step.

    Args:
        step, images, seconds: how far training had come.
        score: of the averaged weights then.
        floor: what real data scores against real data in the same way, where it is known.
        metric: the word by which `ganvas evaluate` knows the score; empty for one that training took.
    """

    step: int
    images: int
    seconds: float
    score: Score
    floor: float | None = None
    metric: str = ""


@dataclass(frozen=True)
class Account:
    """What a run folder holds, but for its weights.

    Attributes:
        folder, name: where it lies; the folder's name.
        config: config.json.
        stats: the records of stats.jsonl.
        trend: scores over training, those that compare with the last one, in order of steps.
        best: of the best snapshot; its images and seconds are 0 where no record tells them.
        evaluation: the last of evaluations/*.json; empty when there is none.
        evaluated: its scores.
        ended: why training ended, in words; empty when that is not recorded.
        ended_step: of its end; 0 when that is not recorded.
        diverged: whether it ended by divergence.
        findings: the doctor's, on the records.
        troubles: what of the files could not be read, a clause each.
    """

    folder: Path
    config: dict[str, Any]
    stats: list[dict[str, Any]] = field(default_factory=list)
    trend: list[Moment] = field(default_factory=list)
    best: Moment | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)
    evaluated: list[Moment] = field(default_factory=list)
    ended: str = ""
    ended_step: int = 0
    diverged: bool = False
    findings: list[Finding] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def spec(self) -> Spec:
        return Spec.from_json(self.config["spec"])

    @property
    def last(self) -> dict[str, Any]:
        """The last record of the terms; empty before there is one. A remedy's record has none."""
        return next((record for record in reversed(self.stats) if "images" in record), {})

    @property
    def step(self) -> int:
        """How far training came: to its end, which comes after the last record."""
        return max(int(number(self.last.get("step")) or 0), self.ended_step) if self.last else 0

    @property
    def images(self) -> int:
        recorded, step = int(number(self.last.get("images")) or 0), int(number(self.last.get("step")) or 0)
        return recorded * self.step // step if step else 0

    @property
    def seconds(self) -> float:
        return number(self.last.get("seconds")) or 0.0

    @property
    def broken_terms(self) -> list[str]:
        """The terms that were not finite at the last record."""
        return [name for name, value in terms_of(self.last).items() if value is None]

    @property
    def copies(self) -> str:
        """What the last evaluation said of copied training samples; empty when it found none."""
        scores = self.evaluation.get("scores")
        for told in scores if isinstance(scores, list) else []:
            found = told.get("facts") if isinstance(told, dict) and told.get("metric") == "memorisation" else None
            if isinstance(found, dict) and found.get("detected") is True:
                return str(told.get("words", "")) or "samples are copies of training samples"
        return ""

    @property
    def images_per_second(self) -> float | None:
        """Over the whole run, saving, sampling and scoring included; None before the first record."""
        images = number(self.last.get("images"))
        return images / self.seconds if images and self.seconds > 0 else None


def read(folder: Path) -> Account:
    """Reads a run folder.

    Raises:
        UsageError: a model folder, or the config lacks what every run has. ModelError: no run, or its config is damaged.
    """
    if not (folder / "config.json").exists() and (folder / "model.json").exists():
        raise UsageError(f"{folder} is a model, not a run", "name the run that it is from")
    run = Run(folder)
    config = run.config
    lacking = [key for key in ("method", "config", "spec", "data", "seed") if key not in config]
    if lacking:
        raise UsageError(f"the config of {folder} lacks {', '.join(lacking)}", "name a run that `ganvas train` made")
    data = str(config["data"].get("fingerprint", ""))
    stats = [record for record in run.stats() if number(record.get("step")) is not None]
    evaluation = last_evaluation(folder)
    scored = evaluation.get("scores")
    moments = [moment(record, data) for record in run.scores()]
    return Account(
        folder,
        config,
        stats,
        trend=comparable_with_last([m for m in moments if m is not None]),
        best=best_moment(run.best, moments, stats, data),
        evaluation=evaluation,
        evaluated=[
            found
            for fields_ in (scored if isinstance(scored, list) else [])
            if (found := moment({**evaluation, "floor": None, "score": fields_}, data)) is not None
        ],
        ended=why_ended(folder),
        ended_step=int(number(read_object(folder / "ended.json").get("step")) or 0),
        diverged=read_object(folder / "ended.json").get("reason") == "diverged",
        findings=diagnose(stats, run.scores()),
        troubles=troubles(folder, stats, moments),
    )


def number(value: object) -> float | None:
    """``value`` if it is a finite number."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None  # type: ignore[arg-type]


def moment(record: dict[str, Any], data: str) -> Moment | None:
    """The score in a record of scores.jsonl, best.json or an evaluation; None when it has none that is a number.

    Args:
        data: fingerprint of the run's data, for stamps that name none.
    """
    score = parse_score(record.get("score"), data)
    if score is None:
        return None
    step, images, seconds = (number(record.get(key)) or 0 for key in ("step", "images", "seconds"))
    told = record["score"]
    floor = read_floor(told.get("floor", record.get("floor")), score)
    return Moment(int(step), int(images), seconds, score, floor, str(told.get("metric", "")))


def read_floor(told: object, score: Score) -> float | None:
    """What real data scores: a number, or a score of as many samples as ``score`` is of."""
    if isinstance(told, dict):
        stamp = told.get("stamp")
        fewer = isinstance(stamp, dict) and stamp.get("generated") != score.stamp.generated
        return None if fewer else number(told.get("value"))
    return number(told)


def parse_score(told: object, data: str) -> Score | None:
    """A score from its JSON; None when it is not one, or its value is no finite number."""
    if not isinstance(told, dict) or not isinstance(told.get("stamp"), dict) or number(told.get("value")) is None:
        return None
    own = {f.name for f in fields(Score)} - {"stamp"}
    stamped = {f.name for f in fields(Stamp)}
    try:
        stamp = Stamp(**{key: value for key, value in told["stamp"].items() if key in stamped})
        stamp = stamp if stamp.data else Stamp(**{**stamp.to_json(), "data": data})
        kept = {key: value for key, value in told.items() if key in own}
        kept["standard_error"] = number(kept.get("standard_error"))
        score = Score(**kept, stamp=stamp)
        str(score)
    except (TypeError, ValueError):
        return None
    return score if score.better in ("lower", "higher") else None


def comparable_with_last(moments: list[Moment]) -> list[Moment]:
    """Those that are the same score as the last one, measured in the same way."""
    if not moments:
        return []
    return [m for m in moments if alike(m.score, moments[-1].score)]


def alike(one: Score, other: Score) -> bool:
    """Whether two scores compare."""
    try:
        one.require_comparable(other)
    except UsageError:
        return False
    return True


def best_moment(
    best: dict[str, Any] | None, moments: list[Moment | None], stats: list[dict[str, Any]], data: str
) -> Moment | None:
    """The best snapshot's score, and how far training had come when it was taken."""
    found = moment(best, data) if best else None
    if found is None:
        return None
    for other in moments:
        if other is not None and other.step == found.step and alike(other.score, found.score):
            return other
    images, seconds = (at_step(stats, found.step, key) for key in ("images", "seconds"))
    return Moment(found.step, int(images), seconds, found.score, found.floor)


def at_step(stats: list[dict[str, Any]], step: int, key: str) -> float:
    """What the records say of ``key`` at a step, between two of them on a straight line; 0 when they do not reach it."""
    before = (0.0, 0.0)
    for record in stats:
        here, value = number(record.get("step")), number(record.get(key))
        if here is None or value is None:
            continue
        if here >= step:
            share = (step - before[0]) / (here - before[0]) if here > before[0] else 1.0
            return before[1] + share * (value - before[1])
        before = (here, value)
    return before[1] * step / before[0] if before[0] else 0.0


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is none."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def last_evaluation(folder: Path) -> dict[str, Any]:
    """The newest evaluation that can be read; its file's name is under "file"."""
    for path in sorted((folder / "evaluations").glob("*.json"), key=lambda path: (len(path.stem), path.stem), reverse=True):
        told = read_object(path)
        if told:
            return {**told, "file": path.name}
    return {}


def why_ended(folder: Path) -> str:
    """The words of ended.json; empty while training goes on, was interrupted, or ended before there was such a file."""
    told = read_object(folder / "ended.json")
    words = [told.get(key) for key in ("words", "reason")]
    return next((word for word in words if isinstance(word, str) and word), "")


def terms_of(record: dict[str, Any]) -> dict[str, Any]:
    """The terms "player/term" in a record of stats.jsonl, None where one was not finite."""
    return {name: value for name, value in record.items() if "/" in name and (value is None or number(value) is not None)}


def diagnose(stats: list[dict[str, Any]], scores: list[dict[str, Any]]) -> list[Finding]:
    """The doctor's findings on the records."""
    known = [{name: value for name, value in record.items() if value is not None} for record in stats]
    return [finding for finding in examine(known, scores) if finding.severity != "ok"] if known else []


def troubles(folder: Path, stats: list[dict[str, Any]], moments: list[Moment | None]) -> list[str]:
    """What could not be read, in words."""
    found = []
    for name, count in (("stats.jsonl", len(stats)), ("scores.jsonl", len(moments))):
        path = folder / name
        lines = len(path.read_bytes().splitlines()) if path.is_file() else 0
        if lines > count:
            found.append(f"{lines - count} of {lines} lines of {name} are damaged and left out")
    unread = sum(m is None for m in moments)
    if unread:
        found.append(f"{unread} of {len(moments)} records of scores.jsonl hold no finite score")
    broken = sorted({name for record in stats for name, value in terms_of(record).items() if value is None})
    if broken:
        found.append(f"some records have no finite value of {', '.join(broken[:5])}: their curves have gaps")
    if (folder / "best.json").is_file() and Run(folder).best is None:
        found.append("the mark of the best snapshot, best.json, is damaged")
    return found


def players(config: dict[str, Any]) -> dict[str, int]:
    """The parameters of each player of a run; empty when this version cannot build its method."""
    try:
        kind = METHODS[config["method"]]
        with torch.device("meta"):
            method = kind(kind.Config(**config["config"]), Spec.from_json(config["spec"]))
    except (KeyError, TypeError, ValueError, RuntimeError, GanvasError):
        return {}
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in method.named_children()}
    return {name: count for name, count in counts.items() if count}


def open_data(config: dict[str, Any]) -> Data:
    """The data of a run.

    Raises:
        UsageError: it was made in Python, or is not what it was. DataError: it cannot be had any more.
    """
    recipe = config["data"].get("recipe")
    if not recipe:
        raise UsageError(f"the data {config['data'].get('name')} was made in Python", "write the report from there")
    data = open_source(**recipe)
    if data.fingerprint != config["data"].get("fingerprint"):
        raise UsageError(f"the data {data.name} changed since the run was trained on it", "put it back")
    return data


def flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dicts, their names joined by dots."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
