"""The residual networks of R3GAN (Huang et al. 2024, arXiv 2501.05441, section 4), without normalisation, for any resolution
b * 2^k with b from 4 to 8.

They start as Fixup has it (Zhang et al. 2019): the last convolution of each block is zero, so that a block begins as the
identity, and the others of a branch of m layers are scaled down by L^(-1 / (2m - 2)) for L blocks, so that the update of the
whole does not grow with its depth.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.dcgan import halvings, widths

Block = Literal["bottleneck", "basic"]
Ends = Literal["modulated", "dense"]
"""Where latents become the first map and the last map becomes scores: as the paper, or in linear layers over all its places."""

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""Keeps the variance of a signal through a leaky ReLU (He et al. 2015)."""
EXPANSION, GROUP = 2, 16
"""Of a bottleneck: channels inside over those outside, and channels of a group."""
HIDDEN = 256
"""Units between the last map and the scores of a discriminator with dense ends."""


def scaled_(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    """Weights from N(0, gain^2 / fan-in), biases 0."""
    fan = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(fan)) if gain else nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def convolution(inputs: int, outputs: int, kernel: int, gain: float, *, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    """A convolution that keeps the size, its weights started for ``gain``."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias)
    scaled_(layer, gain)
    return layer


class Residual(nn.Module):
    """x + branch(x): no activation on the trunk, no bias at the branch's end.

    The ``bottleneck`` is the paper's, conv1x1(act(grouped conv3x3(act(conv1x1(x))))). The ``basic`` block is a plain ResNet's,
    conv3x3(act(conv3x3(x))): with few channels and without a GPU it learns more in the same time.

    Args:
        channels: outside; ``EXPANSION`` times as many inside a bottleneck, in groups of ``GROUP`` where they divide.
        depth: L, the blocks of the network.
        block: which of the two.
    """

    def __init__(self, channels: int, depth: int, block: Block) -> None:
        super().__init__()
        if block == "basic":  # m = 2 layers: L^(-1 / (2m - 2))
            self.branch = nn.Sequential(
                convolution(channels, channels, 3, GAIN * depth**-0.5, bias=True),
                nn.LeakyReLU(SLOPE, inplace=True),
                convolution(channels, channels, 3, 0.0),
            )
            return
        inside, gain = EXPANSION * channels, GAIN * depth**-0.25
        groups = inside // GROUP if inside % GROUP == 0 else 1
        self.branch = nn.Sequential(
            convolution(channels, inside, 1, gain, bias=True),
            nn.LeakyReLU(SLOPE, inplace=True),
            convolution(inside, inside, 3, gain, groups=groups, bias=True),
            nn.LeakyReLU(SLOPE, inplace=True),
            convolution(inside, channels, 1, 0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.branch(x)
        return x + added


class Halving(nn.Module):
    """Half the size by the filter [1, 3, 3, 1] / 8 along each axis, the transpose of doubling by bilinear interpolation."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H / 2, W / 2); what lies beyond the border counts as 0."""
        return F.conv2d(x, self.per_channel(x), stride=2, padding=1, groups=x.shape[1])

    def transpose(self, delta: Tensor) -> Tensor:
        """The Jacobian's transpose."""
        return F.conv_transpose2d(delta, self.per_channel(delta), stride=2, padding=1, groups=delta.shape[1])

    def per_channel(self, x: Tensor) -> Tensor:
        return self.kernel.to(x.dtype).expand(x.shape[1], -1, -1, -1)


def stages_of(name: str, spec: Spec, patch: int, fine: int) -> int:
    """How often the finest stage is halved; UsageError for a size or a patch that does not allow it, or what no patch has."""
    if fine and patch == 1:
        raise UsageError(f"fine={fine} is a layer beside patches, and patch is 1", "leave fine out, or use --patch 2")
    stages = halvings(name, spec) - (patch.bit_length() - 1)
    if patch & (patch - 1) or stages < 0:
        raise UsageError(f"patch={patch} does not fit pictures of {spec.shape[1]}x{spec.shape[2]}", "use 1 or 2")
    return stages


def to_pixels(inputs: int, channels: int, patch: int, fine: int) -> list[nn.Module]:
    """From the finest stage (N, inputs, h, w) to pictures (N, channels, h * patch, w * patch), their range left open.

    Without ``fine`` the pixels of a patch are linear in its place of the stage. With it a rectified layer of so few channels,
    three pixels wide, stands between: it costs what a block of the stage does, and draws what is finer than a patch.
    """
    if patch == 1:
        return [convolution(inputs, channels, 1, 1.0, bias=True)]
    if not fine:
        return [convolution(inputs, channels * patch**2, 3, 1.0, bias=True), nn.PixelShuffle(patch)]
    spread = [convolution(inputs, fine * patch**2, 3, GAIN, bias=True), nn.PixelShuffle(patch)]
    return [*spread, nn.LeakyReLU(SLOPE, inplace=True), convolution(fine, channels, 3, 1.0, bias=True)]


def from_pixels(channels: int, outputs: int, patch: int, fine: int) -> list[nn.Module]:
    """The way of ``to_pixels`` back: pictures (N, channels, H, W) to (N, outputs, H / patch, W / patch)."""
    before: list[nn.Module] = []
    if fine:
        before, channels = [convolution(channels, fine, 3, GAIN, bias=True), nn.LeakyReLU(SLOPE, inplace=True)], fine
    kernel, padding = (1, 0) if patch == 1 else (patch + 2, 1)
    gather = nn.Conv2d(channels, outputs, kernel, stride=patch, padding=padding)
    scaled_(gather, 1.0)
    return [*before, gather]


class Modulated(nn.Module):
    """Latents (N, Z) to (N, *base): each channel of a learned map times a number that is linear in the latent."""

    def __init__(self, latent_size: int, base: tuple[int, int, int]) -> None:
        super().__init__()
        self.modulation = nn.Linear(latent_size, base[0])
        scaled_(self.modulation, 1.0)
        self.basis = nn.Parameter(torch.randn(base))

    def forward(self, latent: Tensor) -> Tensor:
        first: Tensor = self.modulation(latent)[:, :, None, None] * self.basis
        return first


def dense_map(latent_size: int, base: tuple[int, int, int]) -> nn.Sequential:
    """Latents (N, Z) to (N, *base), each place of it linear in the latent."""
    layer = nn.Linear(latent_size, math.prod(base))
    scaled_(layer, 1.0)
    return nn.Sequential(layer, nn.Unflatten(1, base))


class ModernGenerator(nn.Module):
    """Latents (N, Z) become a map, which residual stages double to (N, C, H, W).

    The end is a tanh, where the paper has none: without it, noise in what is flat at -1 in the data gives every sample away.

    Args:
        spec: the picture's shape.
        latent_size: Z.
        width: channels of the finest stage, doubled each stage inwards up to 16 times.
        blocks: residual blocks a stage.
        block: their kind, see ``Residual``.
        patch: pixels a side of what the finest stage has in one place, a power of two; 1 as the paper.
        fine: channels of a layer at every pixel beside patches, see ``to_pixels``; 0 for none.
        ends: how the latents become the first map, see ``Ends``.
        classes: how many the label embedding tells apart; 0 for none.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        latent_size: int,
        width: int,
        blocks: int = 2,
        block: Block = "bottleneck",
        patch: int = 1,
        fine: int = 0,
        ends: Ends = "modulated",
        classes: int = 0,
    ) -> None:
        super().__init__()
        channels, rows, columns = spec.shape
        stages = stages_of("this generator", spec, patch, fine)
        inwards = widths(width, stages + 1)
        deepest = inwards[-1]
        self.embedding = nn.Embedding(classes, latent_size) if classes else None
        base = (deepest, rows // patch // 2**stages, columns // patch // 2**stages)
        self.start = (Modulated if ends == "modulated" else dense_map)(latent_size * (2 if classes else 1), base)
        depth = blocks * (stages + 1)
        layers: list[nn.Module] = [Residual(deepest, depth, block) for _ in range(blocks)]
        for before, here in zip(inwards[:0:-1], inwards[-2::-1], strict=True):
            # A 1x1 convolution and a doubling commute: the narrower picture is the cheaper one to double.
            layers += [convolution(before, here, 1, 1.0)] if here != before else []
            layers.append(nn.Upsample(scale_factor=2, mode="bilinear"))
            layers += [Residual(here, depth, block) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers, *to_pixels(inwards[0], channels, patch, fine), nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        if self.embedding is not None:
            latent = torch.cat([latent, self.embedding(label)], dim=1)
        start = self.start(latent).contiguous(memory_format=torch.channels_last)  # (N, deepest, h, w)
        picture: Tensor = self.layers(start)
        return picture


class ModernDiscriminator(nn.Sequential):
    """(N, C, H, W) -> (N,): the generator in reverse; at the end a filter of the map's size a channel, and a linear layer.
    With dense ends, a hidden layer of ``HIDDEN`` units over the whole map stands in place of the filters.

    With ``classes`` the linear layer has a score for each and that of the label counts: a projection discriminator (Miyato and
    Koyama 2018), whose embeddings are the layer's rows.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int,
        blocks: int = 2,
        block: Block = "bottleneck",
        patch: int = 1,
        fine: int = 0,
        ends: Ends = "modulated",
        classes: int = 0,
    ) -> None:
        channels, rows, columns = spec.shape
        stages = stages_of("this discriminator", spec, patch, fine)
        outwards = widths(width, stages + 1)
        depth = blocks * (stages + 1)
        layers: list[nn.Module] = from_pixels(channels, width, patch, fine)
        layers += [Residual(width, depth, block) for _ in range(blocks)]
        for before, here in zip(outwards[:-1], outwards[1:], strict=True):
            layers.append(Halving())
            layers += [convolution(before, here, 1, 1.0)] if here != before else []
            layers += [Residual(here, depth, block) for _ in range(blocks)]
        base = (rows // patch // 2**stages, columns // patch // 2**stages)
        if ends == "modulated":
            filters = nn.Conv2d(outwards[-1], outwards[-1], base, groups=outwards[-1], bias=False)
            scaled_(filters, 1.0)
            features, known = [filters, nn.Flatten()], outwards[-1]
        else:
            hidden = nn.Linear(outwards[-1] * base[0] * base[1], HIDDEN)
            scaled_(hidden, GAIN)
            features, known = [nn.Flatten(), hidden, nn.LeakyReLU(SLOPE, inplace=True)], HIDDEN
        last = nn.Linear(known, max(1, classes))
        scaled_(last, 1.0)
        super().__init__(*layers, *features, last)
        self.classes = classes

    def forward(self, image: Tensor, label: Tensor | None = None) -> Tensor:
        scores: Tensor = super().forward(image)  # type: ignore[no-untyped-call]  # (N, 1 or classes)
        return scores.squeeze(1) if label is None else scores.gather(1, label[:, None]).squeeze(1)
