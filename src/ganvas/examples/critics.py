"""Small critics trained to their optimum between two distributions that stand still: nothing but the inner loop of a GAN."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ganvas.networks.mlp import MLP
from ganvas.networks.slopes import scores_and_slopes
from ganvas.objectives.adversarial import minimax_critic, wasserstein_critic
from ganvas.objectives.penalties import clip_weights_, interpolate, slope_penalty

Draw = Callable[[], tuple[Tensor, Tensor]]
"""Fresh real and fake samples, (N, d) each."""
CLIP = 0.1
"""Bound of a clipped critic's weights; its slope is of the order of its third power times the squared width."""


def discriminator(draw: Draw, seed: int, *, steps: int) -> nn.Module:
    """A discriminator trained by the minimax loss; its output is a logit, (N,)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = perceptron(draw)
        optimiser = torch.optim.Adam(network.parameters(), 2e-3, (0.5, 0.99))
        for _ in falling(optimiser, steps):
            real, fake = draw()
            minimax_critic(network(real), network(fake)).backward()
            optimiser.step()
    return network.eval()


def clipped_critic(draw: Draw, seed: int, *, steps: int) -> nn.Module:
    """A critic whose weights are clipped to +-``CLIP`` after each step (Arjovsky et al. 2017, Algorithm 1, lines 3-7)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = perceptron(draw)
        optimiser = torch.optim.RMSprop(network.parameters(), CLIP / 50)
        for _ in falling(optimiser, steps):
            real, fake = draw()
            wasserstein_critic(network(real), network(fake)).backward()
            optimiser.step()
            clip_weights_(network, CLIP)
    return network.eval()


def penalised_critic(draw: Draw, seed: int, *, weight: float, steps: int, width: int = 64) -> nn.Module:
    """A critic with ``weight`` times the gradient penalty (Gulrajani et al. 2017, Algorithm 1, lines 2-10)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = perceptron(draw, width)
        optimiser = torch.optim.Adam(network.parameters(), 2e-3, (0.5, 0.99))
        for _ in falling(optimiser, steps):
            real, fake = draw()
            scores, squared_slopes = scores_and_slopes(network, torch.cat([real, fake]), interpolate(real, fake))
            loss = wasserstein_critic(scores[: len(real)], scores[len(real) :]) + weight * slope_penalty(squared_slopes)
            loss.backward()
            optimiser.step()
    return network.eval()


def perceptron(draw: Draw, width: int = 64) -> MLP:
    real, _ = draw()
    return MLP(real.shape[1], 1, width=width, depth=2, slope=0.2, squeeze=True)


def falling(optimiser: torch.optim.Optimizer, steps: int) -> Iterator[int]:
    """Counts ``steps``, clears the gradients before each, and lets the rate fall to zero on a cosine."""
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        optimiser.zero_grad(set_to_none=True)
        yield step
        schedule.step()
