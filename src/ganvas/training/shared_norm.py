"""Batch norm over the batches of all ranks: what it is on one process with the whole batch."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SumOverRanks(torch.autograd.Function):
    """The sum of every rank's tensor, on every rank; its gradient is the sum of every rank's gradient, any number of times."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return summed(gradient)


def summed(tensor: Tensor) -> Tensor:
    """See ``SumOverRanks``."""
    total: Tensor = SumOverRanks.apply(tensor)  # type: ignore[no-untyped-call]
    return total


class SharedBatchNorm(_BatchNorm):
    """``nn.BatchNorm1d`` and ``2d`` (Ioffe and Szegedy 2015) with mean and variance over the samples of all ranks.

    torch's SyncBatchNorm works on GPUs only. In evaluation mode, and when ``alone``, it is the plain one.

    Attributes:
        alone: the other ranks are not here: take this rank's batch.
    """

    alone = False

    def _check_input_dim(self, given: Tensor) -> None:
        if given.dim() < 2:
            raise ValueError(f"batch norm needs (N, C, ...), got {tuple(given.shape)}")

    def forward(self, given: Tensor, *condition: Any) -> Tensor:
        """(N, C, ...) -> the same shape and dtype; statistics in float32. A condition is not looked at."""
        if not self.training or self.alone:
            return super().forward(given)
        x = given.float()
        others = [0, *range(2, x.dim())]
        count = x.numel() // x.shape[1] * dist.get_world_size()
        column = (1, -1, *[1] * (x.dim() - 2))
        mean = summed(x.sum(others)) / count
        centred = x - mean.view(column)
        variance = summed(centred.square().sum(others)) / count
        self.remember(mean.detach(), variance.detach() * (count / max(count - 1, 1)))
        normalised = centred * torch.rsqrt(variance + self.eps).view(column)
        if self.affine:
            normalised = normalised * self.weight.view(column) + self.bias.view(column)
        return normalised.to(given.dtype)

    def remember(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics, as ``nn.BatchNorm2d`` does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def share_norms(module: nn.Module) -> None:
    """Replaces every batch norm inside ``module`` by one over all ranks, with the very same parameters and buffers."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            shared = SharedBatchNorm(child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats)
            shared.weight, shared.bias = child.weight, child.bias  # None of one that is not affine
            for key, buffer in child.named_buffers(recurse=False):
                setattr(shared, key, buffer)
            setattr(module, name, shared.train(child.training))
        else:
            share_norms(child)
