"""The one seam to several processes: who we are, and how gradients and weights are shared.

``torchrun`` launches; one flat gradient a player is averaged (DistributedDataParallel refuses the updates of a game in which a
loss reaches only some players).
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganvas.training.shared_norm import share_norms


class Ranks:
    """This process's place among ``world`` equal ones; alone when not launched by torchrun."""

    def __init__(self, device: torch.device) -> None:
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timedelta(minutes=5))
        # Decisions travel between hosts, not devices: asking a GPU would stop it.
        self._hosts = dist.new_group(backend="gloo") if self.world > 1 else None
        if self.world > 1:
            atexit.register(self.leave)

    @property
    def first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replaces each gradient by its mean over ranks: one all-reduce of one flat tensor."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def add_up(self, tensor: Tensor) -> None:
        """Replaces a tensor by its sum over ranks, in place, without waiting for the device."""
        if self.world > 1:
            dist.all_reduce(tensor)

    def share_norms(self, module: nn.Module) -> None:
        """Makes the batch norms inside take their statistics over every rank's part of the batch."""
        if self.world > 1:
            share_norms(module)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Gives every rank the first one's values, in place: at the start, and for buffers before a save."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Every rank's tensor, in the order of ranks. Every rank must ask at the same place, with the same shape."""
        if self.world == 1:
            return [tensor]
        everyones = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(self.world)]
        dist.all_gather(everyones, tensor.detach().contiguous())
        return everyones

    def any(self, *flags: bool) -> list[bool]:
        """Which flags are raised on any rank. Every rank must ask at the same place; the answer is the same on all."""
        if self.world == 1:
            return list(flags)
        votes = torch.tensor([int(flag) for flag in flags])
        dist.all_reduce(votes, op=dist.ReduceOp.MAX, group=self._hosts)
        return [bool(vote) for vote in votes]

    def share(self, value: Any) -> Any:
        """The first rank's value on every rank. Every rank must ask at the same place."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self._hosts)
        return box[0]

    def leave(self) -> None:
        """Ends this process's part in the groups: their threads, when still running at the interpreter's end, abort it.

        A group that is referred to keeps its threads, destroyed or not, so ours is let go of first.
        """
        self._hosts = None
        if dist.is_initialized():
            dist.destroy_process_group()
