"""SNGAN: Miyato, Kataoka, Koyama and Yoshida 2018, "Spectral Normalization for Generative Adversarial Networks",
arXiv 1802.05957; by class: Miyato and Koyama 2018, "cGANs with Projection Discriminator", arXiv 1802.05637."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import UsageError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.resnet import ResNetDiscriminator, ResNetGenerator, start_glorot_
from ganvas.objectives.adversarial import hinge_critic, hinge_generator
from ganvas.objectives.penalties import normalise_spectrum


@dataclass(frozen=True, kw_only=True)
class SNGANConfig(MethodConfig):
    """Settings of the paper's residual networks: hinge, five discriminator steps, Adam without momentum.

    Args:
        conditional: learn the classes where the data has some: class-conditional batch norm and projection discriminator.
        discriminator_steps: n_dis, discriminator updates a generator update.
        learning_rate: alpha, of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update instead of sharing the last discriminator step's.
    """

    latent_size: int = number(128, at_least=1)
    conditional: bool = True
    discriminator_steps: int = number(5, at_least=1)
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.0, at_least=0, at_most=0.9999)
    beta2: float = number(0.9, at_least=0, at_most=0.99999)
    fresh_latent: bool = False


class SNGAN(Method):
    """E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))] and -E[D(G(z, y), y)] (eq. 16, 17), each layer of D of norm 1."""

    name: ClassVar[str] = "sngan"
    title: ClassVar[str] = "Spectral normalisation and projection (2018)"
    paper: ClassVar[str] = "Miyato et al. 2018, Spectral Normalization for GANs, arXiv 1802.05957"
    conditional: bool = True
    Config = SNGANConfig
    config: SNGANConfig

    def __init__(self, config: SNGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if not spec.is_image:
            raise UsageError("sngan makes pictures, this data is points", "try gan, wgan, wgan-gp or r3gan")
        self.conditional = config.conditional and bool(spec.classes)
        self.generator = ResNetGenerator(spec, latent_size=config.latent_size, width=config.width, conditional=self.conditional)
        self.discriminator = ResNetDiscriminator(spec, width=config.width, conditional=self.conditional).apply(start_glorot_)
        normalise_spectrum(self.discriminator.modules())

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        players = {"discriminator": self.discriminator, "generator": self.generator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in players.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        for t in range(c.discriminator_steps):
            real, label = next(batches)
            label = label if self.conditional else None
            with torch.set_grad_enabled(t == c.discriminator_steps - 1 and not c.fresh_latent):
                fake = self.generator(self.latent(len(real)), label)
            update("discriminator", self.discriminator_loss, real, fake.detach(), label)
        if c.fresh_latent:
            fake = self.generator(self.latent(len(real)), label)
        update("generator", self.generator_loss, fake, label)

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None) -> Terms:
        # Both in one forward: it is the step's one power iteration.
        both = None if label is None else label.repeat(2)
        on_real, on_fake = self.discriminator(self.seen(torch.cat([real, fake])), both).chunk(2)
        self.observe(on_real, on_fake)
        return {"hinge": hinge_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor, label: Tensor | None) -> Terms:
        self.discriminator.eval()  # it is asked, not trained: its power iteration stands still
        scores = self.discriminator(self.seen(fake), label)
        self.discriminator.train()
        return {"hinge": hinge_generator(scores)}
