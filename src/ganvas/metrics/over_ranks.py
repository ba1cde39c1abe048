"""Features and moments of several processes, each of which drew its own part of the samples, as if one had drawn them all.

Every rank must call at the same place, with features of one size; all get the same answer. Without a process group there is
one rank, and what it has is returned. How ranks are launched is no business of a score: whoever launches makes the group.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.moments import Moments


def merge_over_ranks(moments: Moments) -> Moments:
    """The moments of all ranks' samples: two sums over the ranks, of counts and means, then of one (d, d) matrix.

    The second is of scatter about the common mean, so that nothing cancels (Chan, Golub and LeVeque 1983).

    Raises:
        UsageError: ranks have features of different sizes.
    """
    if not several():
        return moments
    size = len(moments.mean)
    require_one_size(size)
    first = torch.cat([torch.tensor([moments.count], dtype=torch.float64), moments.count * moments.mean]).to(device())
    dist.all_reduce(first)
    merged = Moments(size)
    merged.count = int(first[0])
    merged.mean = (first[1:] / max(1.0, float(first[0]))).cpu()
    shift = moments.mean - merged.mean
    scatter = (moments.scatter + moments.count * torch.outer(shift, shift)).to(device())
    dist.all_reduce(scatter)
    merged.scatter = scatter.cpu()
    return merged


def gather_over_ranks(features: Tensor) -> Tensor:
    """The features (N_r, d) of all ranks, in the order of the ranks: (sum of N_r, d) on the CPU. A rank may have none.

    Raises:
        UsageError: ranks have features of different sizes.
    """
    if not several():
        return features
    require_one_size(features.shape[1])
    count = torch.tensor([len(features)], device=device())
    counts = [torch.zeros_like(count) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, count)
    lengths = [int(each) for each in counts]
    padded = features.new_zeros(max(lengths), features.shape[1], device=device())  # all_gather takes equal shapes
    padded[: len(features)] = features
    parts = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(parts, padded)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)]).cpu()


def several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def device() -> torch.device:
    """Where the process group's tensors must lie: NCCL knows only GPUs."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


def require_one_size(size: int) -> None:
    """Raises UsageError, on every rank, where the ranks' features have different sizes: a sum of them would hang or crash."""
    largest = torch.tensor([size, -size], device=device())
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    if int(largest[0]) != -int(largest[1]):
        raise UsageError(
            f"ranks have features of {-int(largest[1])} to {int(largest[0])} components", "use one feature network"
        )
