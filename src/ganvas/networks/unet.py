"""The U-Net generator of pix2pix: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks"
(arXiv 1611.07004), section 6.1.1.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.errors import UsageError
from ganvas.networks.dcgan import start_normal_
from ganvas.networks.dropout import Dropout
from ganvas.networks.upwards import DoublingConv2d

DEEPEST = 8
"""The paper's depth: 256 pixels are halved to one."""

NOISY = 3
"""The paper's decoder has dropout after its first three layers."""

Norm = Literal["instance", "batch"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Batch norm, or instance norm without gain and shift, as the reference code of pix2pix and CycleGAN has them."""
    if norm not in ("instance", "batch"):
        raise UsageError(f"there is no norm called {norm!r}", "choose instance or batch")
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels)


def unet_levels(rows: int, columns: int) -> int:
    """How deep a U-Net suits pictures of this size: an innermost map of 1 to 4 pixels, and the least padding; the deepest such.

    256 -> 8 (the paper's), 64 -> 6, 96 -> 5, 28 -> 5 (padded to 32). Beyond 1,024 pixels the map grows instead.
    """
    short = min(rows, columns)

    def padded_pixels(levels: int) -> int:
        step: int = 2**levels
        return -(-rows // step) * -(-columns // step) * step * step

    depths = [levels for levels in range(2, DEEPEST + 1) if -(-short // 2**levels) <= 4 or levels == DEEPEST]
    return min(reversed(depths), key=padded_pixels)


class UNet(nn.Module):
    """(N, source channels, H, W) -> (N, target channels, H, W) in [-1, 1]; H and W are multiples of ``multiple`` = 2**levels.

    An encoder of 4x4 convolutions halves the picture ``levels`` times, a decoder doubles it again, and each decoder layer also
    sees the encoder's map of its own size (C64-C128-C256-C512-...; CD512-CD1024-...-C128 at width 64). A convolution has a bias
    where no norm follows that would subtract it again.

    Args:
        source_channels: of the input.
        target_channels: of the output.
        width: channels of the first map; they double a level, at most to 8 * width.
        levels: halvings, 2 to 8; see ``unet_levels``.
        norm: instance, or batch as in the paper. There is none after the first layer nor at the innermost map, which at one
            pixel a picture it would set to zero (the paper's erratum).
        dropout: probability, in training mode, after the first three decoder layers: the paper's only noise. A shallow net
            has fewer such layers, none among its two outermost.
    """

    def __init__(
        self,
        source_channels: int,
        target_channels: int,
        *,
        width: int = 64,
        levels: int = DEEPEST,
        norm: Norm = "instance",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if not 2 <= levels <= DEEPEST:
            raise UsageError(f"a U-Net of {levels} levels cannot be made", f"choose 2 to {DEEPEST}")
        self.multiple = 2**levels
        maps = [width * min(2**level, 8) for level in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (inputs, outputs) in enumerate(zip([source_channels, *maps[:-1]], maps, strict=True)):
            normed = 0 < level < levels - 1
            layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not normed)]
            self.down.append(nn.Sequential(*layers, *[norm_layer(norm, outputs)] * normed))
        for level in reversed(range(levels)):
            inputs = maps[level] * (1 if level == levels - 1 else 2)  # all but the innermost see the encoder's map as well
            outputs = maps[level - 1] if level else target_channels
            layers = [DoublingConv2d(inputs, outputs, bias=level == 0)]
            layers += [norm_layer(norm, outputs)] if level else [nn.Tanh()]
            noisy = levels - 1 - level < NOISY and level > 1 and dropout > 0
            self.up.append(nn.Sequential(*layers, *[Dropout(dropout)] * noisy))
        self.apply(start_normal_)

    def forward(self, source: Tensor) -> Tensor:
        maps: list[Tensor] = []
        x = source
        for level, layer in enumerate(self.down):
            x = layer(x if level == 0 else F.leaky_relu(x, 0.2))
            maps.append(x)
        for layer in self.up:
            inner = maps.pop()
            x = layer(F.relu(x if inner is x else torch.cat([inner, x], dim=1)))
        return x
