"""GAN: Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv 1406.2661."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.mlp import MLP
from ganvas.networks.reference import ReferenceDiscriminator, ReferenceGenerator, check_reference_size
from ganvas.objectives.adversarial import minimax_critic, minimax_generator, non_saturating_generator


@dataclass(frozen=True, kw_only=True)
class GANConfig(MethodConfig):
    """Settings of the original GAN; pictures use the thesis's reference pair, points an MLP.

    Args:
        objective: what the generator minimises: minimax is eq. 1, non-saturating is section 3's -log D(G(z)).
        discriminator_steps: k of Algorithm 1.
        learning_rate: of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        dropout: of the picture discriminator.
        fresh_latent: draw new latents for the generator's update, as Algorithm 1 does, instead of sharing the discriminator's.
    """

    width: int = number(128, at_least=1)
    objective: Literal["minimax", "non-saturating"] = "non-saturating"
    discriminator_steps: int = number(1, at_least=1)
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)
    dropout: float = number(0.4, at_least=0, at_most=0.99)
    fresh_latent: bool = False


class GAN(Method):
    """min over G, max over D: E[log D(x)] + E[log(1 - D(G(z)))] (eq. 1), the two updated in turn (Algorithm 1)."""

    name: ClassVar[str] = "gan"
    title: ClassVar[str] = "Generative adversarial network (2014)"
    paper: ClassVar[str] = "Goodfellow et al. 2014, Generative Adversarial Networks, arXiv 1406.2661"
    Config = GANConfig
    config: GANConfig
    discriminator: nn.Module

    def __init__(self, config: GANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if spec.is_image:
            check_reference_size("gan", spec)
            self.generator = ReferenceGenerator(spec, latent_size=config.latent_size, width=config.width)
            narrow = max(1, config.width // 2)
            self.discriminator = ReferenceDiscriminator(spec, width=narrow, dropout=config.dropout)
        else:
            (size,) = spec.shape
            self.generator = MLP(config.latent_size, size, width=config.width)
            self.discriminator = MLP(size, 1, width=config.width, slope=0.2, squeeze=True)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in players.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        for k in range(c.discriminator_steps):
            real = next(batches).image
            shared = k == c.discriminator_steps - 1 and not c.fresh_latent
            with torch.set_grad_enabled(shared):
                fake = self.generator(self.latent(len(real)))
            update("discriminator", self.discriminator_loss, real, fake.detach())
        if c.fresh_latent:
            fake = self.generator(self.latent(len(real)))
        update("generator", self.generator_loss, fake)

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Terms:
        on_real, on_fake = self.discriminator(self.seen(real)), self.discriminator(self.seen(fake))
        self.observe(on_real, on_fake)
        return {"minimax": minimax_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor) -> Terms:
        scores = self.discriminator(self.seen(fake))
        if self.config.objective == "minimax":
            return {"minimax": minimax_generator(scores)}
        return {"non_saturating": non_saturating_generator(scores)}
