"""Residual blocks of GANs: those of Miyato et al. 2018 (arXiv 1802.05957, figure 8), which BigGAN keeps, and the bottlenecks of
BigGAN-deep (Brock et al. 2019, arXiv 1809.11096, figure 16).

Activations come before convolutions; the generator's blocks normalise before each, and their norms are told the condition.
A 1x1 convolution and a doubling or halving commute, so it is done on the smaller map.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ganvas.networks.conditional_norm import Norm
from ganvas.networks.resampled import DownConv2d, UpConv2d


def doubled(x: Tensor) -> Tensor:
    """Each pixel copied to 2x2."""
    return interpolate(x, scale_factor=2.0, mode="nearest")


class UpBlock(nn.Module):
    """up(skip(x)) + conv(relu(norm(conv(up(relu(norm(x))))))): (N, inputs, H, W), condition -> (N, outputs, 2H, 2W)."""

    def __init__(self, inputs: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(inputs), norm(outputs)
        self.conv1 = UpConv2d(inputs, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        h: Tensor = self.conv1(relu(self.norm1(x, condition)))
        h = self.conv2(relu(self.norm2(h, condition)))
        kept = doubled(self.skip(x))
        return kept + h


class DownBlock(nn.Module):
    """down(skip(x)) + down(conv(relu(conv(relu(x))))): (N, inputs, H, W) -> (N, outputs, H/2, W/2), or H, W.

    Args:
        inputs, outputs: channels.
        first: x is the picture, to which no relu is applied.
        halve: else the sides stay.
    """

    def __init__(self, inputs: int, outputs: int, *, first: bool = False, halve: bool = True) -> None:
        super().__init__()
        self.first, self.halve = first, halve
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = DownConv2d(outputs, outputs) if halve else nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if halve or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        kept: Tensor = self.skip(avg_pool2d(x, 2) if self.halve else x)
        return kept + h


class DeepUpBlock(nn.Module):
    """A bottleneck of a quarter of the channels; its way around drops channels instead of mixing them (figure 16, left).

    (N, inputs, H, W), condition -> (N, outputs, 2H, 2W), or H, W unless ``grow``; outputs <= inputs.
    """

    def __init__(self, inputs: int, outputs: int, norm: Norm, *, grow: bool) -> None:
        super().__init__()
        self.outputs, self.grow = outputs, grow
        hidden = max(1, inputs // 4)
        self.norms = nn.ModuleList(norm(channels) for channels in (inputs, hidden, hidden, hidden))
        first = UpConv2d(hidden, hidden) if grow else nn.Conv2d(hidden, hidden, 3, padding=1)
        layers = [nn.Conv2d(inputs, hidden, 1), first, nn.Conv2d(hidden, hidden, 3, padding=1), nn.Conv2d(hidden, outputs, 1)]
        self.convs = nn.ModuleList(layers)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        h = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(relu(norm(h, condition)))
        kept = x[:, : self.outputs]
        return (doubled(kept) if self.grow else kept) + h


class DeepDownBlock(nn.Module):
    """The critic's bottleneck; its way around gains channels by a 1x1 convolution beside those it has (figure 16, right).

    (N, inputs, H, W) -> (N, outputs, H/2, W/2), or H, W unless ``halve``; outputs >= inputs.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        hidden = max(1, outputs // 4)
        self.convs = nn.ModuleList([nn.Conv2d(inputs, hidden, 1), *(nn.Conv2d(hidden, hidden, 3, padding=1) for _ in range(2))])
        self.last = nn.Conv2d(hidden, outputs, 1)
        self.widen = nn.Conv2d(inputs, outputs - inputs, 1) if outputs > inputs else None

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for conv in self.convs:
            h = conv(relu(h))
        h, kept = relu(h), x
        if self.halve:
            h, kept = avg_pool2d(h, 2), avg_pool2d(x, 2)
        if self.widen is not None:
            kept = torch.cat([kept, self.widen(kept)], dim=1)
        changed: Tensor = self.last(h)
        return kept + changed


class Stage(nn.ModuleList):
    """Blocks one after the other, all under one condition."""

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        for block in self:
            x = block(x, condition)
        return x
