"""What this machine can do at best, and how much arithmetic a step is: the two sides of "fraction of peak"."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganvas.networks import fold


def best_rate(work: Callable[[], object], flops: float, clock: Callable[[], float], seconds: float = 0.7) -> float:
    """The highest GFLOP/s of a piece of work that is repeated for ``seconds``."""
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = clock()
        work()
        best = min(best, clock() - start)
    return flops / best / 1e9


def peaks(threads: int, clock: Callable[[], float]) -> dict[str, float]:
    """Measured GFLOP/s of a large matrix product and of the best of some wide convolutions, in float32 and bf16."""
    torch.set_num_threads(threads)
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
        found[f"gemm {name}"] = best_rate(lambda a=a, b=b: a @ b, 2 * 2048**3, clock)
        rates = []
        for width, side in ((128, 28), (256, 14), (64, 56)):
            image = torch.randn(32, width, side, side).to(dtype, memory_format=torch.channels_last)
            weight = torch.randn(width, width, 3, 3).to(dtype, memory_format=torch.channels_last)
            flops = 2 * 32 * side * side * 9 * width * width
            with torch.no_grad():
                rates.append(best_rate(lambda i=image, w=weight: F.conv2d(i, w, padding=1), flops, clock, 0.4))
        found[f"convolution {name}"] = max(rates)
    return found


class Counter(TorchDispatchMode):
    """Adds up the floating-point operations of matrix products and convolutions."""

    # FlopCounterMode hooks into modules, which a double backward does not bear.
    total = 0

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = operator(*args, **(kwargs or {}))
        formula = flop_registry.get(operator._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=found)
        return found


def useful_flops(step: Callable[[], object]) -> float:
    """GFLOP of a step's matrix work, folded convolutions counted as the plain ones that they equal."""
    whole = fold.block_for
    fold.block_for = lambda weight, image: 1
    try:
        with Counter() as counter:
            step()
    finally:
        fold.block_for = whole
    return counter.total / 1e9
