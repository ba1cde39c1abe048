"""The weight gradient of a convolution as one matrix product over patches, for maps too small for oneDNN to be quick at."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def quicker_by_patches(delta: Tensor) -> bool:
    """Whether ``weight_gradient`` beats the convolution's own: in bf16 on a CPU, on maps of up to 4x4 pixels (by half)."""
    small = delta.shape[-1] * delta.shape[-2] <= 16
    return small and delta.dtype == torch.bfloat16 and delta.device.type == "cpu"


def weight_gradient(delta: Tensor, image: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """d loss / d W (O, C, K, K) of ``conv2d(image, W, stride=stride, padding=padding)`` where d loss / d output is ``delta``.

    Args:
        delta: (N, O, H', W').
        image: (N, C, H, W).
    """
    outputs, rows, columns = delta.shape[1:]
    padded = F.pad(image, (padding, padding, padding, padding)).permute(0, 2, 3, 1).contiguous()  # (N, H + 2p, W + 2p, C)
    count, height, width, channels = padded.shape
    line = width * channels
    patches = padded.as_strided(
        (count, rows, columns, kernel, kernel, channels),
        (height * line, stride * line, stride * channels, line, channels, 1),
    )
    pixels = delta.permute(0, 2, 3, 1).reshape(-1, outputs)  # (N * H' * W', O)
    gradient = pixels.t() @ patches.reshape(len(pixels), -1)  # (O, K * K * C)
    return gradient.view(outputs, kernel, kernel, channels).permute(0, 3, 1, 2)
