"""Row A7: what keeps a critic smooth, and the average of weights: derivatives, factors, spectra and closed forms."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganvas.evaluation.accept.rows import Outcome
from ganvas.objectives import penalties
from ganvas.training.averaging import Average, decay

DIMENSION = 4


def smooth_critic() -> nn.Module:
    """A small critic with continuous second derivatives, in float64."""
    layers = [nn.Linear(DIMENSION, 12), nn.Tanh(), nn.Linear(12, 12), nn.Softplus(), nn.Linear(12, 1), nn.Flatten(0)]
    return nn.Sequential(*layers).double()


def double_backward_error(seed: int) -> float:
    """The worst relative error of the penalties' gradients against central differences along random directions."""
    real, fake = torch.randn(16, DIMENSION).double(), torch.randn(16, DIMENSION).double() + 1
    critic = smooth_critic()
    cases: list[Callable[[], Tensor]] = [
        lambda: penalties.gradient_penalty(critic, real, fake),
        lambda: penalties.gradient_penalty(critic, real, fake, one_sided=True, target=0.1),
        lambda: penalties.r1(critic, real),
        lambda: penalties.r2(critic, fake),
    ]
    weights = [weight for weight in critic.parameters() if weight.dim() > 1]
    step, errors = 1e-5, []

    def value(case: Callable[[], Tensor]) -> Tensor:
        torch.manual_seed(seed)  # the same interpolates each time
        return case()

    for case in cases:
        gradients = torch.autograd.grad(value(case), weights)
        for direction in range(4):
            torch.manual_seed(seed + 1 + direction)
            along = [torch.randn_like(weight) for weight in weights]
            exact = sum(float((g * d).sum()) for g, d in zip(gradients, along, strict=True))
            ends = []
            for sign in (1, -1):
                move(weights, along, sign * step)
                ends.append(value(case).item())
                move(weights, along, -sign * step)
            errors.append(abs((ends[0] - ends[1]) / (2 * step) - exact) / max(abs(exact), 1e-3))
    return max(errors)


@torch.no_grad()
def move(weights: list[nn.Parameter], along: list[Tensor], step: float) -> None:
    for weight, direction in zip(weights, along, strict=True):
        weight.add_(direction, alpha=step)


def factor_error() -> float:
    """The worst error of the penalties on a linear critic of slope 5, where the papers' formulas give whole numbers."""
    real, fake = torch.randn(8, 2).double(), torch.randn(8, 2).double()
    slope = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)

    def linear(x: Tensor) -> Tensor:
        return x @ slope

    found = [
        (penalties.gradient_penalty(linear, real, fake), 16.0),  # (5 - 1)^2
        (penalties.gradient_penalty(linear, real, fake, one_sided=True, target=6), 0.0),
        (3 / 2 * penalties.r1(linear, real), 37.5),  # gamma / 2 |grad|^2
        (3 / 2 * penalties.r2(linear, fake), 37.5),
    ]
    return max(abs(value.item() - expected) for value, expected in found)


def spectral_error() -> float:
    """The worst relative error of the normalised weight against weight / largest singular value by SVD."""
    layers: list[nn.Linear | nn.Conv2d] = [nn.Linear(40, 30), nn.Linear(10, 60), nn.Conv2d(3, 16, 3)]
    matrices = [layer.weight.detach().flatten(1).clone() for layer in layers]
    penalties.normalise_spectrum(layers)
    errors: list[float] = []
    for layer, matrix in zip(layers, matrices, strict=True):
        for _ in range(200):
            _ = layer.weight  # in training mode reading it is one power iteration
        expected = matrix / torch.linalg.svdvals(matrix)[0]
        normalised = layer.eval().weight.detach().flatten(1)
        errors.append(((normalised - expected).norm() / expected.norm()).item())
    return max(errors)


def average_error() -> float:
    """The averaged weight of a source that jumps from 0 to 1 and stays, against 1 - product of the betas."""
    source = nn.Linear(3, 2, bias=False).double()
    nn.init.zeros_(source.weight)
    average = Average(source, half_life=500.0)
    nn.init.ones_(source.weight)
    batch, steps, kept = 64, 400, 1.0
    for step in range(1, steps + 1):
        average.update(step * batch, batch)
        kept *= 0.5 ** (batch / min(500.0, 0.05 * step * batch))  # the half-life warms up to 5 % of what was seen
    weight = average.module.state_dict()["weight"]
    past_warm_up = abs(decay(500.0, 10**9, 500) - 0.5)
    return max(float((weight - (1 - kept)).abs().max()), past_warm_up)


def clipping_is_exact() -> bool:
    critic = nn.Sequential(nn.Linear(20, 20), nn.LeakyReLU(), nn.Linear(20, 1))
    expected = [weight.detach().clamp(-0.1, 0.1) for weight in critic.parameters()]
    penalties.clip_weights_(critic, 0.1)
    return all(torch.equal(weight, value) for weight, value in zip(critic.parameters(), expected, strict=True))


def smoothness(seed: int) -> Outcome:
    """A7: double backward and factors to 1e-4, spectral norm to 1 %, averages to 1e-6, clipping to the bit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backward, factors = double_backward_error(seed), factor_error()
        spectral, averages, clipped = spectral_error(), average_error(), clipping_is_exact()
    passed = backward <= 1e-4 and factors <= 1e-4 and spectral <= 0.01 and averages <= 1e-6 and clipped
    measured = (
        f"double backward {backward:.1e}, factors {factors:.1e}, spectral norm {spectral:.2%}, EMA {averages:.1e}, "
        f"clipping {'exact' if clipped else 'not exact'}"
    )
    facts = {"double_backward": backward, "factors": factors, "spectral": spectral, "ema": averages, "clipping": clipped}
    return Outcome(passed, measured, facts)
