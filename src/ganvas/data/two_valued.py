"""Pairs of which the target is not decided by the source: a shape's mask, and the shape filled with +1 or -1 at random.

A network that only minimises the absolute error answers with the median or the mean, a fill near 0; one that must also look
real has to choose. Whether a conditional GAN chooses can so be measured in a minute (Isola et al. 2017, section 3, on why L1
blurs).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganvas.data.dataset import HELD_OUT_DRAWS, TRAINING_DRAWS, random_bits
from ganvas.data.translation import PairData
from ganvas.errors import UsageError

TRAINING, HELD_OUT = 4096, 512
OUTSIDE = 128  # as near to 0 as 8 bits go: 0.004


def two_valued(*, count: int | None = None, size: int | None = None, seed: int = 0) -> PairData:
    """Masks (N, 1, size, size), +1 inside and -1 outside, with targets that are +1 or -1 all over the inside and 0 outside.

    Args:
        count: pairs to train on; 4,096 by default. The held-out part has 512.
        size: pixels of a side; 32 by default.
        seed: of the shapes and their fills.

    Raises:
        UsageError: a count or size out of range.
    """
    number, side = count or TRAINING, size or 32
    if not 2 <= number <= 1_000_000 or not 8 <= side <= 512:
        raise UsageError(f"{number} shapes of {side}x{side} cannot be drawn", "choose 2 to 1,000,000 of 8 to 512 pixels a side")

    def drawn(purpose: int, count: int, name: str) -> PairData:
        source = np.random.Generator(random_bits(seed, purpose, 0))
        inside, fill = shapes(source, count, side), torch.from_numpy(source.integers(0, 2, count))
        target = torch.where(inside, (fill * 255).to(torch.uint8).view(-1, 1, 1, 1), torch.tensor(OUTSIDE, dtype=torch.uint8))
        mask = inside.to(torch.uint8) * 255
        return PairData(
            mask, target, label=fill, name=name, licence="none needed (drawn from a formula)", origin="random shapes"
        )

    data = drawn(TRAINING_DRAWS, number, "two-valued")
    options = {"count": count, "size": size, "seed": seed or None}
    data.recipe = {"source": "two-valued", **{name: value for name, value in options.items() if value is not None}}
    return data.whole(lambda: drawn(HELD_OUT_DRAWS, HELD_OUT, "two-valued (held out)"))


def shapes(source: np.random.Generator, count: int, side: int) -> Tensor:
    """The insides of diamonds, ellipses and rounded boxes |u|^p + |v|^p < 1, turned at random, bool (count, 1, side, side)."""
    centre = torch.from_numpy(source.uniform(-0.3, 0.3, (2, count, 1, 1, 1)))
    radius = torch.from_numpy(source.uniform(0.3, 0.7, (2, count, 1, 1, 1)))
    angle = torch.from_numpy(source.uniform(0, np.pi, (count, 1, 1, 1)))
    power = torch.from_numpy(source.choice([1.0, 2.0, 6.0], (count, 1, 1, 1)))
    axis = (torch.arange(side, dtype=torch.float64) + 0.5) * (2 / side) - 1
    y, x = axis.view(-1, 1) - centre[0], axis.view(1, -1) - centre[1]
    u, v = (x * angle.cos() + y * angle.sin()) / radius[0], (y * angle.cos() - x * angle.sin()) / radius[1]
    return u.abs() ** power + v.abs() ** power < 1
