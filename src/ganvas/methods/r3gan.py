"""R3GAN: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv 2501.05441."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, UsageError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator, LabelledGenerator
from ganvas.networks.mlp import MLP
from ganvas.networks.modern import ModernDiscriminator, ModernGenerator
from ganvas.networks.slopes import scores_and_slopes
from ganvas.objectives.adversarial import relativistic_critic, relativistic_generator


@dataclass(frozen=True, kw_only=True)
class R3GANConfig(MethodConfig):
    """Relativistic pairing with R1 and R2 on networks without normalisation. With decay_images the penalties' weight and
    Adam's second decay move along half a cosine to their final values, beside the schedule of the rates.

    Args:
        conditional: learn the data's classes: they join the latent, and the discriminator projects on them. Pictures only.
        networks: the paper's residual ones, or DCGAN's, whose generator has batch norm, for minutes; these have a width, but no
            blocks, patches or ends.
        blocks: residual blocks a resolution; the paper has 2.
        block: bottlenecks with grouped convolutions as the paper, or basic blocks of two convolutions, quicker on a CPU.
        patch: pixels a side that the finest stage has in one place, a power of two; 1 as the paper, 2 saves most of that stage.
        fine: channels of a layer at every pixel beside patches, for what is finer than a patch; 0 for none.
        ends: how latents become the first map and the last map a score: by a number a channel as the paper, or by dense layers
            over all places, which give shallow networks more variety.
        gamma: weight of the penalties, gamma / 2 (R1 + R2), at every step.
        final_gamma: gamma after decay_images; 0 keeps it.
        learning_rate: of the discriminator's Adam.
        generator_ratio: of the generator's rate to the discriminator's; 1 as the paper.
        final_generator_ratio: the ratio after decay_images; 0 keeps it.
        beta1: Adam's first decay; the paper has no momentum.
        beta2: Adam's second decay after decay_images.
        first_beta2: Adam's second decay at the start; 0 takes beta2. The paper rises from 0.9 to 0.99.
    """

    latent_size: int = number(64, at_least=1)
    width: int = number(32, at_least=1)
    conditional: bool = False
    networks: Literal["residual", "dcgan"] = "residual"
    blocks: int = number(2, at_least=1, at_most=16)
    block: Literal["bottleneck", "basic"] = "bottleneck"
    patch: int = number(1, at_least=1)
    fine: int = number(0, at_least=0)
    ends: Literal["modulated", "dense"] = "modulated"
    gamma: float = number(1.0, at_least=0)
    final_gamma: float = number(0.0, at_least=0)
    learning_rate: float = number(2e-4, above=0)
    generator_ratio: float = number(1.0, above=0)
    final_generator_ratio: float = number(0.0, at_least=0)
    beta1: float = number(0.0, at_least=0, at_most=0.9999)
    beta2: float = number(0.99, at_least=0, at_most=0.99999)
    first_beta2: float = number(0.0, at_least=0, at_most=0.99999)


OF_RESIDUAL = ("blocks", "block", "patch", "fine", "ends")
"""Settings that DCGAN's networks lack."""


