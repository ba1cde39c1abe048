"""What StyleGAN adds to a game: style mixing, and a generator for which a step in style space is everywhere as long."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def mixed(first: Tensor, second: Tensor, probability: float) -> Tensor:
    """Mixing regularisation (Karras et al. 2019, arXiv 1812.04948, section 3.1): (N, layers, W) twice -> (N, layers, W).

    With this probability a sample takes the styles of ``first`` up to some layer and those of ``second`` after it, each with
    one layer at least, so that layers next to each other learn to be independent.
    """
    count, layers = first.shape[:2]
    if layers < 2:
        return first
    device = first.device
    crossover = torch.randint(1, layers, (count,), device=device)
    crossover = crossover.where(torch.rand(count, device=device) < probability, layers)
    before = torch.arange(layers, device=device) < crossover.unsqueeze(1)  # (N, layers)
    return torch.where(before.unsqueeze(2), first, second)


def path_lengths(pictures: Tensor, styles: Tensor) -> Tensor:
    """|J_w^T y| for one y ~ N(0, I / pixels) a sample, (N,), differentiable: the root of the mean over layers of the squares.

    J_w is the Jacobian of the generator at the sample's styles (Karras et al. 2020, arXiv 1912.04958, eq. 4); J_w^T y is the
    gradient of g(w) . y, so that no Jacobian is made. For a linear generator g(w) = A w of one layer and y ~ N(0, I) the mean
    square of it is |A|_F^2.

    Args:
        pictures: (N, C, H, W), made from ``styles`` with a graph.
        styles: (N, layers, W), which require a gradient.
    """
    y = torch.randn_like(pictures) / math.sqrt(math.prod(pictures.shape[2:]))
    (gradient,) = torch.autograd.grad((pictures * y).sum(), styles, create_graph=True)
    # The offset is for styles that nothing depends on, at which the root has no slope.
    return (gradient.square().sum(2).mean(1) + 1e-12).sqrt()


class PathLengths(nn.Module):
    """The running mean a of path lengths, to which each is drawn: E[(|J_w^T y| - a)^2] (ibid., eq. 4).

    The mean is state of training; each process has its own.

    Args:
        decay: how far the mean moves towards that of a batch.
    """

    mean: Tensor

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def deviation(self, lengths: Tensor) -> Tensor:
        """The penalty of a batch's lengths (N,), after the mean has moved towards theirs."""
        self.mean.lerp_(lengths.detach().mean(), self.decay)
        return (lengths - self.mean).square().mean()
