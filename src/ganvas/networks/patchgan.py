"""Discriminators that score patches: Isola et al. 2017 (arXiv 1611.07004), section 6.1.2; StarGAN's of Choi et al. 2018
(arXiv 1711.09020, table 5), which also names the patch's domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from torch import Tensor, nn

from ganvas.errors import UsageError
from ganvas.networks.dcgan import start_normal_
from ganvas.networks.unet import Norm, norm_layer

Patch = Literal["auto", "70x70", "34x34", "16x16", "pixel"]

PATCHES = {"70x70": (3, 70), "34x34": (2, 34), "16x16": (1, 16), "pixel": (0, 1)}
"""Layers and side in pixels of each patch of the paper (section 4.4)."""


def receptive_field(layers: Iterable[nn.Module]) -> int:
    """Side of the square of pixels that one output of convolutions in a row depends on: 1 + sum (k - 1) * strides before."""
    field, stride = 1, 1
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            field += (layer.kernel_size[0] - 1) * layer.dilation[0] * stride
            stride *= layer.stride[0]
    return field


def layers_for(patch: Patch, rows: int, columns: int) -> int:
    """``PatchDiscriminator``'s layers for a patch; auto is the widest that a picture holds: 256 -> 3, 64 -> 2, 28 -> 1."""
    if patch in PATCHES:
        layers, _ = PATCHES[patch]
        least = 3 * 2**layers if layers else 1  # of which the two convolutions of stride 1 leave one score
        if min(rows, columns) < least:
            raise UsageError(f"patches of {patch} need sides of {least} pixels, not {rows}x{columns}", "choose auto")
        return layers
    if patch != "auto":
        raise UsageError(f"there is no patch called {patch!r}", f"choose auto, {', '.join(PATCHES)}")
    return next(layers for layers, field in PATCHES.values() if field <= min(rows, columns))


class PatchDiscriminator(nn.Sequential):
    """(N, channels, H, W) -> scores (N, 1, h, w), each of one patch; higher is more real.

    Args:
        channels: of the picture, or of source and target together.
        width: channels of the first map; they double a layer, at most to 8 * width.
        layers: halvings: 3, 2, 1 and 0 make patches of 70, 34, 16 and 1 pixels. The shorter side is at least 24, 12, 6 and 1.
        norm: instance or batch; none in the first layer and the last.
    """

    def __init__(self, channels: int, *, width: int = 64, layers: int = 3, norm: Norm = "instance") -> None:
        if not 0 <= layers <= 6:
            raise UsageError(f"a patch discriminator of {layers} layers cannot be made", "choose 0 (pixels), 1, 2 or 3 (70x70)")
        if layers == 0:
            plan = [(channels, width, 1, 1), (width, 2 * width, 1, 1)]
        else:
            maps = [width * min(2**level, 8) for level in range(layers + 1)]
            plan = [(i, o, 4, 2) for i, o in zip([channels, *maps[:-2]], maps[:-1], strict=True)]
            plan.append((maps[-2], maps[-1], 4, 1))
        modules: list[nn.Module] = []
        for level, (inputs, outputs, kernel, stride) in enumerate(plan):
            modules.append(nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 4, bias=level == 0))
            modules += [norm_layer(norm, outputs)] if level else []
            modules.append(nn.LeakyReLU(0.2, inplace=True))
        kernel = plan[-1][2]
        super().__init__(*modules, nn.Conv2d(plan[-1][1], 1, kernel, padding=kernel // 4))
        self.apply(start_normal_)


def domain_levels(side: int) -> int:
    """How often StarGAN's discriminator halves a side, padded to a multiple: until 2 or 3 pixels are left, at most 6 times.

    128 -> 6 (the paper's, to 2 pixels), 96 -> 5 (to 3), 28 -> 4 (padded to 32, to 2).
    """
    return next((levels for levels in range(1, 6) if -(-side // 2**levels) <= 3), 6)


class DomainDiscriminator(nn.Module):
    """StarGAN's: patch scores (N, 1, h, w) and the picture's domain logits (N, domains). No norm: it has a gradient penalty.

    Args:
        channels: of the picture.
        size: (H, W), multiples of 2**levels.
        domains: components of the label.
        width: channels of the first map, doubled a level.
        levels: halvings; the paper has 6 for 128 pixels. None: until a side is 2 or 3 pixels, at most 6.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], domains: int, *, width: int = 64, levels: int | None = None
    ) -> None:
        super().__init__()
        levels = levels or domain_levels(min(size))
        if any(side % 2**levels for side in size):
            step = 2**levels
            near = tuple(max(round(side / step), 1) * step for side in size)
            raise UsageError(
                f"StarGAN's discriminator cannot halve {size[0]}x{size[1]} {levels} times", f"try --size {near[0]}x{near[1]}"
            )
        maps = [width * 2**level for level in range(levels)]
        modules: list[nn.Module] = []
        for inputs, outputs in zip([channels, *maps[:-1]], maps, strict=True):
            modules += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.01, inplace=True)]
        self.trunk = nn.Sequential(*modules)
        inner = (size[0] // 2**levels, size[1] // 2**levels)
        self.score = nn.Conv2d(maps[-1], 1, 3, padding=1, bias=False)
        self.domain = nn.Conv2d(maps[-1], domains, inner, bias=False)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(picture)
        return self.score(features), self.domain(features).flatten(1)
