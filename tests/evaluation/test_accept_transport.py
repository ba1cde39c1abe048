"""Rows A1 and A4 hold at a small size, and a judge that saturates or overshoots fails them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganvas.evaluation.accept import estimates, gradients, run_level
from ganvas.examples import discriminator_vs_critic


def test_gradients_at_the_fakes_hold_and_a_saturated_critic_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    judges = discriminator_vs_critic.train(6)
    monkeypatch.setattr(gradients, "train", lambda seed: judges)
    row = next(run_level(2, 6, ["A1"]))
    assert row.passed, row.measured
    assert set(row.facts) == {"minimax", "non_saturating", "clipped", "penalised"}
    monkeypatch.setattr(gradients, "train", lambda seed: judges | {"penalised": judges["discriminator"]})
    assert not next(run_level(2, 6, ["A1"])).passed
    monkeypatch.setattr(gradients, "train", lambda seed: judges | {"discriminator": judges["penalised"]})
    assert not next(run_level(2, 6, ["A1"])).passed


def test_estimates_hold_and_an_overshooting_critic_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "PAIRS", dict([next(iter(estimates.PAIRS.items()))]))
    monkeypatch.setattr(estimates, "STEPS", 600)
    monkeypatch.setattr(estimates, "COUNT", 600)
    row = next(run_level(2, 1, ["A4"]))
    assert row.passed, row.measured
    original = estimates.penalised_critic

    def twice(*arguments: Any, **options: Any) -> Any:
        critic = original(*arguments, **options)
        return lambda x: 2 * critic(x)

    monkeypatch.setattr(estimates, "penalised_critic", twice)
    monkeypatch.setattr(estimates, "STEPS", 50)
    assert not next(run_level(2, 1, ["A4"])).passed


def test_the_two_sides_of_a_pair_are_drawn_apart() -> None:
    (pair,) = [pair() for name, pair in estimates.PAIRS.items() if name == "25 modes, 2 modes"]
    real, fake = estimates.fresh(*pair, seed=0)()
    noise = torch.stack([real[:, 1] - real[:, 1].round(), fake[:, 1]])
    assert abs(float(torch.corrcoef(noise)[0, 1])) < 0.25
