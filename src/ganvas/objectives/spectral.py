"""Spectral normalisation (Miyato et al. 2018, arXiv 1802.05957), as a parametrisation of a layer's weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

WARM_UP = 15
"""Power iterations at the start, so that the first forward divides by something near the norm and not by a random number."""


class SpectralNorm(nn.Module):
    """W -> W / sigma(W), sigma being the largest singular value of W as a matrix of its outputs (eq. 8).

    sigma = u^T W v, the vectors kept from one training forward to the next, each of which is one power iteration (Algorithm 1).
    In evaluation mode they stand still. The derivative treats u and v as constants (ibid., section 2.1).

    ``torch.nn.utils.parametrizations.spectral_norm`` computes the same but for two things: here sigma stays in float32 under
    autocast, and u and v are made unit vectors again before use, which the averages of unit vectors that averaged weights keep
    are not: sigma would come out too small.

    Args:
        weight: of the layer, at least two-dimensional; its device and shape are taken, and ``WARM_UP`` iterations made on it.
        dim: the axis of the layer's outputs.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim
        matrix = self.matrix(weight.detach())
        for name, size in (("u", matrix.shape[0]), ("v", matrix.shape[1])):
            self.register_buffer(name, normalize(matrix.new_empty(size).normal_(), dim=0))
        for _ in range(WARM_UP):
            self.iterate(matrix)

    def matrix(self, weight: Tensor) -> Tensor:
        """(outputs, all the rest) in float32 or wider."""
        return weight.movedim(self.dim, 0).flatten(1).to(torch.promote_types(weight.dtype, torch.float32))

    @torch.no_grad()
    def iterate(self, matrix: Tensor) -> None:
        """v <- W^T u / |W^T u|, u <- W v / |W v|, in place: buffers keep their storage."""
        self.v.copy_(normalize(torch.mv(matrix.t(), self.u), dim=0))
        self.u.copy_(normalize(torch.mv(matrix, self.v), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = self.matrix(weight)
            if self.training:
                self.iterate(matrix.detach())
            # New tensors, since a second forward before the backward would change the buffers under its feet.
            u, v = normalize(self.u, dim=0), normalize(self.v, dim=0)
            return weight / torch.dot(u, torch.mv(matrix, v)).to(weight.dtype)
