"""Latents that depend on (seed, number of the sample) alone, truncated if asked; and truncation in style space."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.method import Styled

BLOCK = 64
"""Samples are drawn in whole blocks, so that sample i is the same whatever is asked beside it."""


def draw(
    start: int, count: int, size: int, *, seed: int, prior: Literal["normal", "uniform"], truncation: float | None = None
) -> Tensor:
    """Latents of the samples ``start`` to ``start + count``, (count, size) float32 on the CPU.

    With ``truncation`` psi each component follows its prior given |z| <= psi, which is what drawing again until |z| <= psi
    gives (Brock et al. 2019, section 3.1, the truncation trick). It is computed by inverting the distribution function at the
    same uniform numbers, so that one sample moves smoothly towards the mode as psi falls; psi -> infinity gives back the
    untruncated sample.

    Raises:
        UsageError: ``truncation`` is not a finite number above 0.
    """
    first, last = start // BLOCK, -(-(start + count) // BLOCK)
    blocks = [np.random.default_rng([seed, number]).random((BLOCK, size)) for number in range(first, last)]
    uniform = torch.from_numpy(np.concatenate(blocks)[start - first * BLOCK :][:count])
    return shaped(uniform, prior=prior, truncation=truncation)


def shaped(uniform: Tensor, *, prior: Literal["normal", "uniform"], truncation: float | None = None) -> Tensor:
    """Latents of the prior, float32, from numbers in 0..1 (float64) by inverting its distribution function; see ``draw``."""
    if truncation is not None and not (math.isfinite(truncation) and truncation > 0):
        raise UsageError(
            f"truncation={truncation} is out of range", "it must be above 0, such as 0.7; leave it out for all of z"
        )
    if prior == "uniform":
        return ((2 * uniform - 1) * min(1.0, truncation or 1.0)).float()
    outside = 0.0 if truncation is None else 0.5 * math.erfc(truncation / math.sqrt(2))  # P(z < -psi)
    # At 0 the inverse is minus infinity; half of the uniform's spacing moves nothing else that float32 can show.
    uniform = (outside + uniform * (1 - 2 * outside)).clamp(2.0**-54, 1 - 2.0**-53)
    normal: Tensor = torch.special.ndtri(uniform)
    return normal.float()


def towards_average(method: Styled, latent: Tensor, label: Tensor | None, psi: float | Tensor) -> Tensor:
    """Styles (N, layers, W) of latents, moved towards the average style: average + psi (w - average).

    The truncation trick in W (Karras et al. 2019, section B): 1 leaves them as they are, at 0 all are the average, or the
    average of their class.

    Raises:
        UsageError: ``psi`` is a number outside 0 to 1. A tensor is taken as it is.
    """
    if not isinstance(psi, Tensor) and not 0 <= psi <= 1:
        raise UsageError(f"truncation={psi} is out of range", "it must be from 0, the average, to 1, all of the style space")
    average = method.average_style(label)
    average = average if label is None else average.unsqueeze(1)  # (W,), or (N, 1, W)
    return torch.lerp(average, method.styles(latent, label), psi)
