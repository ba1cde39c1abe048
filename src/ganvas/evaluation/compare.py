"""Runs side by side: what differs in their settings, what each scored, how fast it was, and what may not be compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from ganvas.errors import UsageError
from ganvas.evaluation.account import Account, Moment, alike, flatten, players
from ganvas.methods import METHODS
from ganvas.metrics.stamp import Stamp

LETTERS = "ABCDEFGH"
"""What the runs are called in tables and figures; no more than these are compared at once."""

CLEAR = 2.0
"""Standard errors from which on a difference is said to be more than chance."""


@dataclass(frozen=True)
class Setting:
    """A setting in which runs differ.

    Args:
        name: as flags and files have it.
        values: one a run, None where the run has no such setting.
        default: whether each value is its method's default.
    """

    name: str
    values: tuple[Any, ...]
    default: tuple[bool, ...]


@dataclass(frozen=True)
class ScoreRow:
    """Scores that compare: one name, one stamp.

    Args:
        source: which weights were scored: "best snapshot", "end of training" or "evaluation".
        moments: run number -> score.
        apart: how its stamp differs from that of an earlier row of the same score; empty where there is none.
    """

    source: str
    moments: dict[int, Moment] = field(default_factory=dict)
    apart: str = ""

    @property
    def example(self) -> Moment:
        return next(iter(self.moments.values()))

    @property
    def name(self) -> str:
        return self.example.score.name

    @property
    def stamp(self) -> Stamp:
        return self.example.score.stamp


@dataclass(frozen=True)
class Comparison:
    """1 to 8 runs side by side.

    Args:
        accounts: the runs, in the order of ``LETTERS``.
        settings: those in which they differ.
        scores: rows of scores that compare.
        caveats: what these runs do not allow to be said.
    """

    accounts: tuple[Account, ...]
    settings: tuple[Setting, ...]
    scores: tuple[ScoreRow, ...]
    caveats: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        names = [account.name for account in self.accounts]
        return {
            "runs": [facts(account) for account in self.accounts],
            "settings": [
                {"name": s.name, "values": dict(zip(LETTERS, s.values, strict=False)), "default": list(s.default)}
                for s in self.settings
            ],
            "scores": [
                {
                    "source": row.source,
                    "name": row.name,
                    "better": row.example.score.better,
                    "apart": row.apart,
                    "lead": lead(row),
                    "values": [
                        {"run": names[index], "step": m.step, "floor": m.floor, **m.score.to_json()}
                        for index, m in row.moments.items()
                    ],
                }
                for row in self.scores
            ],
            "caveats": list(self.caveats),
        }


def compare(accounts: Sequence[Account]) -> Comparison:
    """Puts runs side by side.

    Raises:
        UsageError: there are none, more than 8, or one is named twice.
    """
    if not 1 <= len(accounts) <= len(LETTERS):
        raise UsageError(f"{len(accounts)} runs cannot be compared at once", f"name 1 to {len(LETTERS)}")
    places = [account.folder.resolve() for account in accounts]
    twice = next((place for number, place in enumerate(places) if place in places[:number]), None)
    if twice is not None:
        raise UsageError(f"{twice.name} is named twice", "name each run once")
    apart, scores, warnings = settings_apart(accounts), score_rows(accounts), caveats(accounts)
    return Comparison(tuple(accounts), tuple(apart), tuple(scores), tuple(warnings))


def facts(account: Account) -> dict[str, Any]:
    """What a run is and how far and fast it came: JSON values."""
    config = account.config
    return {
        "run": str(account.folder),
        "method": config["method"],
        "data": config["data"].get("name"),
        "shape": config["spec"].get("shape"),
        "classes": len(config["spec"].get("classes", [])),
        "latent_size": config["config"].get("latent_size"),
        "parameters": players(config),
        "step": account.step,
        "images": account.images,
        "seconds": account.seconds,
        "images_per_second": account.images_per_second,
        "best_step": account.best.step if account.best else None,
        "ended": account.ended or None,
        "findings": [finding.to_json() for finding in account.findings],
        "troubles": account.troubles,
    }


# -- settings ---------------------------------------------------------------------------------------------------------


def settings_apart(accounts: Sequence[Account]) -> list[Setting]:
    """The settings, data, versions and machine in which the runs differ; those of the method under their flags' names."""
    told = [settings_of(account.config) for account in accounts]
    names = list(dict.fromkeys(name for settings in told for name in settings))
    rows = []
    for name in names:
        values = tuple(settings.get(name) for settings in told)
        if any(value != values[0] for value in values[1:]):
            default = tuple(is_default(a.config, name, v) for a, v in zip(accounts, values, strict=True))
            rows.append(Setting(name, values, default))
    return rows


def settings_of(config: dict[str, Any]) -> dict[str, Any]:
    """A run's settings, flat, without what differs between any two runs: date, command, folder."""
    data = config["data"]
    provenance = config.get("provenance", {})
    machine = provenance.get("machine", {})
    parts = {
        "method": config["method"],
        **config["config"],
        "data": {key: data.get(key) for key in ("name", "fingerprint")} | {"recipe": data.get("recipe") or {}},
        "shape": config["spec"].get("shape"),
        "seed": config["seed"],
        "training": config.get("training", {}),
        "versions": provenance.get("versions", {}),
        "machine": {key: machine.get(key) for key in ("processor", "usable_cores", "accelerators")},
        "git": {"commit": (provenance.get("git") or {}).get("commit")},
    }
    return dict(flatten(parts))


