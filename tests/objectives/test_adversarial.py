"""Every objective's value and gradient against closed forms, written with sigmoids in NumPy, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.objectives import adversarial

Array = np.ndarray
N = 7
REAL = np.random.default_rng(0).normal(0.5, 2, N)
FAKE = np.random.default_rng(1).normal(-0.5, 2, N)
ONE = np.ones(N)


def sigmoid(t: Array) -> Array:
    return 1 / (1 + np.exp(-t))


D_REAL, D_FAKE = sigmoid(REAL), sigmoid(FAKE)
CRITICS: dict[str, tuple[float, Array, Array]] = {  # value, gradient at the real scores, at the fake scores
    "minimax": (-np.log(D_REAL).mean() - np.log(1 - D_FAKE).mean(), (D_REAL - 1) / N, D_FAKE / N),
    "least_squares": (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, (REAL - 1) / N, FAKE / N),
    "hinge": (
        np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(),
        -(REAL < 1).astype(float) / N,
        (FAKE > -1).astype(float) / N,
    ),
    "wasserstein": (FAKE.mean() - REAL.mean(), -ONE / N, ONE / N),
    "relativistic": (-np.log(sigmoid(REAL - FAKE)).mean(), (sigmoid(REAL - FAKE) - 1) / N, (1 - sigmoid(REAL - FAKE)) / N),
}
GENERATORS: dict[str, tuple[float, Array]] = {  # value, gradient at the fake scores
    "minimax_generator": (np.log(1 - D_FAKE).mean(), -D_FAKE / N),
    "non_saturating_generator": (-np.log(D_FAKE).mean(), (D_FAKE - 1) / N),
    "least_squares_generator": (((FAKE - 1) ** 2).mean() / 2, (FAKE - 1) / N),
    "hinge_generator": (-FAKE.mean(), -ONE / N),
    "wasserstein_generator": (-FAKE.mean(), -ONE / N),
}


def evaluate(objective: Callable[..., Tensor], *scores: Array) -> tuple[float, list[Array]]:
    inputs = [torch.tensor(score, requires_grad=True) for score in scores]
    value = objective(*inputs)
    gradients = torch.autograd.grad(value, inputs)
    return float(value.detach()), [gradient.numpy() for gradient in gradients]


@pytest.mark.parametrize("name", CRITICS)
def test_critic(name: str) -> None:
    expected, at_real, at_fake = CRITICS[name]
    value, (real_gradient, fake_gradient) = evaluate(getattr(adversarial, f"{name}_critic"), REAL, FAKE)
    assert value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(real_gradient, at_real, atol=1e-12)
    np.testing.assert_allclose(fake_gradient, at_fake, atol=1e-12)


@pytest.mark.parametrize("name", GENERATORS)
def test_generator(name: str) -> None:
    expected, at_fake = GENERATORS[name]
    value, (gradient,) = evaluate(getattr(adversarial, name), FAKE)
    assert value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(gradient, at_fake, atol=1e-12)


def test_relativistic_generator() -> None:
    value, (at_real, at_fake) = evaluate(adversarial.relativistic_generator, REAL, FAKE)
    assert value == pytest.approx(-np.log(sigmoid(FAKE - REAL)).mean(), abs=1e-12)
    np.testing.assert_allclose(at_fake, (sigmoid(FAKE - REAL) - 1) / N, atol=1e-12)
    np.testing.assert_allclose(at_real, -at_fake, atol=1e-12)


def test_relativistic_compares_pairs_not_means() -> None:
    crossed, _ = evaluate(adversarial.relativistic_critic, REAL, FAKE[::-1].copy())
    assert crossed != pytest.approx(CRITICS["relativistic"][0], abs=1e-3)


def test_every_objective_is_here() -> None:
    defined = {name for name in vars(adversarial) if name.endswith(("_critic", "_generator"))}
    assert defined == {f"{name}_critic" for name in CRITICS} | set(GENERATORS) | {"relativistic_generator"}


@pytest.mark.parametrize("name", ["minimax_critic", "relativistic_critic", "relativistic_generator"])
def test_no_overflow_at_extreme_scores(name: str) -> None:
    value, gradients = evaluate(getattr(adversarial, name), np.array([-1e4, 1e4]), np.array([1e4, -1e4]))
    assert np.isfinite(value)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_minimax_generator_saturates_where_the_non_saturating_does_not() -> None:
    rejected = np.array([-20.0])
    _, (minimax,) = evaluate(adversarial.minimax_generator, rejected)
    _, (non_saturating,) = evaluate(adversarial.non_saturating_generator, rejected)
    assert abs(minimax[0]) < 1e-8
    assert non_saturating[0] == pytest.approx(-1, abs=1e-8)
