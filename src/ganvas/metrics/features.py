"""What every score of features asks of them: two finite samples of one dimension, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.errors import UsageError


def as_features(*samples: Tensor, at_least: int = 2) -> tuple[Tensor, ...]:
    """The samples, (N, d) each, in float64 on one device: a CUDA device where the first lies on one, else the CPU.

    Args:
        at_least: how many samples a side must have.

    Raises:
        UsageError: too few samples, different d, or features that are not finite.
    """
    for features in samples:
        if features.dim() != 2 or len(features) < at_least:
            raise UsageError(
                f"features have shape (N, d) with N >= {at_least}, not {tuple(features.shape)}", "give more samples"
            )
        if features.shape[1] != samples[0].shape[1]:
            sizes = f"{samples[0].shape[1]} and {features.shape[1]}"
            raise UsageError(f"features of {sizes} components", "use one feature network for both sides")
        if not torch.isfinite(features).all():
            raise UsageError("the features hold NaN or infinity", "check the generator that drew the samples")
    device = samples[0].device if samples[0].is_cuda else torch.device("cpu")
    # Device first: Apple's GPUs have no float64.
    return tuple(features.detach().to(device).double() for features in samples)
