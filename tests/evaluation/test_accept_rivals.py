"""Row F5 by itself, on tiny pictures: it trains each rival, scores it over time, and fails what is no nearer."""

from __future__ import annotations

import pytest

from ganvas.data.dataset import ArrayData
from ganvas.evaluation import evidence
from ganvas.evaluation.accept import rivals
from ganvas.evaluation.evaluate import evaluate
from tiny import pictures


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ArrayData(pictures(40, seed=2), name="noise")  # held out: fewer than a Frechet distance of 64 numbers needs
    data = ArrayData(pictures(200), name="noise", test=lambda: few)
    monkeypatch.setattr(evidence, "ENOUGH_HELD_OUT", 30)
    monkeypatch.setattr(rivals, "SETS", {"noise": lambda: data})
    small = {"width": 4, "latent_size": 4, "batch_size": 8}
    styled = small | {"style_size": 4, "mapping_layers": 1}
    monkeypatch.setattr(
        rivals, "SETTINGS", {"r3gan": small | {"networks": "dcgan"}, "stylegan": styled, "dcgan": small, "wgan-gp": small}
    )
    monkeypatch.setattr(rivals, "COUNT", 70)
    monkeypatch.setattr(rivals, "STRIDE", 2)


@pytest.mark.parametrize("method", ["r3gan", "stylegan"])
def test_each_is_scored_over_the_same_time(method: str, tiny: None) -> None:
    outcome = rivals.against_rivals(0, minutes=0.001, method=method, sets=("noise",), features="raw")
    found = outcome.facts["noise"]
    assert list(found) == [method, "dcgan", "wgan-gp"] and all(len(ratios) == 3 for ratios in found.values())
    assert all(ratio > 0 for ratios in found.values() for ratio in ratios)
    assert "times as near" in outcome.measured


def test_to_pass_it_must_be_twice_as_near_as_the_better_rival(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    last = {"r3gan": 2.0, "dcgan": 4.1, "wgan-gp": 9.0}
    monkeypatch.setattr(rivals, "course", lambda name, *rest: [50.0, 20.0, last[name]])
    assert rivals.against_rivals(0, sets=("noise",)).passed
    last["wgan-gp"] = 3.9
    assert not rivals.against_rivals(0, sets=("noise",)).passed


def test_its_ratio_is_that_of_evaluate(tiny: None) -> None:
    (data,) = (make() for make in rivals.SETS.values())
    samples = ArrayData(pictures(rivals.COUNT, seed=5)).real(rivals.COUNT).image
    scores = evaluate(samples, ["frechet"], against=data, features="raw", count=rivals.COUNT, seed=3, split="all")
    expected = scores["frechet"].value / scores.floors["frechet"].value
    assert rivals.judge_of(data, 3, "raw").over_floor(samples) == pytest.approx(expected, rel=1e-9)
