"""CycleGAN: Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", arXiv 1703.10593.

Two translators, G: X -> Y and F: Y -> X, each against its own discriminator; what one does the other must undo. ``translate``
is G, ``translate_back`` is F.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Spec, TwoDomains
from ganvas.method import Method, Terms, TranslatorConfig, Update, number
from ganvas.networks.padding import padded
from ganvas.networks.patchgan import Patch, PatchDiscriminator, layers_for
from ganvas.networks.translator import ResNetTranslator
from ganvas.objectives.adversarial import least_squares_critic


@dataclass(frozen=True, kw_only=True)
class CycleGANConfig(TranslatorConfig):
    """Settings of section 4 and appendix 7 of the paper. It trains for 200 epochs, of which the rates fall over the last 100:
    set decay_images to the images of the whole training.

    Args:
        cycle: lambda, the weight of each cycle's distance, |F(G(x)) - x| and |G(F(y)) - y| (L1).
        identity: the weight of |G(y) - y| and |F(x) - x| as a share of cycle; nothing where the domains differ in channels.
        pool: how many fakes of the past each discriminator learns from besides the present ones; 0 shows it only these.
        blocks: residual blocks of the translators; 0 takes 6 for pictures below 256 pixels and 9 above, as the paper does.
        patch: what the discriminators judge; auto is the paper's 70x70, or the largest that the pictures hold whole.
        learning_rate: of all players.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
    """

    batch_size: int = number(1, at_least=1)
    schedule: Literal["constant", "linear", "cosine", "late-linear"] = "late-linear"
    cycle: float = number(10.0, at_least=0)
    identity: float = number(0.5, at_least=0)
    pool: int = number(50, at_least=0, at_most=1000)
    blocks: int = number(0, at_least=0, at_most=30)
    patch: Patch = "auto"
    learning_rate: float = number(2e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)


class ImagePool(nn.Module):
    """The last fakes that a discriminator saw (Shrivastava et al. 2017): its memory of the generator's past.

    Each fake that comes is shown as it is, or with probability 1/2 exchanged for an older one. The pictures are a buffer, their
    number extra state, so both are in the checkpoint.
    """

    pictures: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.size, self.held = size, 0
        self.register_buffer("pictures", torch.zeros(size, *shape))

    def get_extra_state(self) -> int:
        return self.held

    def set_extra_state(self, state: Any) -> None:
        self.held = int(state)

    @torch.no_grad()
    def exchange(self, fakes: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), one by one: until the pool is full each fake is kept and shown."""
        if not self.size:
            return fakes
        shown = fakes.clone()
        # Drawn on the host, which need not wait for the device then.
        draws = zip(torch.rand(len(fakes)).tolist(), torch.randint(self.size, (len(fakes),)).tolist(), strict=True)
        for number_, (chance, place) in enumerate(draws):
            if self.held < self.size:
                self.pictures[self.held] = fakes[number_]
                self.held += 1
            elif chance < 0.5:
                shown[number_] = self.pictures[place]
                self.pictures[place] = fakes[number_]
        return shown


