"""Row D1: judged where there is a GPU, reported where there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganvas.evaluation.accept import stacked_modes
from ganvas.metrics.stamp import Stamp


def found(modes: float, divergence: float) -> Any:
    stamp = Stamp("digits", "", "none", 10, 10, "test", 0, "")
    scores = {"modes": modes, "modes/kl": divergence}

    class Found(dict[str, Any]):
        floors = {key: SimpleNamespace(value=value) for key, value in (("modes", 1000.0), ("modes/kl", 0.02))}

    return Found({key: SimpleNamespace(value=value, stamp=stamp) for key, value in scores.items()})


@pytest.mark.parametrize(
    ("gpu", "modes", "divergence", "passed"),
    [
        (True, 1000.0, 0.09, True),
        (True, 999.0, 0.09, False),
        (True, 1000.0, 0.11, False),
        (False, 300.0, 2.0, True),
    ],
)
def test_all_modes_are_asked_for_on_a_gpu(
    gpu: bool, modes: float, divergence: float, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(stacked_modes, "stacked_mnist", lambda: SimpleNamespace(digits=None))
    monkeypatch.setattr(stacked_modes, "lenet", lambda _: SimpleNamespace(accuracy=0.995))
    monkeypatch.setattr(
        stacked_modes,
        "recipe_for",
        lambda _, budget: asked.update(minutes=budget.minutes) or SimpleNamespace(method="r3gan", settings={}),
    )
    monkeypatch.setattr(stacked_modes, "train_to_end", lambda *_, minutes: SimpleNamespace(step=1, images=32))
    monkeypatch.setattr(stacked_modes, "draw", lambda _, count, seed: torch.zeros(count, 1))
    monkeypatch.setattr(
        stacked_modes, "evaluate", lambda *_, **given: asked.update(count=given["count"]) or found(modes, divergence)
    )
    outcome = stacked_modes.every_mode(0)
    assert outcome.passed is passed
    assert outcome.facts["met"] is (modes == 1000 and divergence <= 0.1)
    assert asked == {"minutes": 10.0 if gpu else 30.0, "count": 26_000}
    assert ("not judged" in outcome.measured) is not gpu
