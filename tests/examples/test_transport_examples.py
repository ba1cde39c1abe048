"""The two examples on transport: their figures, their numbers, and what would be wrong with other numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.data import points
from ganvas.examples import EXAMPLES, critics, discriminator_vs_critic, parallel_lines, plans, wasserstein
from ganvas.examples.discriminator_vs_critic import pushes
from ganvas.examples.figures import Frame
from ganvas.transport import emd, transport_plan


class Fixed(nn.Module):
    """A judge of known slope."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.slope * x[:, 0]


def test_pushes_are_those_of_the_optimal_discriminator() -> None:
    """The optimal logit between N(-3, 1) and N(3, 1) is -6 x: d/dx log(1 - D) is 6 sigmoid(-6 x), of -log D 6 sigmoid(6 x)."""
    found = pushes({"discriminator": Fixed(-6.0), "clipped": Fixed(-0.5), "penalised": Fixed(-1.3)}, 0)
    assert found["minimax"].median == pytest.approx(6 / (1 + math.exp(18)), rel=0.2)  # steep in the fakes' median
    assert found["non_saturating"].median == pytest.approx(6, rel=1e-5)
    assert found["minimax"].most == pytest.approx(6, rel=1e-5)
    assert found["clipped"].median == found["clipped"].least == pytest.approx(0.5)
    assert found["penalised"].spread == 0
    assert discriminator_vs_critic.law() == pytest.approx(1.3)


def test_discriminator_saturates_and_critic_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discriminator_vs_critic, "THETAS", (0.0, 0.5))
    result = EXAMPLES["discriminator-vs-critic"](tmp_path, fast=True, seed=3)
    assert result.figure.read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(result.record.read_text())
    gradients = numbers["gradients"]
    assert gradients["minimax"]["median"] <= 1e-3
    assert gradients["non_saturating"]["median"] >= 1
    assert gradients["penalised"]["median"] == pytest.approx(1.3, rel=0.15)
    assert gradients["clipped"]["spread"] <= 0.1
    assert numbers["lines"][1]["kl"] == "infinite"


def test_lines_say_what_the_paper_says() -> None:
    """Example 1: W = |theta|; JS = log 2, KL infinite and TV = 1 for every theta but 0, where all are 0."""
    for theta in (-0.7, 0.1, 1.0):
        found = parallel_lines.divergences(theta, 1)
        assert found.js == pytest.approx(math.log(2), rel=1e-12)
        assert found.kl == math.inf
        assert found.total_variation == pytest.approx(1, rel=1e-12)
        assert found.w1 == pytest.approx(abs(theta), abs=0.02)
    same = parallel_lines.divergences(0.0, 1)
    assert max(same.js, same.kl, same.total_variation, same.w1) < 0.05


def test_histogram_divergences_of_known_shares() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0]).double(), torch.tensor([0.25, 0.5, 0.25]).double()
    assert parallel_lines.relative(p, q) == pytest.approx(0.5 * math.log(2))
    assert parallel_lines.relative(q, p) == math.inf


def test_the_clipped_critic_keeps_its_weights_within_the_clip() -> None:
    critic = critics.clipped_critic(discriminator_vs_critic.draw, 0, steps=30)
    largest = max(float(weight.detach().abs().max()) for weight in critic.parameters())
    assert largest == pytest.approx(critics.CLIP)


def test_training_a_critic_leaves_the_callers_randomness_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    critics.discriminator(discriminator_vs_critic.draw, 0, steps=2)
    assert torch.equal(torch.rand(3), expected)


def test_the_exact_potential_is_a_critic_of_slope_one_worth_w1() -> None:
    a, b = points("ring").real(60, 1).image, points("grid").real(50, 2).image
    plan = transport_plan(a, b)
    f = wasserstein.potential(b, plan)
    torch.testing.assert_close(f(a), plan.potential_a)
    assert float(f(a).mean() - f(b).mean()) == pytest.approx(emd(a, b), rel=1e-12)
    here, there = torch.randn(500, 2) * 3, torch.randn(500, 2) * 3
    ratio = (f(here) - f(there)).abs() / (here - there).double().norm(dim=1)
    assert float(ratio.max()) <= 1 + 1e-9


def test_primal_equals_dual_on_every_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasserstein, "COUNT", 80)
    monkeypatch.setattr(wasserstein, "FAST", 20)
    told: list[str] = []
    result = EXAMPLES["wasserstein"](tmp_path, fast=True, seed=4, report=lambda news: told.append(str(news)))
    numbers = json.loads(result.record.read_text())
    assert numbers["tolerance"] <= 1e-9
    assert any("primal = dual" in sentence for sentence in told)
    for pair in numbers["pairs"].values():
        assert pair["potential_slope"] <= 1 + 1e-9
        assert all(pair[f"lambda_{weight:g}"]["bound"] <= pair["primal"] * 1.02 for weight in wasserstein.WEIGHTS)
    assert result.figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_plan_of_points_is_drawn_in_any_dimension(d: int) -> None:
    a, b = torch.randn(40, d), torch.randn(30, d)
    drawn = plans.plan_of_points(Frame("t", "s", "n"), a, b, transport_plan(a, b), ("A", "B"))
    assert drawn.startswith(b"\x89PNG")


def test_a_plan_of_pictures_is_drawn() -> None:
    a, b = torch.rand(5, 3, 8, 8) * 2 - 1, torch.rand(7, 3, 8, 8) * 2 - 1
    drawn = plans.plan_of_pictures(Frame("t", "s", "n"), a, b, transport_plan(a, b), ("A", "B"))
    assert drawn.startswith(b"\x89PNG")
