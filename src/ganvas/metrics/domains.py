"""A small network that tells domains apart, trained on real pictures: the judge of what a translation is taken for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate

from ganvas.data.batches import Images
from ganvas.errors import UsageError

SIDE = 64
"""Larger pictures are judged at this size."""
STEPS, BATCH, RATE = 300, 32, 2e-3
WIDTH = 16
FEWEST = 8
"""Pictures below which nothing is learnt."""


class DomainJudge(nn.Module):
    """Pictures (N, C, H, W) in [-1, 1] -> logits (N, K), in groups: one of several, or a yes or no.

    Four convolutions that halve, with batch norm, then the mean over positions.

    Args:
        channels: of the pictures.
        groups: how many logits each group has.
    """

    def __init__(self, channels: int, groups: Sequence[int]) -> None:
        super().__init__()
        self.groups = list(groups)
        maps = [channels, *(WIDTH * 2**level for level in range(4))]
        layers: list[nn.Module] = []
        for inputs, outputs in zip(maps, maps[1:], strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.named = nn.Linear(maps[-1], sum(groups))

    def forward(self, picture: Tensor) -> Tensor:
        logits: Tensor = self.named(self.layers(picture).mean((2, 3)))
        return logits

    @torch.no_grad()
    def right(self, picture: Tensor, label: Tensor) -> Tensor:
        """Whether each group of each picture is what ``label`` (N, K) of zeros and ones says, bool (N, groups)."""
        logits = torch.cat([self(part) for part in at_most(picture).split(256)])
        parts = zip(logits.split(self.groups, 1), label.split(self.groups, 1), strict=True)
        return torch.stack([agree(logit, wanted) for logit, wanted in parts], 1)


def agree(logit: Tensor, wanted: Tensor) -> Tensor:
    """For one group, bool (N,)."""
    if logit.shape[1] == 1:
        return (logit[:, 0] > 0) == (wanted[:, 0] > 0.5)
    return logit.argmax(1) == wanted.argmax(1)


def at_most(picture: Tensor) -> Tensor:
    """Pictures of which no side is longer than ``SIDE``."""
    longest = max(picture.shape[2:])
    if longest <= SIDE:
        return picture
    sides = [max(1, round(side * SIDE / longest)) for side in picture.shape[2:]]
    return interpolate(picture, sides, mode="bilinear", antialias=True, align_corners=False)


def domain_judge(
    real: Images, groups: Sequence[int], seed: int = 0, *, known: Tensor | None = None, steps: int = STEPS
) -> DomainJudge:
    """A judge trained on real pictures, ready to judge; it leaves torch's global generator as it was.

    Args:
        real: with labels (N, K) of zeros and ones.
        groups: see ``DomainJudge``; their sum is K.
        seed: of weights and order.
        known: bool (N, groups), where labels are known; everywhere when None.

    Raises:
        UsageError: fewer than ``FEWEST`` pictures.
    """
    assert real.label is not None
    if len(real.image) < FEWEST:
        raise UsageError(f"{len(real.image)} pictures teach no classifier", f"use data with at least {FEWEST}")
    pictures, label = at_most(real.image), real.label.float()
    told = torch.ones(len(pictures), len(groups)) if known is None else known.float()
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        judge = DomainJudge(pictures.shape[1], groups).train()
        optimizer = torch.optim.Adam(judge.parameters(), RATE)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
            rows = torch.randint(len(pictures), (min(BATCH, len(pictures)),))
            optimizer.zero_grad()
            loss_of(judge(pictures[rows]), label[rows], judge.groups, told[rows]).backward()
            optimizer.step()
    return judge.eval().requires_grad_(False)


def loss_of(logits: Tensor, label: Tensor, groups: Sequence[int], known: Tensor) -> Tensor:
    """The cross-entropy of each group, the mean over the pictures of which it is known, summed over groups."""
    losses = []
    for logit, wanted in zip(logits.split(list(groups), 1), label.split(list(groups), 1), strict=True):
        alone = logit.shape[1] == 1
        loss = binary_cross_entropy_with_logits if alone else cross_entropy
        losses.append(loss(logit, wanted, reduction="none").flatten())
    return ((torch.stack(losses, 1) * known).sum(0) / known.sum(0).clamp(min=1)).sum()
