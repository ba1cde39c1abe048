"""A distance between pictures as a frozen network sees them, to be minimised: the perceptual loss of Johnson et al. 2016."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize


def perceptual(activations: Callable[[Tensor], list[Tensor]], output: Tensor, target: Tensor) -> Tensor:
    """Scalar, 0 for equal pictures, at most 4: mean squared difference of activations, each position's brought to length 1.

    The form of Zhang et al. 2018 (arXiv 1801.03924, equation 1) without learned weights, which Johnson et al. 2016 (arXiv
    1603.08155, equation 2) have on plain activations: of length 1, every depth counts alike.

    Args:
        activations: pictures (N, C, H, W) -> activations (N, C_s, H_s, W_s) at several depths; differentiable.
        output: what is trained.
        target: what it should look like; no gradient goes there.
    """
    with torch.no_grad():
        wanted = [normalize(level.float(), dim=1) for level in activations(target)]
    found = [normalize(level.float(), dim=1) for level in activations(output)]
    distances = [(a - b).square().sum(1).mean() for a, b in zip(found, wanted, strict=True)]
    return torch.stack(distances).mean()
