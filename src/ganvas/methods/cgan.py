"""Conditional GAN: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", arXiv 1411.1784."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator, LabelPlanes
from ganvas.networks.mlp import MLP
from ganvas.objectives.adversarial import minimax_critic, non_saturating_generator

LABEL_SCALE = 0.2
"""Standard deviation of the generator's first label embeddings. At 1, where they say as much as the latent, the generator
learns one picture a class (measured on MNIST, recall 0); so it learns from the latent first, and the label soon after."""


@dataclass(frozen=True, kw_only=True)
class CGANConfig(MethodConfig):
    """Settings of the conditional GAN; the players are convolutional for pictures (the paper's are MLPs), an MLP for points.

    Args:
        label_size: components of a class's learned embedding, which joins the latent.
        learning_rate: of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update instead of sharing the discriminator's.
    """

    label_size: int = number(32, at_least=1)
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)
    fresh_latent: bool = False


class ConditionalGenerator(nn.Module):
    """G(z | y): the label's embedding is concatenated to the latent (section 3.2). (N, Z), (N,) -> samples."""

    def __init__(self, config: CGANConfig, spec: Spec) -> None:
        super().__init__()
        inputs = config.latent_size + config.label_size
        self.embedding = nn.Embedding(len(spec.classes), config.label_size)
        nn.init.normal_(self.embedding.weight, std=LABEL_SCALE)
        self.network: nn.Module
        if spec.is_image:
            self.network = DCGANGenerator(spec, latent_size=inputs, width=config.width)
        else:
            self.network = MLP(inputs, spec.shape[0], width=config.width)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        samples: Tensor = self.network(torch.cat([latent, self.embedding(label)], dim=1))
        return samples


class ConditionalDiscriminator(nn.Module):
    """D(x | y): the label joins the picture as a learned plane, or the point as an embedding (section 3.2). -> (N,)."""

    def __init__(self, config: CGANConfig, spec: Spec) -> None:
        super().__init__()
        self.is_image = spec.is_image
        if spec.is_image:
            channels, rows, columns = spec.shape
            self.label = LabelPlanes(spec)
            self.network: nn.Module = DCGANDiscriminator(Spec((channels + 1, rows, columns)), width=config.width)
        else:
            self.embedding = nn.Embedding(len(spec.classes), config.label_size)
            self.network = MLP(spec.shape[0] + config.label_size, 1, width=config.width, slope=0.2, squeeze=True)

    def forward(self, samples: Tensor, label: Tensor) -> Tensor:
        joined = self.label(samples, label) if self.is_image else torch.cat([samples, self.embedding(label)], dim=1)
        scores: Tensor = self.network(joined)
        return scores


class CGAN(Method):
    """min over G, max over D: E[log D(x|y)] + E[log(1 - D(G(z|y)|y))] (eq. 2), the generator non-saturating."""

    name: ClassVar[str] = "cgan"
    title: ClassVar[str] = "Conditional GAN (2014)"
    paper: ClassVar[str] = "Mirza and Osindero 2014, Conditional Generative Adversarial Nets, arXiv 1411.1784"
    conditional: bool = True
    Config = CGANConfig
    config: CGANConfig

    def __init__(self, config: CGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if not spec.classes:
            raise DataError(
                "cgan needs labels, this data has none", "put the files into one sub-folder a class, or name a --labels CSV"
            )
        self.generator = ConditionalGenerator(config, spec)
        self.discriminator = ConditionalDiscriminator(config, spec)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in players.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        real, label = next(batches)
        # The fakes take the batch's own labels, so that both players see the data's distribution of classes.
        fake = self.generator(self.latent(len(real)), label)
        update("discriminator", self.discriminator_loss, real, fake.detach(), label)
        if self.config.fresh_latent:
            fake = self.generator(self.latent(len(real)), label)
        update("generator", self.generator_loss, fake, label)

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor) -> Terms:
        on_real, on_fake = (self.discriminator(self.seen(samples), label) for samples in (real, fake))
        self.observe(on_real, on_fake)
        return {"minimax": minimax_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor, label: Tensor) -> Terms:
        return {"non_saturating": non_saturating_generator(self.discriminator(self.seen(fake), label))}
