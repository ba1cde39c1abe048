"""The pre-norm transformer block (Vaswani et al. 2017; Dosovitskiy et al. 2021) that DINOv2 and CLIP share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Activation = Callable[[Tensor], Tensor]


def quick_gelu(x: Tensor) -> Tensor:
    """x sigmoid(1.702 x), the approximation of GELU with which CLIP was trained (Hendrycks and Gimpel 2016)."""
    return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """Tokens (N, T, width) to tokens: attention, then a perceptron, each on normalised tokens and added to its input.

    Args:
        heads: of the attention, a divisor of ``width``.
        epsilon: of the layer norms.
        scaled: whether what is added is first scaled channel by channel ("LayerScale", Touvron et al. 2021).
    """

    def __init__(self, width: int, heads: int, activation: Activation, *, epsilon: float, scaled: bool = False) -> None:
        super().__init__()
        self.heads, self.activation = heads, activation
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.qkv = nn.Linear(width, 3 * width)  # rows: queries, keys, values
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.scale1 = nn.Parameter(torch.ones(width)) if scaled else None
        self.scale2 = nn.Parameter(torch.ones(width)) if scaled else None

    def forward(self, x: Tensor) -> Tensor:
        attended = self.attention(self.norm1(x))
        x = x + (attended if self.scale1 is None else attended * self.scale1)
        y: Tensor = self.fc2(self.activation(self.fc1(self.norm2(x))))
        return x + (y if self.scale2 is None else y * self.scale2)

    def attention(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        parts = self.qkv(x).view(count, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (N, heads, T, width / heads)
        mixed = scaled_dot_product_attention(query, key, value)
        y: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, tokens, width))
        return y
