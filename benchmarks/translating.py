"""Pictures per second that each translator translates on one core: seconds of processor time, the median of three rounds.

python benchmarks/translating.py
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from ganvas.data.batches import Spec
from ganvas.methods import METHODS

SECONDS = 1.0
"""Of each round, at least; one picture a round where that takes longer."""


def pair(side: int, times: int = 1) -> Spec:
    return Spec((3, side * times, side * times), source=(3, side, side), paired=True)


def work(width: int, side: int) -> list[tuple[str, str, dict[str, Any], Spec]]:
    """Title, method, settings, pictures."""
    two_domains = Spec((3, side, side), source=(3, side, side))
    return [
        ("pix2pix", "pix2pix", {"width": width}, pair(side)),
        ("pix2pix, 4 times as large", "pix2pix", {"width": width}, pair(side // 4, 4)),
        ("cyclegan", "cyclegan", {"width": width}, two_domains),
        ("stargan", "stargan", {"width": width}, Spec((3, side, side), tuple("abcdef"))),
    ]


@torch.no_grad()
def rate(name: str, settings: dict[str, Any], spec: Spec) -> float:
    """Pictures a second, one at a time."""
    torch.manual_seed(0)
    method = METHODS[name](METHODS[name].Config(**settings), spec).eval()  # type: ignore[call-arg]
    source = torch.rand(1, *(spec.source or spec.shape)) * 2 - 1
    label = torch.zeros(1, dtype=torch.int64) if method.conditional else None
    method.translate(source, label)
    rounds = []
    for _ in range(3):
        start, count = time.process_time(), 0
        while time.process_time() - start < SECONDS or not count:
            method.translate(source, label)
            count += 1
        rounds.append(count / (time.process_time() - start))
    return statistics.median(rounds)


def main() -> None:
    torch.set_num_threads(1)
    for width, side in ((32, 64), (32, 128), (64, 256)):
        for title, name, settings, spec in work(width, side):
            print(f"{title:26} width {width}, {side}x{side}: {rate(name, settings, spec):8.3g} pictures/s", flush=True)


if __name__ == "__main__":
    main()
