"""How sharp pictures are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ganvas.errors import UsageError


def sharpness(image: Tensor) -> float:
    """The mean over pictures (N, C, H, W) of the variance of their Laplacian (Pech-Pacheco et al. 2000).

    The Laplacian is the 4-neighbour kernel on each channel, without padding, in units of the pictures' values in [-1, 1].
    Blur lowers it and noise raises it: it says how close generated pictures are to real ones only beside the real ones' value.
    """
    if image.dim() != 4 or min(image.shape[2:]) < 4 or len(image) == 0:
        raise UsageError(f"sharpness needs pictures (N, C, H, W) of 4x4 or more, not {tuple(image.shape)}", "pass pictures")
    kernel = image.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    channels = image.detach().double().flatten(0, 1).unsqueeze(1)  # (N * C, 1, H, W)
    laplacian = conv2d(channels, kernel[None, None])
    return float(laplacian.flatten(1).var(1, correction=0).mean())
