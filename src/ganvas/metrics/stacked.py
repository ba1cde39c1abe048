"""Mode counting on stacked digits: three in the channels of one picture make 1,000 modes that a classifier can count."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.lenet import LeNetFeatures


class StackedModes(NamedTuple):
    """``modes``: how many of the 1,000 combinations were drawn at least once. ``reverse_kl``: KL(drawn || uniform) in nats.

    A perfect sampler of N pictures has a divergence of about 999 / (2 N): 0.019 at the customary 26,000.
    """

    modes: int
    reverse_kl: float


def stacked_digits(network: LeNetFeatures, image: Tensor) -> Tensor:
    """The digits (N, 3) int64 that a classifier of single digits sees in the channels of pictures (N, 3, H, W) in [-1, 1]."""
    if image.dim() != 4 or image.shape[1] != 3:
        raise UsageError(f"stacked digits have shape (N, 3, H, W), not {tuple(image.shape)}", "pass stacked pictures")
    return network.classify(image.flatten(0, 1).unsqueeze(1)).view(-1, 3)


def stacked_modes(digits: Tensor) -> StackedModes:
    """From digits (N, 3), each 0..9, as they were classified (Metz et al. 2017; Srivastava et al. 2017)."""
    if digits.dim() != 2 or digits.shape[1] != 3 or not len(digits):
        raise UsageError(f"digits have shape (N, 3) with N >= 1, not {tuple(digits.shape)}", "classify each channel")
    if not 0 <= int(digits.min()) <= int(digits.max()) <= 9:
        raise UsageError("a digit is not in 0..9", "use a classifier of ten digits")
    mode = digits.cpu() @ torch.tensor([100, 10, 1])
    shares = torch.bincount(mode, minlength=1000).double() / len(digits)
    divergence = math.log(1000) + float(torch.special.xlogy(shares, shares).sum())
    return StackedModes(int(shares.count_nonzero()), max(0.0, divergence))
