"""Pix2Pix: Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
arXiv 1611.07004.

The generator paints the target from the source; the discriminator sees both, and judges patches. Where the target is larger
than the source, the generator is a super-resolution network and the discriminator sees the source enlarged.

The paper's noise is dropout in the generator. Here it is off when a trained model translates, so that the same picture gives
the same answer, and comes back on request (``Model.translate(..., noise=seed)``); the paper leaves it on, and notes that it
changes little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, l1_loss
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Pairs, Spec
from ganvas.errors import UsageError
from ganvas.method import Method, Terms, TranslatorConfig, Update, number
from ganvas.metrics.networks.efficientnet import efficientnet
from ganvas.metrics.networks.pretrained import Pretrained
from ganvas.networks.padding import padded
from ganvas.networks.patchgan import Patch, PatchDiscriminator, layers_for
from ganvas.networks.unet import UNet, unet_levels
from ganvas.networks.upscaler import Upscaler, times_between
from ganvas.objectives.adversarial import minimax_critic, non_saturating_generator
from ganvas.objectives.perceptual import perceptual


@dataclass(frozen=True, kw_only=True)
class Pix2PixConfig(TranslatorConfig):
    """Settings of section 3 and appendix 6 of the paper.

    Args:
        reconstruction: lambda, the weight of the distance |target - output| (L1).
        adversarial: the weight of the game; 0 trains the generator alone, the paper's L1 baseline.
        perceptual: the weight of the distance between target and output as EfficientNet sees them; the paper has none.
        dropout: of the three inner up-sampling stages: the generator's noise.
        norm: instance is what the paper's batch norm does at its batch size of 1.
        levels: halvings of the U-Net, 2 to 8; 0 chooses by the picture's size, as the paper's 8 for 256 pixels.
        blocks: residual blocks of the generator that enlarges, where the target is larger than the source.
        patch: what the discriminator judges; auto is the paper's 70x70, or the largest that the picture holds whole.
        learning_rate: of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
    """

    batch_size: int = number(1, at_least=1)
    reconstruction: float = number(100.0, at_least=0)
    adversarial: float = number(1.0, at_least=0)
    perceptual: float = number(0.0, at_least=0)
    dropout: float = number(0.5, at_least=0, at_most=0.95)
    norm: Literal["instance", "batch"] = "instance"
    levels: int = number(0, at_least=0, at_most=8)
    blocks: int = number(8, at_least=0, at_most=64)
    patch: Patch = "auto"
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)


class Pix2Pix(Method):
    """G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (eq. 4), the generator non-saturating, the critic's loss halved."""

    name: ClassVar[str] = "pix2pix"
    title: ClassVar[str] = "Pix2Pix (2017)"
    paper: ClassVar[str] = "Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Nets, arXiv 1611.07004"
    translates: ClassVar[bool] = True
    batch: ClassVar[type[Pairs]] = Pairs
    Config = Pix2PixConfig
    config: Pix2PixConfig
    generator: UNet | Upscaler

    def __init__(self, config: Pix2PixConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        assert spec.source is not None
        sources, targets, width = spec.source[0], spec.shape[0], config.width
        self.times = times_between(spec.source, spec.shape)
        if self.times > 1:
            self.generator = Upscaler(sources, targets, times=self.times, width=width, blocks=config.blocks)
        else:
            levels = config.levels or unet_levels(*spec.shape[1:])
            self.generator = UNet(sources, targets, width=width, levels=levels, norm=config.norm, dropout=config.dropout)
        if config.perceptual and targets not in (1, 3):
            raise UsageError(f"EfficientNet sees no pictures of {targets} channels", "leave --perceptual out")
        self.network: Pretrained | None = None  # no sub-module: it is neither trained nor saved
        layers = layers_for(config.patch, *spec.shape[1:])
        self.discriminator = PatchDiscriminator(sources + targets, width=width, layers=layers, norm=config.norm)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        if c.perceptual:  # only training comes here, and on its device
            self.network = efficientnet().to(next(self.parameters()).device)
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in players.items()}

    def train_step(self, step: int, batches: Iterator[Pairs], update: Update) -> None:
        source, target = next(batches)
        fake = self.translate(source)
        if self.config.adversarial:
            update("discriminator", self.discriminator_loss, source, target, fake.detach())
        update("generator", self.generator_loss, source, target, fake)

    def discriminator_loss(self, source: Tensor, target: Tensor, fake: Tensor) -> Terms:
        on_real, on_fake = self.judged(source, target), self.judged(source, fake)
        self.observe(on_real, on_fake)
        # Half of the loss slows the discriminator relative to the generator (appendix 6.2 of the paper).
        return {"half_minimax": 0.5 * minimax_critic(on_real, on_fake)}

    def generator_loss(self, source: Tensor, target: Tensor, fake: Tensor) -> Terms:
        c = self.config
        terms = {"l1": c.reconstruction * l1_loss(fake.float(), target)}
        if self.network is not None:
            terms["perceptual"] = c.perceptual * perceptual(self.network.unresized_activations, fake, target)
        if c.adversarial:
            terms["non_saturating"] = c.adversarial * non_saturating_generator(self.judged(source, fake))
        return terms

    def judged(self, source: Tensor, target: Tensor) -> Tensor:
        """The discriminator's logits for each patch of a pair, (N, 1, h, w)."""
        scores: Tensor = self.discriminator(self.seen(self.beside(source, target)))
        return scores.float()

    def beside(self, source: Tensor, target: Tensor) -> Tensor:
        """A pair as the discriminator sees it, (N, C' + C, H, W): a smaller source enlarged."""
        if self.times > 1:
            source = interpolate(source, scale_factor=self.times, mode="nearest")
        return torch.cat([source, target.to(source.dtype)], dim=1)

    def judge_translated(self, source: Tensor, target: Tensor) -> Tensor:
        scores: Tensor = self.discriminator(self.beside(source, target)).mean((1, 2, 3))
        return scores

    def translate(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        wide, crop = padded(source, self.generator.multiple)
        return crop(self.generator(wide))
