"""DCGAN: Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", arXiv 1511.06434."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import UsageError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganvas.objectives.adversarial import minimax_critic, non_saturating_generator


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(MethodConfig):
    """Settings of section 4 of the paper.

    Args:
        learning_rate: of both Adams; 0.001 was too high, 0.0002 is the paper's.
        beta1: Adam's first decay; 0.9 oscillated, 0.5 is the paper's.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update instead of sharing the discriminator's.
    """

    prior: Literal["normal", "uniform"] = "uniform"
    batch_size: int = number(128, at_least=1)
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)
    fresh_latent: bool = False


class DCGAN(Method):
    """The GAN of eq. 1 of Goodfellow et al. (non-saturating) with deep convolutional players."""

    name: ClassVar[str] = "dcgan"
    title: ClassVar[str] = "Deep convolutional GAN (2015)"
    paper: ClassVar[str] = "Radford et al. 2016, Unsupervised Representation Learning with DCGAN, arXiv 1511.06434"
    Config = DCGANConfig
    config: DCGANConfig

    def __init__(self, config: DCGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if not spec.is_image:
            raise UsageError("dcgan makes pictures, this data is points", "try gan, wgan, wgan-gp or r3gan")
        self.generator = DCGANGenerator(spec, latent_size=config.latent_size, width=config.width)
        self.discriminator = DCGANDiscriminator(spec, width=config.width)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in players.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        real = next(batches).image
        fake = self.generator(self.latent(len(real)))
        update("discriminator", self.discriminator_loss, real, fake.detach())
        if self.config.fresh_latent:
            fake = self.generator(self.latent(len(real)))
        update("generator", self.generator_loss, fake)

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Terms:
        # Two passes: batch norm over a mixed batch of reals and fakes would be another algorithm.
        on_real, on_fake = self.discriminator(self.seen(real)), self.discriminator(self.seen(fake))
        self.observe(on_real, on_fake)
        return {"minimax": minimax_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor) -> Terms:
        return {"non_saturating": non_saturating_generator(self.discriminator(self.seen(fake)))}
