"""StyleGAN: Karras et al. 2019, "A Style-Based Generator Architecture for GANs", arXiv 1812.04948, in the form of Karras et al.
2020, "Analyzing and Improving the Image Quality of StyleGAN" (StyleGAN2), arXiv 1912.04958."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, UsageError
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.style_critic import StyleCritic
from ganvas.networks.style_generator import StyleGenerator
from ganvas.objectives.adversarial import minimax_critic, non_saturating_generator
from ganvas.objectives.penalties import r1
from ganvas.objectives.style import PathLengths, mixed, path_lengths

PATH_SHARE = 2
"""The path length is measured on one in so many of a batch's samples (Karras et al. 2020, section B)."""


@dataclass(frozen=True, kw_only=True)
class StyleGANConfig(MethodConfig):
    """Settings of StyleGAN2 (section B, and the authors' configurations).

    Args:
        width: channels of the full-size maps, doubled at each stage inwards up to 8 times; the paper's 512 inmost at 64.
        style_size: components of w.
        mapping_layers: dense layers from z to w.
        conditional: learn to sample by class, from the data's labels.
        gamma_scale: R1's weight gamma is this * pixels of a picture / batch size; more for few or varied pictures; 0 for none.
        r1_every: steps between R1 terms, which then weigh so many times as much (lazy regularisation).
        path_weight: weight of the path length's deviation from its mean; 0 for none.
        path_every: steps between path length terms, which then weigh so many times as much.
        path_decay: how far the mean path length moves at each of them.
        mixing: the share of samples whose layers change from one latent's style to another's.
        learning_rate: of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
        fresh_latent: draw new latents for the generator's update instead of sharing the critic's.
    """

    latent_size: int = number(512, at_least=1)
    batch_size: int = number(32, at_least=1)
    style_size: int = number(512, at_least=1)
    mapping_layers: int = number(8, at_least=1)
    conditional: bool = False
    gamma_scale: float = number(0.0002, at_least=0)
    r1_every: int = number(16, at_least=1)
    path_weight: float = number(2.0, at_least=0)
    path_every: int = number(4, at_least=1)
    path_decay: float = number(0.01, at_least=0, at_most=1)
    mixing: float = number(0.9, at_least=0, at_most=1)
    learning_rate: float = number(2e-3, above=0)
    beta1: float = number(0.0, at_least=0, at_most=0.9999)
    beta2: float = number(0.99, at_least=0, at_most=0.99999)
    fresh_latent: bool = False


def lazily(player: nn.Module, config: StyleGANConfig, every: int) -> Optimizer:
    """Adam for a player with a term every k-th step that makes a step of its own: k + 1 steps do the work of k.

    Rate and decays are brought to c = k / (k + 1): rate c, beta^c (section B). ``every`` 0: no such term.
    """
    c = every / (every + 1) if every else 1.0
    return Adam(player.parameters(), config.learning_rate * c, (config.beta1**c, config.beta2**c), fused=True)


