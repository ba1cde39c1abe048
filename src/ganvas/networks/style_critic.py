"""StyleGAN2's discriminator: residual (Karras et al. 2020, arXiv 1912.04958, figure 7 c), with the batch's own variation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.networks.dcgan import halvings
from ganvas.networks.equalised import GAIN, EqualisedConv2d, EqualisedLinear, activate, full_precision
from ganvas.networks.fir import before_halving, halving
from ganvas.networks.style_generator import map_widths

GROUP = 4
"""Samples whose variation is measured together (Karras et al. 2018, section 3)."""


def group_size(batch: int) -> int:
    """The largest number up to ``GROUP`` that divides the batch into equal groups of several; else the whole batch."""
    return next((size for size in range(min(GROUP, batch), 1, -1) if batch % size == 0), batch)


class BatchDeviation(nn.Module):
    """Joins to each sample one more channel: how much its group of samples varies, (N, C, H, W) -> (N, C + 1, H, W).

    It is the standard deviation over the group, averaged over channels and pixels: a generator whose samples are all alike
    gives itself away. Groups are neighbours in the batch.

    Args:
        group: how many samples are measured together, where they divide the batch.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        count, _, rows, columns = x.shape
        group = self.group if count % self.group == 0 else group_size(count)
        deviation = (x.unflatten(0, (-1, group)).var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (N / group,)
        plane = deviation.repeat_interleave(group, output_size=count).view(-1, 1, 1, 1)
        return torch.cat([x, plane.expand(-1, -1, rows, columns)], dim=1)


class Halving(nn.Module):
    """A residual block that halves the sides: (conv, FIR and strided conv) + (FIR and 1x1 conv), over sqrt(2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.refine = EqualisedConv2d(inputs, inputs, 3)
        self.fir = before_halving()
        self.down = EqualisedConv2d(inputs, outputs, 3, stride=2, padding=0, gain=GAIN / math.sqrt(2))
        self.halve = halving()
        self.skip = EqualisedConv2d(inputs, outputs, 1, gain=1 / math.sqrt(2), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        skip: Tensor = self.skip(self.halve(x))
        return skip + activate(self.down(self.fir(activate(self.refine(x)))))


class StyleCritic(nn.Module):
    """Pictures (N, C, H, W) and, with classes, labels (N,) -> scores (N,).

    The label comes in by projection: score = v . f(x) + e_y . f(x) / sqrt(d) (Miyato and Koyama 2018, eq. 3).

    Args:
        spec: the picture's shape.
        width: channels of the first map, doubled at each stage inwards up to 8 times.
        batch_size: of training; the groups whose variation is measured divide it.
        classes: how many, for a conditional one.
    """

    def __init__(self, spec: Spec, *, width: int, batch_size: int, classes: int = 0) -> None:
        super().__init__()
        stages = halvings("this critic", spec)
        channels, rows, columns = spec.shape
        widths = map_widths(width, stages)
        base = (rows // 2**stages) * (columns // 2**stages)
        self.first = EqualisedConv2d(channels, width, 1)
        self.stages = nn.Sequential(*[Halving(i, o) for i, o in zip(widths, widths[1:], strict=False)])
        self.deviation = BatchDeviation(group_size(batch_size))
        self.last = EqualisedConv2d(widths[-1] + 1, widths[-1], 3)
        self.dense = EqualisedLinear(widths[-1] * base, widths[-1], gain=GAIN)
        self.score = EqualisedLinear(widths[-1], 1)
        self.classes = nn.Embedding(classes, widths[-1]) if classes else None

    def forward(self, pictures: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.stages(activate(self.first(pictures)))
        with full_precision(x):
            x = x.float() if x.dtype == torch.bfloat16 else x
            x = activate(self.last(self.deviation(x)))
            features = activate(self.dense(x.flatten(1)))  # (N, d)
            scores: Tensor = self.score(features).squeeze(1)
            if self.classes is not None:
                assert label is not None, "a conditional critic takes labels"
                scores = scores + (self.classes(label) * features).sum(1) / math.sqrt(features.shape[1])
            return scores
