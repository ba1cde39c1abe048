"""Row F1's closed forms: right for the real code, and off for code with a fault planted."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.data import ArrayData
from ganvas.evaluation.accept import LEVELS
from ganvas.evaluation.accept import truncation as row
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.objectives.penalties import orthogonality
from ganvas.runs.latents import draw


def test_level_four_has_its_row() -> None:
    assert "F1" in [check.name for check in LEVELS[4]]


@pytest.mark.parametrize(("psi", "known"), [(2.0, 0.880), (1.0, 0.540), (0.5, 0.284)])
def test_the_deviation_is_the_integral(psi: float, known: float) -> None:
    z = torch.linspace(-psi, psi, 20_001, dtype=torch.float64)
    density = (-z.square() / 2).exp()
    integral = math.sqrt(float(torch.trapezoid(z.square() * density, z) / torch.trapezoid(density, z)))
    assert row.truncated_deviation(psi) == pytest.approx(integral, abs=1e-6)
    assert integral == pytest.approx(known, abs=5e-4)


def test_clamped_latents_are_not_truncated_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row, "COMPONENTS", 200_000)
    assert row.deviation_error(0)[1] < 0.01

    def clamped(*arguments: int, seed: int, prior: str, truncation: float) -> torch.Tensor:
        return draw(*arguments, seed=seed, prior="normal").clamp(-truncation, truncation)

    monkeypatch.setattr(row, "draw", clamped)
    assert row.deviation_error(0)[1] > 0.05


def test_a_penalty_of_the_norms_is_not_the_orthogonal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    assert max(row.orthogonality_errors()) < 1e-6

    def with_diagonal(weights: list[torch.Tensor]) -> torch.Tensor:
        return orthogonality(weights) + sum((w.flatten(1).square().sum(1) - 1).square().sum() for w in weights)

    monkeypatch.setattr(row, "orthogonality", with_diagonal)
    assert min(row.orthogonality_errors()) > 0.01


def test_the_model_is_trained_for_steps_and_one_that_has_not_learnt_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (60, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = ArrayData(images, torch.arange(60) % 2, classes=["0", "1"], name="noise")
    judge = LeNetFeatures(LeNet(data.spec).eval(), "lenet (noise)", 0.99, "00", data.spec)
    monkeypatch.setattr(row, "mnist", lambda: data)
    monkeypatch.setattr(row, "lenet", lambda data: judge)
    monkeypatch.setattr(row, "COMPONENTS", 200_000)
    monkeypatch.setattr(row, "SETTINGS", {"width": 4, "latent_size": 6, "batch_size": 8})
    state = torch.random.get_rng_state()
    outcome = row.truncates(0, steps=2, count=40)
    assert outcome.facts["steps"] == 2
    assert len(outcome.facts["precision"]) == len(outcome.facts["recall"]) == 1 + len(row.PSI)
    assert not outcome.passed
    assert torch.equal(torch.random.get_rng_state(), state)
