"""Self-attention between the places of a map: Zhang et al. 2019, "Self-Attention Generative Adversarial Networks",
arXiv 1805.08318."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad, scaled_dot_product_attention


class Gain(nn.Module):
    """A learned factor that starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor.to(x.dtype)


class SelfAttention(nn.Module):
    """x + gamma * o(sum_i beta_ji h(x_i)), beta the softmax over places i of f(x_i)^T g(x_j) (eq. 1 to 3): same shape.

    Keys and values are pooled 2x2, as in the authors' code: a quarter of the work for the same sight. gamma starts at 0.

    Args:
        channels: C of the map; queries and keys have C / 8, values C / 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys, values = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, keys, 1, bias=False)
        self.key = nn.Conv2d(channels, keys, 1, bias=False)
        self.value = nn.Conv2d(channels, values, 1, bias=False)
        self.out = nn.Conv2d(values, channels, 1, bias=False)
        self.gamma = Gain()

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2).mT.unsqueeze(1)  # (N, 1, H * W, C / 8)
        key = max_pool2d(self.key(x), 2).flatten(2).mT.unsqueeze(1)  # (N, 1, H * W / 4, C / 8)
        value = max_pool2d(self.value(x), 2).flatten(2).mT.contiguous().unsqueeze(1)  # (N, 1, H * W / 4, C / 2)
        # Zeros make queries and keys as wide as values: only then is beta, which has (H * W)^2 / 4 entries, never made whole.
        zeros = value.shape[3] - query.shape[3]
        seen = scaled_dot_product_attention(pad(query, (0, zeros)), pad(key, (0, zeros)), value, scale=1.0)
        added: Tensor = self.gamma(self.out(seen.squeeze(1).mT.unflatten(2, x.shape[2:])))
        return x + added
