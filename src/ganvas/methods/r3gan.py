"""R3GAN: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv 2501.05441."""

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
from ganvas.objectives.adversarial import relativistic_critic, relativistic_generator


@dataclass(frozen=True, kw_only=True)
class R3GANConfig(MethodConfig):
    """Relativistic pairing with R1 and R2 on small networks without normalisation.

    Args:
        gamma: weight of the penalties, gamma / 2 (R1 + R2), at every step.
        learning_rate: of both Adams.
        beta1: Adam's first decay; the paper has no momentum.
        beta2: Adam's second decay; the paper raises it from 0.9 to 0.99 over training.
    """

    latent_size: int = number(64, at_least=1)
    width: int = number(32, at_least=1)
    gamma: float = number(1.0, at_least=0)
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.0, at_least=0, at_most=0.9999)
    beta2: float = number(0.99, at_least=0, at_most=0.99999)


def players(config: R3GANConfig, spec: Spec) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator by the data: an MLP for points, small convolutional networks for pictures."""
    if spec.is_image:
        generator = DCGANGenerator(spec, latent_size=config.latent_size, width=config.width, batch_norm=False)
        return generator, DCGANDiscriminator(spec, width=config.width, batch_norm=False)
    (size,) = spec.shape
    critic = MLP(size, 1, width=config.width, slope=0.2, squeeze=True)
    return MLP(config.latent_size, size, width=config.width, slope=0.2), critic


class R3GAN(Method):
    """E[softplus(-(D(x) - D(G(z))))] + gamma / 2 (R1 + R2) (eq. 2-4); the generator has the roles exchanged."""

    name: ClassVar[str] = "r3gan"
    title: ClassVar[str] = "R3GAN: relativistic pairing with R1 and R2 (2024)"
    paper: ClassVar[str] = "Huang et al. 2024, The GAN is dead; long live the GAN!, arXiv 2501.05441"
    Config = R3GANConfig
    config: R3GANConfig

    def __init__(self, config: R3GANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.generator, self.discriminator = players(config, spec)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        named = {"discriminator": self.discriminator, "generator": self.generator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in named.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        real = next(batches).image
        fake = self.generator(self.latent(len(real)))
        update("discriminator", self.discriminator_loss, real, fake.detach())
        update("generator", self.generator_loss, real, fake)

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Terms:
        # No normalisation: one pass over both halves serves the pairing and both penalties.
        scores, squared_slopes = scores_and_slopes(self.discriminator, self.seen(torch.cat([real, fake])))
        r1, r2 = squared_slopes.chunk(2)  # on reals, on fakes
        weight = self.config.gamma / 2
        return {
            "relativistic": relativistic_critic(*scores.chunk(2)),
            "r1": weight * r1.mean(),
            "r2": weight * r2.mean(),
        }

    def generator_loss(self, real: Tensor, fake: Tensor) -> Terms:
        with torch.no_grad():  # the real scores are constants to the generator
            real_scores = self.discriminator(self.seen(real))
        return {"relativistic": relativistic_generator(real_scores, self.discriminator(self.seen(fake)))}
