"""The dual problem of Kantorovich and Rubinstein: what a critic says of the distance, and what its word is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Critic = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CriticEstimate:
    """A critic's estimate of W1 with its Lipschitz constant beside it.

    Args:
        value: E[f(x)] - E[f(G(z))], signed: positive when the critic scores real samples higher.
        lipschitz: the largest |grad f| over ``measured_on``. The true constant of f is at least this.
        measured_on: the points at which the slope was measured, in words.
        real, fake: samples on each side.
    """

    value: float
    lipschitz: float
    measured_on: str
    real: int
    fake: int

    @property
    def bound(self) -> float:
        """``value / lipschitz``: at most W1 as far as the slope was measured where it is steepest; 0 for a flat critic."""
        return self.value / self.lipschitz if self.lipschitz > 0 else 0.0

    def __str__(self) -> str:
        return (
            f"E[f(x)] - E[f(G(z))] = {self.value:.4g}, largest slope {self.lipschitz:.4g} over {self.measured_on}: "
            f"W1 >= {self.bound:.4g}"
        )


def critic_estimate(critic: Critic, real: Tensor, fake: Tensor, *, seed: int = 0, batch_size: int = 512) -> CriticEstimate:
    """The dual value of ``critic`` between ``real`` and ``fake``, (N, ...) and (M, ...), and its steepest slope.

    W1 = sup over 1-Lipschitz f of E[f(x)] - E[f(G(z))] (Kantorovich-Rubinstein), so any critic's value over its Lipschitz
    constant bounds W1 from below. The slope is taken at every real and fake sample and at min(N, M) points drawn uniformly
    (from ``seed``) on the lines between them, where the mass must travel. A module is put in evaluation mode meanwhile.
    """
    training = critic.training if isinstance(critic, nn.Module) else False
    if isinstance(critic, nn.Module):
        critic.eval()
    try:
        pairs = min(len(real), len(fake))
        # The draw is made on the cpu so that it does not depend on the device.
        position = torch.rand(pairs, *[1] * (real.dim() - 1), generator=torch.Generator().manual_seed(seed)).to(real)
        between = torch.lerp(fake[:pairs].detach(), real[:pairs].detach(), position)
        score_real, slope_real = score_and_slope(critic, real, batch_size)
        score_fake, slope_fake = score_and_slope(critic, fake, batch_size)
        _, slope_between = score_and_slope(critic, between, batch_size)
    finally:
        if isinstance(critic, nn.Module):
            critic.train(training)
    return CriticEstimate(
        value=score_real - score_fake,
        lipschitz=max(slope_real, slope_fake, slope_between),
        measured_on=f"{len(real)} real and {len(fake)} fake samples and {pairs} points between them",
        real=len(real),
        fake=len(fake),
    )


def score_and_slope(critic: Critic, samples: Tensor, batch_size: int) -> tuple[float, float]:
    """The mean score and the largest gradient norm of ``critic`` over ``samples`` (N, ...)."""
    total, steepest = 0.0, 0.0
    with torch.enable_grad():
        for batch in torch.split(samples.detach(), batch_size):
            points = batch.clone().requires_grad_(True)
            scores = critic(points)
            (gradient,) = torch.autograd.grad(scores.sum(), points)
            total += float(scores.detach().double().sum())
            steepest = max(steepest, float(gradient.flatten(1).double().norm(dim=1).max()))
    return total / len(samples), steepest
