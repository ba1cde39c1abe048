"""Row A2: every objective's value and gradient against closed forms written independently, with sigmoids in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganvas.evaluation.accept.rows import Outcome
from ganvas.objectives import adversarial

Array = npt.NDArray[np.float64]
ClosedForm = Callable[[Array, Array], tuple[float, Array, Array]]
"""(real scores, fake scores) -> value, gradient at the real scores, gradient at the fake scores."""


def sigmoid(t: Array) -> Array:
    value: Array = 1 / (1 + np.exp(-t))
    return value


def minimax_critic(r: Array, f: Array) -> tuple[float, Array, Array]:
    d, g = sigmoid(r), sigmoid(f)
    return -np.log(d).mean() - np.log(1 - g).mean(), (d - 1) / len(r), g / len(f)


def least_squares_critic(r: Array, f: Array) -> tuple[float, Array, Array]:
    return ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, (r - 1) / len(r), f / len(f)


def hinge_critic(r: Array, f: Array) -> tuple[float, Array, Array]:
    value = np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean()
    return value, np.where(r < 1, -1.0, 0.0) / len(r), np.where(f > -1, 1.0, 0.0) / len(f)


def wasserstein_critic(r: Array, f: Array) -> tuple[float, Array, Array]:
    return f.mean() - r.mean(), -np.ones_like(r) / len(r), np.ones_like(f) / len(f)


def relativistic_critic(r: Array, f: Array) -> tuple[float, Array, Array]:
    d = sigmoid(r - f)
    return -np.log(d).mean(), (d - 1) / len(r), (1 - d) / len(f)


def relativistic_generator(r: Array, f: Array) -> tuple[float, Array, Array]:
    d = sigmoid(f - r)
    return -np.log(d).mean(), (1 - d) / len(r), (d - 1) / len(f)


def minimax_generator(r: Array, f: Array) -> tuple[float, Array, Array]:
    g = sigmoid(f)
    return np.log(1 - g).mean(), 0 * r, -g / len(f)


def non_saturating_generator(r: Array, f: Array) -> tuple[float, Array, Array]:
    g = sigmoid(f)
    return -np.log(g).mean(), 0 * r, (g - 1) / len(f)


def least_squares_generator(r: Array, f: Array) -> tuple[float, Array, Array]:
    return ((f - 1) ** 2).mean() / 2, 0 * r, (f - 1) / len(f)


def minus_the_mean(r: Array, f: Array) -> tuple[float, Array, Array]:
    return -f.mean(), 0 * r, -np.ones_like(f) / len(f)


CLOSED_FORMS: dict[str, ClosedForm] = {
    "minimax_critic": minimax_critic,
    "minimax_generator": minimax_generator,
    "non_saturating_generator": non_saturating_generator,
    "least_squares_critic": least_squares_critic,
    "least_squares_generator": least_squares_generator,
    "hinge_critic": hinge_critic,
    "hinge_generator": minus_the_mean,
    "wasserstein_critic": wasserstein_critic,
    "wasserstein_generator": minus_the_mean,
    "relativistic_critic": relativistic_critic,
    "relativistic_generator": relativistic_generator,
}
PAIRED = {name for name in CLOSED_FORMS if name.endswith("_critic")} | {"relativistic_generator"}
"""The objectives that take real scores too."""


def worst_error(name: str, real: Array, fake: Array) -> float:
    """The largest absolute error in value and gradient of one objective."""
    value, at_real, at_fake = CLOSED_FORMS[name](real, fake)
    scores = [torch.tensor(real, requires_grad=True), torch.tensor(fake, requires_grad=True)]
    taken = scores if name in PAIRED else scores[1:]
    # By attribute, so that a row judges the function that training would call.
    loss: Tensor = getattr(adversarial, name)(*taken)
    gradients = [gradient.numpy() for gradient in torch.autograd.grad(loss, taken)]
    errors = [abs(loss.item() - value), float(np.abs(gradients[-1] - at_fake).max())]
    if name in PAIRED:
        errors.append(float(np.abs(gradients[0] - at_real).max()))
    return max(errors)


def objectives(seed: int) -> Outcome:
    """A2: the worst error of each objective over mild and strong scores, in float64."""
    source = np.random.default_rng(seed)
    # To +-16: beyond, 1 - sigmoid itself loses the digits that softplus keeps.
    batches = [(source.normal(0, s, 64).clip(-16, 16), source.normal(0, s, 64).clip(-16, 16)) for s in (0.1, 1.0, 5.0)]
    errors = {name: max(worst_error(name, real, fake) for real, fake in batches) for name in CLOSED_FORMS}
    worst = max(errors, key=lambda name: errors[name])
    return Outcome(errors[worst] <= 1e-6, f"{errors[worst]:.1e} ({worst}, of {len(errors)})", errors)
