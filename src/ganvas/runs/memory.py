"""How much fits: the memory that is free where a model runs, and how many pictures it can translate at once there."""

from __future__ import annotations

import psutil
import torch

MAPS = 6
"""Full-size maps of the network's width that a translator holds at its peak; measured at up to 4 on a CPU."""
SHARE = 0.5
"""Of the free memory, to be taken at most."""
MOST = 64
"""Pictures at once: more are no faster."""


def free_bytes(device: torch.device) -> int:
    """Bytes that can be allocated on ``device`` now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory()) - int(torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def bytes_to_translate(width: int, rows: int, columns: int) -> int:
    """What a translator of ``width`` channels needs for one picture, roughly and rather too much."""
    return MAPS * width * rows * columns * 4


def at_once(width: int, rows: int, columns: int, device: torch.device) -> int:
    """How many pictures of that size (of what is made, where that is larger) fit beside each other, at least 1."""
    return max(1, min(MOST, int(free_bytes(device) * SHARE) // bytes_to_translate(width, rows, columns)))
