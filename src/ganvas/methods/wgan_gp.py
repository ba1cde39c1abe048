"""WGAN-GP: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv 1704.00028."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganvas.networks.mlp import MLP
from ganvas.networks.slopes import scores_and_slopes
from ganvas.objectives.adversarial import wasserstein_critic, wasserstein_generator
from ganvas.objectives.penalties import interpolate, slope_penalty


@dataclass(frozen=True, kw_only=True)
class WGANGPConfig(MethodConfig):
    """Algorithm 1's defaults: lambda, n_critic, alpha, beta1, beta2, m; betas (0.5, 0.9) as its image experiments.

    Args:
        penalty: lambda, the weight of the gradient penalty; 10 for pictures, 0.1 in the authors' toy code for points.
        one_sided: penalise only slopes above 1 (section 4 discusses both).
        critic_steps: n_critic, critic updates a generator update.
        learning_rate: alpha, of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update, as Algorithm 1 does; else it shares the last critic step's.
        smooth_start: the generator of pictures starts without a checkerboard, for trainings of minutes.
    """

    penalty: float = number(10.0, at_least=0)
    one_sided: bool = False
    critic_steps: int = number(5, at_least=1)
    learning_rate: float = number(1e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.9, at_least=0, at_most=0.99999)
    fresh_latent: bool = False
    smooth_start: bool = False


def players(config: WGANGPConfig, spec: Spec) -> tuple[nn.Module, nn.Module]:
    """Generator and critic by the data. The critic has no batch norm: the penalty is a statement about each sample alone."""
    c = config
    if spec.is_image:
        critic = DCGANDiscriminator(spec, width=c.width, batch_norm=False)
        return DCGANGenerator(spec, latent_size=c.latent_size, width=c.width, smooth=c.smooth_start), critic
    (size,) = spec.shape
    return MLP(c.latent_size, size, width=c.width), MLP(size, 1, width=c.width, squeeze=True)


class WGANGP(Method):
    """E[f(x~)] - E[f(x)] + lambda E[(|grad f(x^)| - 1)^2] (eq. 3), the critic updated n_critic times a generator update."""

    name: ClassVar[str] = "wgan-gp"
    title: ClassVar[str] = "Wasserstein GAN with gradient penalty (2017)"
    paper: ClassVar[str] = "Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv 1704.00028"
    wasserstein_term: ClassVar[str | None] = "critic/wasserstein"
    eager: ClassVar[tuple[str, ...]] = ("critic_loss",)
    Config = WGANGPConfig
    config: WGANGPConfig

    def __init__(self, config: WGANGPConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.generator, self.critic = players(config, spec)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        named = {"critic": self.critic, "generator": self.generator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in named.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        for t in range(c.critic_steps):  # lines 2-10
            real = next(batches).image
            shared = t == c.critic_steps - 1 and not c.fresh_latent
            with torch.set_grad_enabled(shared):
                fake = self.generator(self.latent(len(real)))
            update("critic", self.critic_loss, real, fake.detach())
        if c.fresh_latent:
            fake = self.generator(self.latent(len(real)))
        update("generator", self.generator_loss, fake)  # lines 11-12

    def critic_loss(self, real: Tensor, fake: Tensor) -> Terms:
        real, fake = self.seen(real), self.seen(fake)
        # The critic has no batch norm, so one pass over reals, fakes and interpolates is the same algorithm as three.
        scores, squared_slopes = scores_and_slopes(self.critic, torch.cat([real, fake]), interpolate(real, fake))
        real_scores, fake_scores = scores.chunk(2)
        self.observe(real_scores, fake_scores, level=None)
        penalty = slope_penalty(squared_slopes, one_sided=self.config.one_sided)
        return {"wasserstein": wasserstein_critic(real_scores, fake_scores), "gradient_penalty": self.config.penalty * penalty}

    def generator_loss(self, fake: Tensor) -> Terms:
        return {"wasserstein": wasserstein_generator(self.critic(self.seen(fake)))}
