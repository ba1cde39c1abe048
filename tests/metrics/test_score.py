"""Scores compare with their own kind only."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ganvas.errors import UsageError
from ganvas.metrics import Score, Stamp

STAMP = Stamp("lenet (mnist), 84-d penultimate layer", "ab" * 32, "none", 5000, 5000, "test", 0)
SCORE = Score("kid", 0.25, STAMP, standard_error=0.01)


def test_compares_and_divides() -> None:
    other = replace(SCORE, value=0.125, stamp=replace(STAMP, seed=3))
    assert other < SCORE
    assert SCORE > other  # noqa: SIM300
    assert other.beats(SCORE)
    assert not SCORE.beats(other)
    assert SCORE - other == 0.125
    assert SCORE / other == 2
    recall, better = replace(SCORE, name="recall", better="higher"), replace(SCORE, name="recall", value=0.5, better="higher")
    assert better.beats(recall)


@pytest.mark.parametrize("verb", ["__lt__", "__gt__", "__sub__", "__truediv__", "beats"])
def test_refuses_another_stamp_by_every_verb(verb: str) -> None:
    other = replace(SCORE, stamp=replace(STAMP, resizer="lanczos", real=10_000))
    with pytest.raises(UsageError, match=r"resizer '.*real .*measure both again"):
        getattr(SCORE, verb)(other)


def test_refuses_another_score() -> None:
    with pytest.raises(UsageError, match="kid and frechet"):
        SCORE.beats(replace(SCORE, name="frechet"))


def test_survives_json_and_reads_well() -> None:
    assert Score.from_json(json.loads(json.dumps(SCORE.to_json()))) == SCORE
    assert str(SCORE).startswith("kid 0.25 ± 0.01 [lenet (mnist)")
