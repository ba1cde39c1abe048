"""Samples through a frozen network, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ganvas.errors import UsageError

BATCH_SIZE = 100
"""Pictures that pass through a network at a time: its memory is that of so many of its widest layer."""


def batched(image: Tensor, batch_size: int) -> Iterator[Tensor]:
    """The samples in parts, each of them finite.

    Raises:
        UsageError: no samples, a batch size below 1, or NaN or infinity among the values.
    """
    if not len(image) or batch_size < 1:
        raise UsageError(f"{len(image)} samples in batches of {batch_size}", "give at least one of either")
    for batch in image.split(batch_size):
        if not torch.isfinite(batch).all():
            raise UsageError("the samples hold NaN or infinity", "check the generator that drew them")
        yield batch


@torch.no_grad()
def through(network: Callable[[Tensor], Tensor], image: Tensor, batch_size: int) -> Tensor:
    """What the network makes of the samples, part by part: float32 on the CPU."""
    return torch.cat([network(batch).float().cpu() for batch in batched(image, batch_size)])
