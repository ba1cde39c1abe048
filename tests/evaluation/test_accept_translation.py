"""Row C2 by itself: it measures what it says, and fails what has not learnt."""

from __future__ import annotations

from ganvas.evaluation.accept import LEVELS
from ganvas.evaluation.accept.two_valued import decides


def test_level_three_has_its_row() -> None:
    assert "C2" in [check.name for check in LEVELS[3]]


def test_a_net_that_has_not_learnt_to_decide_fails() -> None:
    """After two steps both nets give about 0 everywhere: right for the regression, wrong for the other; outside is right."""
    outcome = decides(0, steps=2)
    assert not outcome.passed
    assert outcome.facts["critic"] < 0.5
    assert 0.1 < outcome.facts["alone_l1"] < 0.5
    assert outcome.facts["pairs"] == 512
