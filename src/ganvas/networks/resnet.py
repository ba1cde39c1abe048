"""Residual generators and critics of Miyato et al. 2018 (arXiv 1802.05957, tables 3 to 5) and Brock et al. 2019
(arXiv 1809.11096, appendix B), for any resolution b * 2^k with b from 4 to 8.

The papers list a table a resolution; here channels double inwards from ``width`` at the picture, at most to 16 times, which is
the papers' table at 128 pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.attention import SelfAttention
from ganvas.networks.conditional_norm import by_class, by_vector
from ganvas.networks.dcgan import halvings, widths
from ganvas.networks.fold import FoldConv2d
from ganvas.networks.projection import Projection
from ganvas.networks.residual import DeepDownBlock, DeepUpBlock, DownBlock, Stage, UpBlock


def start_glorot_(module: nn.Module) -> None:
    """Glorot and Bengio 2010, uniform; the 3x3 convolutions, which follow a ReLU, by sqrt(2) larger (Miyato et al.'s code)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        before_relu = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
        nn.init.xavier_uniform_(module.weight, math.sqrt(2) if before_relu else 1.0)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def start_orthogonal_(module: nn.Module) -> None:
    """Orthogonal weights (Saxe et al. 2014; Brock et al. 2019, section 3), biases 0."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
        nn.init.orthogonal_(module.weight)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def attended_stage(spec: Spec, stages: int, side: int) -> int | None:
    """The stage of the generator, counted from 0 at the smallest map, at whose entrance maps attend to themselves.

    Args:
        side: of these maps, the shorter one; 0 takes half of the picture's side, or less to stay at 64; -1 has no attention.

    Raises:
        UsageError: no map has this side.
    """
    if side < 0:
        return None
    short = min(spec.shape[1:])
    sides = [short // 2 ** (stages - stage) for stage in range(stages)]
    if side == 0:
        return max((stage for stage in range(stages) if sides[stage] <= 64), default=0)
    if side not in sides:
        raise UsageError(
            f"attention={side}: no map of {spec.shape[1]}x{spec.shape[2]} pictures has this side",
            f"choose from {', '.join(map(str, sides))}, or 0 for {max((s for s in sides if s <= 64), default=sides[0])}",
        )
    return sides.index(side)


class ResNetGenerator(nn.Module):
    """SNGAN's: latents (N, Z) and labels (N,) -> pictures (N, C, H, W) in [-1, 1].

    A dense layer to a map of 4 to 8 pixels, a residual block a doubling, whose batch norms know the class, then norm, ReLU, a
    3x3 convolution and tanh.

    Args:
        spec: the picture's shape and the classes.
        latent_size: Z.
        width: channels of the last map.
        conditional: whether it takes labels.
    """

    def __init__(self, spec: Spec, *, latent_size: int, width: int, conditional: bool) -> None:
        super().__init__()
        stages = halvings("sngan", spec)
        channels, rows, columns = spec.shape
        outputs = widths(width, stages)[::-1]
        self.base = (outputs[0], rows // 2**stages, columns // 2**stages)
        norm = by_class(len(spec.classes) if conditional else 0)
        self.dense = nn.Linear(latent_size, math.prod(self.base))
        self.blocks = nn.ModuleList(UpBlock(i, o, norm) for i, o in zip([outputs[0], *outputs[:-1]], outputs, strict=True))
        self.norm = nn.BatchNorm2d(outputs[-1])
        self.paint = FoldConv2d(outputs[-1], channels, 3, padding=1)
        self.apply(start_glorot_)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.dense(latent).unflatten(1, self.base)
        for block in self.blocks:
            x = block(x, label)
        return torch.tanh(self.paint(relu(self.norm(x))))


class BigGANGenerator(nn.Module):
    """BigGAN's: latents (N, Z) and labels (N,) -> pictures (N, C, H, W) in [-1, 1] (figures 15 and 16).

    The latent is cut into equal parts, one for the dense layer and one for each stage (hierarchical latents); a stage's norms
    are told its part beside an embedding of the class that all share. The deep one tells all of it to everyone.

    Args:
        spec: the picture's shape and the classes, at least one.
        latent_size: Z, at least the number of stages + 1.
        width: channels of the last map.
        shared: components of the class's embedding.
        attention: see ``attended_stage``.
        deep: two bottleneck blocks a stage.
    """

    def __init__(self, spec: Spec, *, latent_size: int, width: int, shared: int, attention: int, deep: bool) -> None:
        super().__init__()
        stages = halvings("biggan", spec)
        if latent_size <= stages:
            raise UsageError(f"latent_size={latent_size} is too little for {stages + 1} parts", "give each part some, as 20")
        channels, rows, columns = spec.shape
        outputs = widths(width, stages)[::-1]
        self.base = (outputs[0], rows // 2**stages, columns // 2**stages)
        self.deep = deep
        part = latent_size // (stages + 1)
        self.parts = [latent_size - stages * part, *[part] * stages]
        norm = by_vector(shared + (latent_size if deep else part))
        self.embedding = nn.Embedding(len(spec.classes), shared)
        self.dense = nn.Linear(shared + latent_size if deep else self.parts[0], math.prod(self.base))
        self.stages = nn.ModuleList()
        for i, o in zip([outputs[0], *outputs[:-1]], outputs, strict=True):
            two = [DeepUpBlock(i, i, norm, grow=False), DeepUpBlock(i, o, norm, grow=True)] if deep else [UpBlock(i, o, norm)]
            self.stages.append(Stage(two))
        self.attended = attended_stage(spec, stages, attention)
        self.attention = None
        if self.attended is not None:
            self.attention = SelfAttention(outputs[max(self.attended - 1, 0)])
        self.norm = nn.BatchNorm2d(outputs[-1])
        self.paint = FoldConv2d(outputs[-1], channels, 3, padding=1)
        self.apply(start_orthogonal_)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        shared = self.embedding(label)  # (N, shared)
        first, *parts = latent.split(self.parts, dim=1)
        if self.deep:
            first = torch.cat([shared, latent], dim=1)
        x = self.dense(first).unflatten(1, self.base)
        for number, (stage, part) in enumerate(zip(self.stages, parts, strict=True)):
            if self.attention is not None and number == self.attended:
                x = self.attention(x)
            condition = first if self.deep else torch.cat([shared, part], dim=1)
            x = stage(x, condition)
        return torch.tanh(self.paint(relu(self.norm(x))))


class ResNetDiscriminator(nn.Module):
    """Halving residual blocks, one more that does not halve, ReLU, a sum over places, and the projection: -> scores (N,).

    SNGAN's, BigGAN's with attention and, with ``deep``, BigGAN-deep's. Spectral norm is put on by the method.

    Args:
        spec: the picture's shape and the classes.
        width: channels of the first map.
        conditional: whether it takes labels.
        attention: see ``attended_stage``; the map that attends has the generator's side.
        deep: two bottleneck blocks a stage.
    """

    def __init__(self, spec: Spec, *, width: int, conditional: bool, attention: int = -1, deep: bool = False) -> None:
        super().__init__()
        stages = halvings("this discriminator", spec)
        outputs = widths(width, stages)
        layers: list[nn.Module] = []
        attended = attended_stage(spec, stages, attention)
        if deep:
            layers.append(nn.Conv2d(spec.shape[0], width, 3, padding=1))
        for stage, o in enumerate(outputs):
            i = outputs[max(stage - 1, 0)]
            if deep:
                layers += [DeepDownBlock(i, o, halve=True), DeepDownBlock(o, o, halve=False)]
            else:
                layers.append(DownBlock(i if stage else spec.shape[0], o, first=stage == 0))
            if attended == stages - 1 - stage:
                layers.append(SelfAttention(o))
        if not deep:
            layers.append(DownBlock(outputs[-1], outputs[-1], halve=False))
        self.layers = nn.Sequential(*layers)
        self.head = Projection(outputs[-1], len(spec.classes) if conditional else 0)

    def forward(self, image: Tensor, label: Tensor | None = None) -> Tensor:
        features = relu(self.layers(image)).sum((2, 3))  # (N, F)
        scores: Tensor = self.head(features, label)
        return scores
