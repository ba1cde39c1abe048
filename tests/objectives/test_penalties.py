"""Penalties: closed forms with their papers' factors, double backward against finite differences, clipping, spectral norm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganvas.objectives.penalties import (
    clip_weights_,
    gradient_penalty,
    gradient_squared_norm,
    interpolate,
    normalise_spectrum,
    r1,
    r2,
    squared_slope,
)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


REAL, FAKE = normal(9, 3, seed=0), normal(9, 3, seed=1) + 1
SLOPE = torch.tensor([3.0, 0.0, -4.0], dtype=torch.float64)  # of length 5


def linear(x: Tensor) -> Tensor:
    return x @ SLOPE.to(x.dtype)


def quadratic(x: Tensor) -> Tensor:
    return x.square().sum(1) / 2  # its gradient at x is x


def critic() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return nn.Sequential(
            nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Softplus(), nn.Linear(8, 1), nn.Flatten(0)
        ).double()


PENALTIES: dict[str, Callable[[Callable[[Tensor], Tensor]], Tensor]] = {
    "gradient_penalty": lambda f: gradient_penalty(f, REAL, FAKE),
    "one_sided": lambda f: gradient_penalty(f, REAL, FAKE, one_sided=True, target=0.05),
    "r1": lambda f: r1(f, REAL),
    "r2": lambda f: r2(f, FAKE),
}


def test_linear_critic() -> None:
    assert float(gradient_penalty(linear, REAL, FAKE)) == pytest.approx(16, rel=1e-9)  # (5 - 1)^2
    assert float(gradient_penalty(linear, REAL, FAKE, target=6)) == pytest.approx(1, rel=1e-9)
    assert float(gradient_penalty(linear, REAL, FAKE, target=6, one_sided=True)) == 0
    assert float(gradient_penalty(linear, REAL, FAKE, target=4, one_sided=True)) == pytest.approx(1, rel=1e-9)
    # Without the factor of 1/2: gamma / 2 is the caller's.
    assert float(r1(linear, REAL)) == pytest.approx(25, rel=1e-12)
    assert float(r2(linear, FAKE)) == pytest.approx(25, rel=1e-12)


def test_quadratic_critic() -> None:
    torch.testing.assert_close(gradient_squared_norm(quadratic, REAL), REAL.square().sum(1))
    assert float(r1(quadratic, REAL).detach()) == pytest.approx(float(REAL.square().sum(1).mean()), rel=1e-12)
    assert float(r2(quadratic, FAKE).detach()) == pytest.approx(float(FAKE.square().sum(1).mean()), rel=1e-12)
    torch.manual_seed(3)
    between = interpolate(REAL, FAKE)
    torch.manual_seed(3)
    expected = (between.norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(gradient_penalty(quadratic, REAL, FAKE), expected)


def test_slope_of_a_forward_that_is_there() -> None:
    samples = REAL.clone().requires_grad_(True)
    torch.testing.assert_close(squared_slope(quadratic(samples), samples), REAL.square().sum(1))


def test_interpolates_lie_on_the_lines_with_one_position_a_sample() -> None:
    torch.manual_seed(4)
    real, fake = torch.ones(2000, 2, 3), torch.zeros(2000, 2, 3)
    position = interpolate(real, fake)
    assert torch.equal(position, position[:, :1, :1].expand_as(position))
    assert bool(((position >= 0) & (position <= 1)).all())
    assert float(position[:, 0, 0].mean()) == pytest.approx(0.5, abs=0.03)
    assert float(position[:, 0, 0].var()) == pytest.approx(1 / 12, abs=0.006)


@pytest.mark.parametrize("name", PENALTIES)
def test_double_backward_equals_finite_differences(name: str) -> None:
    network, penalty = critic(), PENALTIES[name]

    def value() -> Tensor:
        torch.manual_seed(5)  # the same interpolates each time
        return penalty(network)

    parameters = [p for p in network.parameters() if p.dim() > 1]  # the last bias has no say in a slope
    gradients = torch.autograd.grad(value(), parameters)
    step = 1e-5
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for index in range(0, parameter.numel(), 5):
            flat = parameter.data.view(-1)
            kept = flat[index].item()
            flat[index] = kept + step
            above = float(value().detach())
            flat[index] = kept - step
            below = float(value().detach())
            flat[index] = kept
            assert (above - below) / (2 * step) == pytest.approx(float(gradient.view(-1)[index]), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", PENALTIES)
def test_precision_is_kept_and_never_below_single(name: str) -> None:
    assert PENALTIES[name](critic()).dtype == torch.float64
    half = critic().bfloat16()
    assert r1(half, REAL.bfloat16()).dtype == torch.float32


def test_dead_critic_has_a_finite_penalty_gradient() -> None:
    network = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)).double()
    nn.init.zeros_(network[0].weight)
    penalty = gradient_penalty(network, REAL, FAKE)
    (gradient,) = torch.autograd.grad(penalty, [network[0].weight])
    assert float(penalty.detach()) == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(gradient).all()


def test_penalties_do_not_reach_the_samples() -> None:
    fake = FAKE.clone().requires_grad_(True)
    (gradient_penalty(critic(), REAL, fake) + r2(critic(), fake)).backward()
    assert fake.grad is None


def test_clipping_is_exact_and_in_place() -> None:
    network = critic()
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    clip_weights_(network, 0.1)
    for name, weight in network.named_parameters():
        assert torch.equal(weight, before[name].clamp(-0.1, 0.1))
    assert any((weight.abs() == 0.1).any() for weight in network.parameters())


def test_spectral_norm_against_svd() -> None:
    torch.manual_seed(6)
    network = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
    largest = [float(torch.linalg.svdvals(layer.weight.detach())[0]) for layer in (network[0], network[2])]
    plain = [layer.weight.detach().clone() for layer in (network[0], network[2])]
    normalise_spectrum(network.modules())
    for _ in range(100):
        network(torch.randn(1, 20))
    network.eval()
    for layer, weight, value in zip((network[0], network[2]), plain, largest, strict=True):
        torch.testing.assert_close(layer.weight, weight / value, rtol=1e-3, atol=1e-4)
        assert float(torch.linalg.svdvals(layer.weight.detach())[0]) == pytest.approx(1, rel=1e-3)


def test_spectral_norm_of_convolutions_and_embeddings() -> None:
    network = nn.ModuleDict({"conv": nn.Conv2d(3, 8, 3), "words": nn.Embedding(10, 6), "norm": nn.BatchNorm2d(8)})
    normalise_spectrum(network.values())
    assert nn.utils.parametrize.is_parametrized(network["conv"], "weight")
    assert nn.utils.parametrize.is_parametrized(network["words"], "weight")
    assert not nn.utils.parametrize.is_parametrized(network["norm"])


def test_judging_does_not_advance_the_power_iteration() -> None:
    layer = spectral_norm(nn.Linear(6, 6)).eval()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer(torch.randn(4, 6))
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