def is_default(config: dict[str, Any], name: str, value: Any) -> bool:
    """Whether a setting has its method's default."""
    kind = METHODS.get(config["method"])
    if kind is None or name not in config["config"]:
        return False
    return any(f.name == name and f.default == value for f in dataclasses.fields(kind.Config))


# -- scores -----------------------------------------------------------------------------------------------------------


def sources(account: Account) -> dict[str, list[Moment]]:
    """The scores of a run by the weights they are of."""
    return {
        "best snapshot": [account.best] if account.best else [],
        "end of training": account.trend[-1:],
        "evaluation": account.evaluated,
    }


def score_rows(accounts: Sequence[Account]) -> list[ScoreRow]:
    """The runs' scores: one row for those that compare. What was measured in another way gets a row of its own."""
    rows: list[ScoreRow] = []
    told = [sources(account) for account in accounts]
    for source in ("best snapshot", "end of training", "evaluation"):
        own: list[ScoreRow] = []
        for index, by_source in enumerate(told):
            for moment in by_source[source]:
                place(own, source, index, moment)
        told_already = [row.moments for row in rows]  # a training's last score is its best where it got better to the end
        rows += [row for row in own if row.moments not in told_already]
    return rows


def place(rows: list[ScoreRow], source: str, index: int, moment: Moment) -> None:
    """Adds a run's score to the row it compares with, or begins another row that says how it differs."""
    for row in rows:
        if index not in row.moments and alike(row.example.score, moment.score):
            row.moments[index] = moment
            return
    like = next((row for row in rows if row.name == moment.score.name), None)
    rows.append(ScoreRow(source, {index: moment}, apart="" if like is None else apart(like.stamp, moment.score.stamp)))


def apart(first: Stamp, other: Stamp) -> str:
    """How the measuring differed, in words."""
    names = first.differences(other)
    return ", ".join(f"{name} {brief(getattr(other, name))} and not {brief(getattr(first, name))}" for name in names)


def brief(value: object) -> str:
    """A stamp's entry in a line: of a sha256 the beginning."""
    text = str(value)
    return f"{text[:8]}..." if len(text) == 64 else repr(value) if text == "" else text


def lead(row: ScoreRow) -> str:
    """Which run is ahead in a row, and whether that is more than chance; empty for fewer than two runs."""
    order = sorted(row.moments, key=lambda index: row.moments[index].score.value, reverse=row.example.score.better == "higher")
    if len(order) < 2:
        return ""
    first, second = (row.moments[index].score for index in order[:2])
    gap, errors = abs(first - second), [score.standard_error for score in (first, second)]
    if gap == 0:
        return f"{LETTERS[order[0]]} and {LETTERS[order[1]]} are equal"
    ahead = f"{LETTERS[order[0]]} is ahead of {LETTERS[order[1]]} by {gap:.3g}"
    if errors[0] is None or errors[1] is None:
        return f"{ahead}; the error of that is not known: another seed may say otherwise"
    error = math.hypot(errors[0], errors[1])
    if gap < CLEAR * error:
        return f"no difference can be seen, {gap:.2g} ± {error:.1g} between {LETTERS[order[0]]} and {LETTERS[order[1]]}"
    return f"{ahead} ± {error:.1g}"


# -- what may not be said ---------------------------------------------------------------------------------------------


def caveats(accounts: Sequence[Account]) -> list[str]:
    """What these runs do not allow to be said, a sentence each."""
    if len(accounts) < 2:
        return []
    found = []
    if len({a.config["data"].get("fingerprint") for a in accounts}) > 1:
        names = ", ".join(f"{letter} {a.config['data'].get('name')}" for letter, a in zip(LETTERS, accounts, strict=False))
        found.append(f"the runs learnt different data ({names}): scores against different data are not put side by side")
    if len({tuple(a.config["spec"].get("shape", ())) for a in accounts}) > 1:
        found.append("the samples have different shapes: images a second are not the same work")
    if len({a.config["config"].get("latent_size") for a in accounts}) > 1:
        found.append("the latents have different sizes: the grids show the same seed and numbers, not the same latents")
    if len({tuple(a.config["spec"].get("classes", ())) for a in accounts if is_conditional(a)}) > 1:
        found.append("the conditional runs know different classes: their grids take each its own in turn")
    machines = [machine_of(a) for a in accounts]
    if any(one != other for one, other in combinations(machines, 2)):
        found.append("the machines, devices or thread counts differ: times and speeds tell of them too")
    silent = [letter for letter, a in zip(LETTERS, accounts, strict=False) if len(a.trend) < 2]
    if silent:
        found.append(f"fewer than two scores over time of {', '.join(silent)}: no curve")
    unknown = [letter for letter, a in zip(LETTERS, accounts, strict=False) if not (a.trend or a.evaluated or a.best)]
    if unknown:
        found.append(f"no score at all of {', '.join(unknown)}: `ganvas evaluate` measures the samples")
    return found


def is_conditional(account: Account) -> bool:
    kind = METHODS.get(account.config["method"])
    if kind is None:
        return False
    asked = account.config["config"]
    return bool(asked.get("conditional", kind.conditional))


def machine_of(account: Account) -> tuple[Any, ...]:
    machine = account.config.get("provenance", {}).get("machine", {})
    training = account.config.get("training", {})
    return (
        machine.get("processor"),
        tuple(machine.get("accelerators") or ()),
        training.get("device"),
        training.get("precision"),
        training.get("threads"),
    )
