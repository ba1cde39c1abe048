"""The dual value: sign, slope and bound of critics that are known in closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganvas.transport import critic_estimate, emd


def draws(shift: float) -> tuple[torch.Tensor, torch.Tensor]:
    points = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    return points + torch.tensor([shift, 0.0]), points


def test_linear_critic_of_slope_one_attains_the_distance_of_a_shift() -> None:
    real, fake = draws(1.5)
    estimate = critic_estimate(lambda x: x[:, 0], real, fake)
    assert estimate.value == pytest.approx(1.5, rel=1e-5)
    assert estimate.lipschitz == pytest.approx(1.0, rel=1e-6)
    assert estimate.bound == pytest.approx(emd(real, fake), rel=1e-5)


def test_scaling_the_critic_scales_the_value_and_not_the_bound() -> None:
    real, fake = draws(1.5)
    steep = critic_estimate(lambda x: 7 * x[:, 0], real, fake)
    assert steep.value == pytest.approx(10.5, rel=1e-5)
    assert steep.lipschitz == pytest.approx(7.0, rel=1e-6)
    assert steep.bound == pytest.approx(1.5, rel=1e-5)


def test_value_is_signed() -> None:
    real, fake = draws(1.5)
    assert critic_estimate(lambda x: -x[:, 0], real, fake).value == pytest.approx(-1.5, rel=1e-5)


def test_flat_critic_claims_nothing() -> None:
    real, fake = draws(1.5)
    estimate = critic_estimate(lambda x: 0 * x[:, 0] + 3, real, fake)
    assert estimate.value == pytest.approx(0.0, abs=1e-6)
    assert estimate.bound == 0.0


def test_slope_between_the_samples_counts() -> None:
    real, fake = torch.full((200, 1), 4.0), torch.full((200, 1), -4.0)
    # A sigmoid is flat at both ends: only the points between them see its slope of 1/4 at 0.
    estimate = critic_estimate(lambda x: torch.sigmoid(x[:, 0]), real, fake)
    assert estimate.lipschitz == pytest.approx(0.25, rel=0.01)
    assert estimate.bound <= 8.0


def test_any_critic_bounds_the_distance_from_below() -> None:
    torch.manual_seed(1)
    real, fake = draws(0.7)
    for _ in range(5):
        critic = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
        assert critic_estimate(critic, real, fake).bound <= emd(real, fake) * 1.02


def test_judging_leaves_the_critic_as_it_was() -> None:
    real, fake = draws(0.5)
    critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1), nn.Flatten(0)).train()
    before = {name: tensor.clone() for name, tensor in critic.state_dict().items()}
    first, second = critic_estimate(critic, real, fake), critic_estimate(critic, real, fake)
    assert first == second
    assert critic.training
    assert all(torch.equal(before[name], tensor) for name, tensor in critic.state_dict().items())
    assert all(weight.grad is None for weight in critic.parameters())
    assert "points between them" in str(first)
