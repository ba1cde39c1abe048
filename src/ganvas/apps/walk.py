"""A walk through latent space that comes back to where it began."""

from __future__ import annotations

import math

import torch

from ganvas.apps.latent import Chosen, Codes, classes_of, space_of, truncated_styles
from ganvas.errors import UsageError
from ganvas.runs import Model
from ganvas.runs.latents import shaped


def walk(
    model: Model,
    frames: int,
    *,
    seed: int = 0,
    bends: int = 2,
    space: Chosen = "auto",
    label: int | None = None,
    truncation: float | None = None,
) -> Codes:
    """``frames`` codes along a closed smooth random curve, the one after the last being the first.

    In normal z the curve is z(t) = sum over k = 1..bends of (a_k cos 2 pi k t + b_k sin 2 pi k t) / sqrt(bends), with a_k and
    b_k from N(0, I): a stationary Gaussian process on a circle, so that each frame alone is distributed as any sample is. The
    covariance of a component at t and t' is the mean over k of cos 2 pi k (t - t').

    Args:
        frames: at least 2.
        seed: of a_k and b_k.
        bends: the highest frequency, at least 1: the more, the livelier.
        space: z, or w: the same curve through the mapping network. auto: w where there are styles.
        label: the class of all frames; the first one by default.
        truncation: psi, as for ``latent.drawn``.

    Raises:
        UsageError: an argument out of range.
    """
    where, config = space_of(model, space), model.method.config
    if frames < 2 or bends < 1 or seed < 0:
        raise UsageError(f"{frames} frames with {bends} bends make no walk", "use 2 frames or more, 1 bend or more")
    a, b = torch.randn(2, bends, config.latent_size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    angle = 2 * math.pi * torch.arange(frames, dtype=torch.float64)[:, None] / frames * torch.arange(1, bends + 1)
    normal = (angle.cos() @ a + angle.sin() @ b) / math.sqrt(bends)  # (frames, latent size)
    latent = shaped(torch.special.ndtr(normal), prior=config.prior, truncation=truncation if where == "z" else None)
    codes = Codes("z", latent, classes_of(model, [0] * frames, None if label is None else [label]))
    return codes if where == "z" else truncated_styles(model, codes, truncation)
