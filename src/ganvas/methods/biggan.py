"""BigGAN: Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis",
arXiv 1809.11096."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, UsageError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.resnet import BigGANGenerator, ResNetDiscriminator, start_orthogonal_
from ganvas.objectives.adversarial import hinge_critic, hinge_generator
from ganvas.objectives.penalties import normalise_spectrum, orthogonality

EMA_HALF_LIFE = 443_600.0
"""Images: a decay of 0.9999 an update, at batches of 64."""


@dataclass(frozen=True, kw_only=True)
class BigGANConfig(MethodConfig):
    """Settings of section 3 and appendix C of the paper, in batches of 64 where it has 2,048.

    Args:
        blocks: deep has two bottleneck blocks a stage and tells every norm the whole latent (BigGAN-deep).
        shared: components of the class's embedding, which all norms of the generator share.
        attention: shorter side of the maps that attend to themselves in both players; 0 takes half of the picture's, at most
            64, which is the paper's at 128 pixels; -1 has none.
        orthogonal: beta of the generator's orthogonal regularisation, which makes it take truncated latents; 0 has none.
        discriminator_steps: discriminator updates a generator update.
        generator_rate: the generator's Adam's learning rate.
        discriminator_rate: the discriminator's Adam's learning rate.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update instead of sharing the last discriminator step's.
    """

    latent_size: int = number(120, at_least=1)
    ema_half_life: float = number(EMA_HALF_LIFE, at_least=0)
    blocks: Literal["plain", "deep"] = "plain"
    shared: int = number(128, at_least=1)
    attention: int = number(0, at_least=-1)
    orthogonal: float = number(1e-4, at_least=0)
    discriminator_steps: int = number(2, at_least=1)
    generator_rate: float = number(5e-5, above=0)
    discriminator_rate: float = number(2e-4, above=0)
    beta1: float = number(0.0, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)
    fresh_latent: bool = False


class BigGAN(Method):
    """The hinge game with projection; G also pays beta |W W^T - diag|_F^2 (eq. 3); both players have layers of norm 1."""

    name: ClassVar[str] = "biggan"
    title: ClassVar[str] = "BigGAN (2018)"
    paper: ClassVar[str] = "Brock et al. 2019, Large Scale GAN Training for High Fidelity, arXiv 1809.11096"
    conditional: bool = True
    Config = BigGANConfig
    config: BigGANConfig
    generator: BigGANGenerator

    def __init__(self, config: BigGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        c = config
        if not spec.is_image:
            raise UsageError("biggan makes pictures, this data is points", "try gan, wgan, wgan-gp or r3gan")
        if not spec.classes:
            raise DataError(
                "biggan needs labels, this data has none", "put the files into one sub-folder a class, or train sngan or r3gan"
            )
        deep = c.blocks == "deep"
        self.generator = BigGANGenerator(
            spec, latent_size=c.latent_size, width=c.width, shared=c.shared, attention=c.attention, deep=deep
        )
        self.discriminator = ResNetDiscriminator(spec, width=c.width, conditional=True, attention=c.attention, deep=deep)
        self.discriminator.apply(start_orthogonal_)
        for player in (self.generator, self.discriminator):
            normalise_spectrum(module for module in player.modules() if module is not self.generator.embedding)

    def optimizers(self) -> dict[str, Optimizer]:
        c, betas = self.config, (self.config.beta1, self.config.beta2)
        return {
            "discriminator": Adam(self.discriminator.parameters(), c.discriminator_rate, betas, fused=True),
            "generator": Adam(self.generator.parameters(), c.generator_rate, betas, fused=True),
        }

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        for t in range(c.discriminator_steps):
            real, label = next(batches)
            with torch.set_grad_enabled(t == c.discriminator_steps - 1 and not c.fresh_latent):
                fake = self.generator(self.latent(len(real)), label)
            update("discriminator", self.discriminator_loss, real, fake.detach(), label)
        if c.fresh_latent:
            fake = self.generator(self.latent(len(real)), label)
        update("generator", self.generator_loss, fake, label)

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor) -> Terms:
        # Both in one forward: it is the step's one power iteration.
        on_real, on_fake = self.discriminator(self.seen(torch.cat([real, fake])), label.repeat(2)).chunk(2)
        self.observe(on_real, on_fake)
        return {"hinge": hinge_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor, label: Tensor) -> Terms:
        self.discriminator.eval()  # it is asked, not trained: its power iteration stands still
        scores = self.discriminator(self.seen(fake), label)
        self.discriminator.train()
        terms = {"hinge": hinge_generator(scores)}
        if self.config.orthogonal:
            terms["orthogonal"] = self.config.orthogonal * orthogonality(self.regularised())
        return terms

    def regularised(self) -> list[nn.Parameter]:
        """The generator's matrices and kernels as they are before spectral norm; not the shared embedding (section 3.1)."""
        embedding = self.generator.embedding.weight
        return [weight for weight in self.generator.parameters() if weight.dim() > 1 and weight is not embedding]
