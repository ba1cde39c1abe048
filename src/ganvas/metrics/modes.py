"""How many modes of a known mixture of Gaussians a sampler covers."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError


class ModeCoverage(NamedTuple):
    """What a sample says of its coverage of K modes.

    ``modes`` is how many have at least one high-quality sample; ``high_quality_share`` is the share of samples within three
    standard deviations of a mode (a perfect sampler in the plane has 1 - exp(-9/2) = 98.89 %); ``kl_to_uniform`` is
    KL(p || uniform) in nats of the samples' shares over their nearest modes, from 0 to log K (a perfect sampler of N points
    has about (K - 1) / (2 N)).
    """

    modes: int
    high_quality_share: float
    kl_to_uniform: float


def mode_coverage(samples: Tensor, modes: Tensor, sigma: float, *, radius: float = 3.0) -> ModeCoverage:
    """Coverage of equally likely ``modes`` (K, d) of standard deviation ``sigma`` by ``samples`` (N, d); as Lin et al. 2018.

    A sample that is not finite is of no quality and belongs to no mode; with none finite the divergence is log K.

    Args:
        radius: how far from its mode a sample may lie, in ``sigma``, to count as of high quality.
    """
    if len(samples) == 0 or len(modes) == 0:
        raise UsageError("mode coverage needs at least one sample and one mode", "draw more samples")
    if samples.shape[1:] != modes.shape[1:]:
        raise UsageError(
            f"samples {tuple(samples.shape)} and modes {tuple(modes.shape)} differ in dimension", "use the same space"
        )
    points, centres = samples.detach().double().cpu(), modes.detach().double().cpu()
    finite = points[torch.isfinite(points).all(1)]
    distance, nearest = torch.cdist(finite, centres).min(1) if len(finite) else (finite.sum(1), finite.sum(1).long())
    good = distance <= radius * sigma
    shares = torch.bincount(nearest, minlength=len(centres)).double() / max(1, len(finite))
    entropy = -torch.special.xlogy(shares, shares).sum()
    return ModeCoverage(
        modes=int(torch.bincount(nearest[good]).count_nonzero()),
        high_quality_share=float(good.sum()) / len(points),
        kl_to_uniform=max(0.0, math.log(len(centres)) - float(entropy)),
    )
