"""Row A3: the overshoot law of the gradient penalty.

Maximise E[f(x)] - E[f(y)] - lambda E[(|grad f(x^)| - 1)^2] where y is x shifted by W along a unit vector u and x^ lies
uniformly on the line from y to x. With s the slope along u, E[f(x)] - E[f(y)] = W E[s(x^)], so that the maximum is, at each x^,
that of W s - lambda (s - 1)^2: s = 1 + W / (2 lambda), and the raw estimate is W s. A test for a norm of 1 would be wrong.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganvas.evaluation.accept.rows import Outcome
from ganvas.networks.mlp import MLP
from ganvas.objectives import adversarial, penalties
from ganvas.transport import critic_estimate

SHIFT = 2.0
WEIGHTS = (10.0, 1.0, 100.0)
STEPS = 1500


def shifted_pairs(count: int, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Real points and fakes, each fake its real point moved by -W along ``direction`` (2,): two distributions W apart."""
    real = torch.randn(count, 2)
    return real, real - SHIFT * direction


def train_critic(weight: float, seed: int, steps: int = STEPS) -> tuple[float, float]:
    """The mean slope on interpolates and the raw estimate of a critic trained to its optimum, on fresh draws."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        angle = torch.rand(()) * 2 * math.pi
        direction = torch.stack([angle.cos(), angle.sin()])
        critic = MLP(2, 1, width=64, depth=2, slope=0.2, squeeze=True)
        optimiser = torch.optim.Adam(critic.parameters(), 2e-3, (0.5, 0.9), fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(steps):
            real, fake = shifted_pairs(256, direction)
            loss = adversarial.wasserstein_critic(critic(real), critic(fake))
            loss = loss + weight * penalties.gradient_penalty(critic, real, fake)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
        real, fake = shifted_pairs(4096, direction)
        slope = penalties.gradient_squared_norm(critic, penalties.interpolate(real, fake)).sqrt().mean()
        return slope.item(), critic_estimate(critic, real, fake).value


def overshoot(seed: int) -> Outcome:
    """A3: slope and raw estimate within 5 % of 1 + W / (2 lambda) and W times that, for three weights."""
    facts: dict[str, float] = {}
    errors, words = [], []
    for weight in WEIGHTS:
        law = 1 + SHIFT / (2 * weight)
        slope, estimate = train_critic(weight, seed)
        errors += [abs(slope / law - 1), abs(estimate / (SHIFT * law) - 1)]
        words.append(f"lambda {weight:g}: {slope:.3f}, {estimate:.3f} (law {law:.2f}, {SHIFT * law:.2f})")
        facts |= {f"slope_{weight:g}": slope, f"estimate_{weight:g}": estimate}
    return Outcome(max(errors) <= 0.05, "; ".join(words), facts)
