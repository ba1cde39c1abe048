"""What the doctor costs: its share of the time of real trainings, gauges, checkups and rules together (bound: 2 %).

python benchmarks/monitors.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganvas.data import Data, mnist, open_source, points
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import session, train

BOUND = 0.02
PLANE = {"latent_size": 2, "width": 128, "batch_size": 256}
WORKLOADS: list[tuple[str, Callable[[], Data], dict[str, Any], int]] = [
    ("gan", lambda: points("ring"), PLANE, 12_000),
    ("wgan-gp", lambda: points("ring"), PLANE, 2000),
    ("r3gan", mnist, {"width": 16}, 300),
    ("wgan-gp", mnist, {"width": 16}, 300),
    ("dcgan", mnist, {"width": 16}, 300),
    ("pix2pix", lambda: open_source("degraded:noise:mnist"), {"width": 16, "batch_size": 4}, 900),
    ("pix2pix", lambda: open_source("degraded:noise:mnist"), {"width": 16}, 3300),
    ("cyclegan", lambda: open_source("inked-digits"), {"width": 8, "batch_size": 2, "blocks": 2}, 900),
    ("stargan", lambda: open_source("four-hue-mnist"), {"width": 8, "blocks": 2}, 110),
]
"""Method, data, settings, steps: from the quickest steps there are to those of small pictures."""


class Stopwatch:
    """Adds up the processor seconds of the calls of the functions it is put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.process_time() - start

        return timed


def share(name: str, data: Data, settings: dict[str, Any], steps: int) -> tuple[float, float]:
    """The doctor's share of the processor time of a training, and the milliseconds of a step."""
    method = METHODS[name](METHODS[name].Config(**settings), data.spec)
    watch = Stopwatch()
    originals = (session.Session.health, session.examine, torch.nn.utils.get_total_norm)
    session.Session.health = watch.around(originals[0])  # type: ignore[method-assign]
    session.examine, torch.nn.utils.get_total_norm = watch.around(originals[1]), watch.around(originals[2])
    try:
        with tempfile.TemporaryDirectory() as folder:
            trial = train(method, data, Run(Path(folder) / "run"), steps=steps, save_seconds=1e6, threads=1)
            next(trial)  # the set-up is over
            start = time.process_time()
            for _ in trial:
                pass
            total = time.process_time() - start
    finally:
        session.Session.health, session.examine, torch.nn.utils.get_total_norm = originals  # type: ignore[method-assign]
    return watch.seconds / total, total / steps * 1e3


def main() -> None:
    for name, source, settings, steps in WORKLOADS:
        data = source()
        part, milliseconds = share(name, data, settings, steps)
        verdict = "within" if part <= BOUND else "ABOVE"
        print(
            f"{name:8} on {data.name:12} {milliseconds:7.1f} ms a step, {steps:6,} steps: {part:.2%} ({verdict} {BOUND:.0%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