class StyleGAN(Method):
    """-E[log D(x)] - E[log(1 - D(G(z)))] with lazy R1; the generator non-saturating, with lazy path length regularisation."""

    name: ClassVar[str] = "stylegan"
    title: ClassVar[str] = "StyleGAN, in the form of StyleGAN2 (2019-2020)"
    paper: ClassVar[str] = "Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, arXiv 1912.04958"
    own_to_rank: ClassVar[tuple[str, ...]] = ("path",)
    eager: ClassVar[tuple[str, ...]] = ("r1_loss", "path_loss")
    Config = StyleGANConfig
    config: StyleGANConfig
    generator: StyleGenerator

    def __init__(self, config: StyleGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if not spec.is_image:
            raise UsageError("stylegan makes pictures, this data is points", "try gan, wgan, wgan-gp or r3gan")
        if config.conditional and not spec.classes:
            raise DataError(
                "stylegan by class needs labels, this data has none",
                "leave conditional out, put the files into one sub-folder a class, or name a --labels CSV",
            )
        self.conditional = config.conditional
        classes = len(spec.classes) if config.conditional else 0
        self.generator = StyleGenerator(
            spec, latent_size=config.latent_size, style_size=config.style_size, mapping_layers=config.mapping_layers,
            width=config.width, classes=classes,
        )  # fmt: skip
        self.critic = StyleCritic(spec, width=config.width, batch_size=config.batch_size, classes=classes)
        self.path = PathLengths(config.path_decay)

    @property
    def gamma(self) -> float:
        """R1's weight, 0.0002 * pixels / batch size by default (Karras et al. 2020, arXiv 2006.06676, section C)."""
        return self.config.gamma_scale * math.prod(self.spec.shape[1:]) / self.config.batch_size

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        return {
            "critic": lazily(self.critic, c, c.r1_every if c.gamma_scale else 0),
            "generator": lazily(self.generator, c, c.path_every if c.path_weight else 0),
        }

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        real, label = next(batches)
        label = label if self.conditional else None
        fake = self.fakes(len(real), label)
        update("critic", self.critic_loss, real, fake.detach(), label)
        if c.gamma_scale and step % c.r1_every == 0:
            update("critic", self.r1_loss, real, label)
        if c.fresh_latent:
            fake = self.fakes(len(real), label)
        update("generator", self.generator_loss, fake, label)
        if c.path_weight and step % c.path_every == 0:
            update("generator", self.path_loss, max(1, len(real) // PATH_SHARE), label)

    def fakes(self, count: int, label: Tensor | None) -> Tensor:
        """Pictures of ``count`` new latents, some of them of two latents each."""
        pictures: Tensor = self.generator.synthesis(self.mixed_styles(count, label))
        return pictures

    def mixed_styles(self, count: int, label: Tensor | None) -> Tensor:
        """Styles (count, layers, W) with mixing regularisation (Karras et al. 2019, section 3.1)."""
        g = self.generator
        w = g.mapping(self.latent(count), label)
        g.mapping.track(w, label)
        if not self.config.mixing:
            return g.every_layer(w)
        return mixed(g.every_layer(w), g.every_layer(g.mapping(self.latent(count), label)), self.config.mixing)

    def critic_loss(self, real: Tensor, fake: Tensor, label: Tensor | None) -> Terms:
        # No batch norm, and groups of the batch's deviation never mix both halves: one pass serves real and fake.
        both = self.seen(torch.cat([real, fake]))
        on_real, on_fake = self.critic(both, None if label is None else label.repeat(2)).chunk(2)
        self.observe(on_real, on_fake)
        return {"minimax": minimax_critic(on_real, on_fake)}

    def r1_loss(self, real: Tensor, label: Tensor | None) -> Terms:
        weight = self.gamma / 2 * self.config.r1_every
        return {"r1": weight * r1(lambda samples: self.critic(samples, label), self.seen(real))}

    def generator_loss(self, fake: Tensor, label: Tensor | None) -> Terms:
        return {"non_saturating": non_saturating_generator(self.critic(self.seen(fake), label))}

    def path_loss(self, count: int, label: Tensor | None) -> Terms:
        styles = self.mixed_styles(count, None if label is None else label[:count])
        lengths = path_lengths(self.generator.synthesis(styles), styles)
        return {"path_length": self.config.path_weight * self.config.path_every * self.path.deviation(lengths)}

    @property
    def layers(self) -> int:
        return self.generator.synthesis.layers

    def styles(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        return self.generator.every_layer(self.generator.mapping(latent, self.checked(label, latent)))

    def average_style(self, label: Tensor | None = None) -> Tensor:
        return self.generator.mapping.mean_style(label)

    def synthesise(self, styles: Tensor) -> Tensor:
        pictures: Tensor = self.generator.synthesis(styles)
        return pictures.clamp(-1, 1)

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        return self.synthesise(self.styles(latent, label))

    def checked(self, label: Tensor | None, latent: Tensor) -> Tensor | None:
        """The labels that a conditional generator takes: those given, or classes in turn; None for any other."""
        if not self.conditional:
            if label is not None:
                raise UsageError("this stylegan is not conditional, it takes no labels", "train with --conditional, or cgan")
            return None
        known = len(self.spec.classes)
        if label is None:
            return torch.arange(latent.shape[0], device=latent.device) % known
        if torch.compiler.is_exporting():  # an exported network has no errors to raise
            return label
        if len(label) and (int(label.min()) < 0 or int(label.max()) >= known):
            raise UsageError(f"label out of range, the model knows {known} classes", "count labels from 0")
        return label
