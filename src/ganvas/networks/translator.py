"""The residual translators of CycleGAN (Zhu et al. 2017, arXiv 1703.10593, section 7.2, after Johnson et al. 2016) and of
StarGAN (Choi et al. 2018, arXiv 1711.09020, table 4).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganvas.networks.dcgan import start_normal_

Border = Literal["reflect", "zeros"]


def bordered(inputs: int, outputs: int, kernel: int, border: Border, *, bias: bool) -> nn.Conv2d:
    """A convolution of stride 1 that keeps the picture's size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=border, bias=bias)


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), 3x3 convolutions."""

    def __init__(self, channels: int, border: Border, *, affine: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            bordered(channels, channels, 3, border, bias=False),
            nn.InstanceNorm2d(channels, affine=affine),
            nn.ReLU(inplace=True),
            bordered(channels, channels, 3, border, bias=False),
            nn.InstanceNorm2d(channels, affine=affine),
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed


class ResNetTranslator(nn.Module):
    """(N, source channels, H, W) -> (N, target channels, H, W) in [-1, 1]; H and W are multiples of
    ``multiple``, at least ``least``.

    c7s1-64, d128, d256, ``blocks`` residual blocks, u128, u64, c7s1-3 at width 64, each with instance norm and ReLU but the
    last. Convolutions before a norm have no bias: it would subtract it again.

    Args:
        source_channels: of the input.
        target_channels: of the output.
        width: channels of the outermost maps.
        blocks: residual blocks; the paper has 6 for pictures of 128 pixels and 9 from 256.
        border: how the stride-1 convolutions continue the picture: reflect as CycleGAN; zeros as StarGAN, whose constant label
            planes a reflection would leave without any cue of the border.
        labels: constant planes joined to the picture, one a component of ``label``.
        kernel: of the layers that halve and double: 3 as CycleGAN, 4 as StarGAN.
        affine: instance norm learns a gain and a shift, as StarGAN's.
    """

    multiple = 4
    least = 8

    def __init__(
        self,
        source_channels: int,
        target_channels: int,
        *,
        width: int = 64,
        blocks: int = 9,
        border: Border = "reflect",
        labels: int = 0,
        kernel: Literal[3, 4] = 3,
        affine: bool = False,
    ) -> None:
        super().__init__()
        self.labels = labels
        odd = kernel % 2  # a 3x3 layer cannot tell 2n from 2n - 1 pixels: output padding says 2n

        def normed(layer: nn.Module, channels: int) -> list[nn.Module]:
            return [layer, nn.InstanceNorm2d(channels, affine=affine), nn.ReLU(inplace=True)]

        def halve(channels: int) -> list[nn.Module]:
            return normed(nn.Conv2d(channels, 2 * channels, kernel, stride=2, padding=1, bias=False), 2 * channels)

        def double(channels: int) -> list[nn.Module]:
            half = channels // 2
            layer = nn.ConvTranspose2d(channels, half, kernel, stride=2, padding=1, output_padding=odd, bias=False)
            return normed(layer, half)

        self.layers = nn.Sequential(
            *normed(bordered(source_channels + labels, width, 7, border, bias=False), width),
            *halve(width),
            *halve(2 * width),
            *[Residual(4 * width, border, affine=affine) for _ in range(blocks)],
            *double(4 * width),
            *double(2 * width),
            bordered(width, target_channels, 7, border, bias=True),
            nn.Tanh(),
        )
        self.apply(start_normal_)

    def forward(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        """``label`` (N, labels): the value of each label plane; given exactly when ``labels`` is not 0."""
        if label is not None:
            planes = label.to(source.dtype)[:, :, None, None].expand(-1, -1, *source.shape[2:])
            source = torch.cat([source, planes], dim=1)  # (N, source channels + labels, H, W)
        translated: Tensor = self.layers(source)
        return translated
