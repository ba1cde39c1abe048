"""Row F1's closed forms: right for the real code, and off for code with a fault planted."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.evaluation.accept import LEVELS
from ganvas.evaluation.accept import truncation as row
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