class CycleGAN(Method):
    """min over G, F, max over D_X, D_Y: L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda L_cyc(G, F) (eq. 3), with least squares."""

    name: ClassVar[str] = "cyclegan"
    title: ClassVar[str] = "CycleGAN (2017)"
    paper: ClassVar[str] = "Zhu et al. 2017, Unpaired Translation using Cycle-Consistent Adversarial Networks, arXiv 1703.10593"
    translates: ClassVar[bool] = True
    batch: ClassVar[type[TwoDomains]] = TwoDomains
    averaged: ClassVar[tuple[str, ...]] = ("generator", "inverse")
    own_to_rank: ClassVar[tuple[str, ...]] = ("pool_x", "pool_y")
    Config = CycleGANConfig
    config: CycleGANConfig

    def __init__(self, config: CycleGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        assert spec.source is not None
        (x, *x_sides), (y, *y_sides) = spec.source, spec.shape
        blocks = config.blocks or (9 if max(*x_sides, *y_sides) >= 256 else 6)
        self.generator = ResNetTranslator(x, y, width=config.width, blocks=blocks)  # G: X -> Y
        self.inverse = ResNetTranslator(y, x, width=config.width, blocks=blocks)  # F: Y -> X
        layers = layers_for(config.patch, min(x_sides[0], y_sides[0]), min(x_sides[1], y_sides[1]))
        self.discriminator_x = PatchDiscriminator(x, width=config.width, layers=layers)
        self.discriminator_y = PatchDiscriminator(y, width=config.width, layers=layers)
        self.pool_x = ImagePool(config.pool, (x, *y_sides))  # F keeps the size of its y
        self.pool_y = ImagePool(config.pool, (y, *x_sides))
        self.keeps_channels = x == y

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        players = {
            "generator": [*self.generator.parameters(), *self.inverse.parameters()],
            "discriminator": [*self.discriminator_x.parameters(), *self.discriminator_y.parameters()],
        }
        return {name: Adam(own, c.learning_rate, (c.beta1, c.beta2), fused=True) for name, own in players.items()}

    def train_step(self, step: int, batches: Iterator[TwoDomains], update: Update) -> None:
        x, y = next(batches)
        fake_y, fake_x = self.translate(x), self.translate_back(y)
        update("generator", self.generator_loss, x, y, fake_x, fake_y)
        old_x, old_y = self.pool_x.exchange(fake_x.detach().float()), self.pool_y.exchange(fake_y.detach().float())
        update("discriminator", self.discriminator_loss, x, y, old_x, old_y)

    def generator_loss(self, x: Tensor, y: Tensor, fake_x: Tensor, fake_y: Tensor) -> Terms:
        c = self.config
        terms = {
            "least_squares_x": (self.judged(self.discriminator_x, fake_x) - 1).square().mean(),
            "least_squares_y": (self.judged(self.discriminator_y, fake_y) - 1).square().mean(),
            "cycle_x": c.cycle * l1_loss(self.translate_back(fake_y).float(), x),
            "cycle_y": c.cycle * l1_loss(self.translate(fake_x).float(), y),
        }
        if c.identity and self.keeps_channels:
            weight = c.cycle * c.identity
            terms["identity_x"] = weight * l1_loss(self.translate_back(x).float(), x)
            terms["identity_y"] = weight * l1_loss(self.translate(y).float(), y)
        return terms

    def discriminator_loss(self, x: Tensor, y: Tensor, fake_x: Tensor, fake_y: Tensor) -> Terms:
        # Halved, to slow the discriminators relative to the translators (appendix 7.1): the 1/2 of the objective here.
        d_x, d_y = self.discriminator_x, self.discriminator_y
        on_x, on_fake_x = self.judged(d_x, x), self.judged(d_x, fake_x)
        on_y, on_fake_y = self.judged(d_y, y), self.judged(d_y, fake_y)
        self.observe(on_x, on_fake_x, level=0.5)  # half-way between the labels 0 and 1
        self.observe(on_y, on_fake_y, level=0.5)
        return {
            "least_squares_x": least_squares_critic(on_x, on_fake_x),
            "least_squares_y": least_squares_critic(on_y, on_fake_y),
        }

    def judged(self, discriminator: nn.Module, pictures: Tensor) -> Tensor:
        """A discriminator's score of each patch, (N, 1, h, w)."""
        scores: Tensor = discriminator(self.seen(pictures))
        return scores.float()

    def judge_translated(self, source: Tensor, target: Tensor) -> Tensor:
        scores: Tensor = self.discriminator_y(target).mean((1, 2, 3))
        return scores

    def translate(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        return self.resized(self.generator, source)

    def translate_back(self, target: Tensor) -> Tensor:
        return self.resized(self.inverse, target)

    def resized(self, translator: nn.Module, pictures: Tensor) -> Tensor:
        """A translator's output for pictures of any size."""
        wide, crop = padded(pictures, ResNetTranslator.multiple, least=8)  # below, reflection has nothing to reflect
        return crop(translator(wide))