def players(config: R3GANConfig, spec: Spec, classes: int) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator by the data: MLPs for points, for pictures the paper's residual networks or DCGAN's."""
    c = config
    if spec.is_image and c.networks == "dcgan":
        for name in OF_RESIDUAL:
            if getattr(c, name) != getattr(R3GANConfig, name):
                raise UsageError(f"DCGAN's networks have no {name}", f"leave out --{name}, or --networks")
        scorer = DCGANDiscriminator(spec, width=c.width, batch_norm=False, classes=classes)  # R1 is of each sample alone
        drawer = DCGANGenerator(spec, latent_size=c.latent_size * (2 if classes else 1), width=c.width, smooth=True)
        return LabelledGenerator(drawer, latent_size=c.latent_size, classes=classes) if classes else drawer, scorer
    if spec.is_image:
        shape: dict[str, Any] = {
            "width": c.width, "blocks": c.blocks, "block": c.block, "patch": c.patch, "fine": c.fine, "ends": c.ends,
            "classes": classes,
        }  # fmt: skip
        discriminator = ModernDiscriminator(spec, **shape)
        generator = ModernGenerator(spec, latent_size=c.latent_size, **shape)
        return generator, discriminator
    (size,) = spec.shape
    critic = MLP(size, 1, width=c.width, slope=0.2, squeeze=True)
    return MLP(c.latent_size, size, width=c.width, slope=0.2), critic


class R3GAN(Method):
    """E[softplus(-(D(x) - D(G(z))))] + gamma / 2 (R1 + R2) (eq. 2-4); the generator has the roles exchanged."""

    name: ClassVar[str] = "r3gan"
    title: ClassVar[str] = "R3GAN: relativistic pairing with R1 and R2 (2024)"
    paper: ClassVar[str] = "Huang et al. 2024, The GAN is dead; long live the GAN!, arXiv 2501.05441"
    eager: ClassVar[tuple[str, ...]] = ("discriminator_loss",)
    Config = R3GANConfig
    config: R3GANConfig

    def __init__(self, config: R3GANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.conditional, self.gamma = config.conditional, config.gamma
        if config.conditional and not spec.classes:
            raise DataError(
                "r3gan shall be conditional, but this data has no labels", "put the files into one sub-folder a class"
            )
        if config.conditional and not spec.is_image:
            raise UsageError("r3gan is conditional for pictures only", "leave out --conditional")
        classes = len(spec.classes) if config.conditional else 0
        self.generator, self.discriminator = players(config, spec, classes)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        rates = {"discriminator": c.learning_rate, "generator": c.generator_ratio * c.learning_rate}
        self.adams = {n: Adam(getattr(self, n).parameters(), rate, (c.beta1, c.beta2), fused=True) for n, rate in rates.items()}
        return dict(self.adams)

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        real, label = next(batches)
        told = (label,) if self.conditional else ()
        self.follow_schedules(step * len(real) * self.world)
        latent = self.latent(len(real))
        fake = self.generator(latent, *told)
        update("discriminator", self.discriminator_loss, real, fake.detach(), *told)
        update("generator", self.generator_loss, real, fake, *told)

    def follow_schedules(self, images: int) -> None:
        """Sets gamma, Adam's second decay and the ratio of the rates to what they are at the ``images``-th image of all ranks.

        The engine has set the discriminator's rate for this step already, by the ``schedule``.
        """
        c = self.config
        moved = (1 - math.cos(math.pi * min(1.0, images / c.decay_images))) / 2 if c.decay_images else 1.0
        if c.first_beta2:
            for adam in self.adams.values():
                for group in adam.param_groups:
                    group["betas"] = (c.beta1, c.first_beta2 + moved * (c.beta2 - c.first_beta2))
        if c.final_gamma:
            self.gamma = c.gamma + moved * (c.final_gamma - c.gamma)
        if c.final_generator_ratio:
            ratio = c.generator_ratio + moved * (c.final_generator_ratio - c.generator_ratio)
            for group in self.adams["generator"].param_groups:
                group["lr"] = ratio * self.adams["discriminator"].param_groups[0]["lr"]

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        # No normalisation: one pass over both halves serves the pairing and both penalties.
        both = None if label is None else label.repeat(2)
        scores, squared_slopes = scores_and_slopes(self.discriminator, self.seen(torch.cat([real, fake])), label=both)
        (on_real, on_fake), (r1, r2) = scores.chunk(2), squared_slopes.chunk(2)
        self.observe(on_real, on_fake, level=None)
        return {
            "relativistic": relativistic_critic(on_real, on_fake),
            "r1": self.gamma / 2 * r1.mean(),
            "r2": self.gamma / 2 * r2.mean(),
        }

    def generator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        with torch.no_grad():  # the real scores are constants to the generator
            real_scores = self.judge(self.seen(real), label)
        return {"relativistic": relativistic_generator(real_scores, self.judge(self.seen(fake), label))}
