"""What lies around the steps: the command's cold start, and what a whole run adds to its bare steps."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from ganvas.data import ArrayData
from ganvas.data.batches import Spec
from ganvas.methods import WGAN, WGANConfig
from ganvas.runs import Run
from ganvas.training import train
from workloads import ours, pictures

SAVE_SECONDS = 60.0
"""How often a run saves unless told otherwise."""


def children_time() -> float:
    """Processor seconds of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def cold_start(rounds: int = 11, *, busy: bool = False) -> dict[str, float]:
    """Seconds of ``ganvas --help`` above a bare interpreter's, medians of alternating runs; ``busy``: of processor time."""
    clock = children_time if busy else time.perf_counter
    commands = {
        "bare": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-m", "ganvas", "--help"],
        "import": [sys.executable, "-c", "import ganvas"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            start = clock()
            subprocess.run(command, capture_output=True, check=True)
            if number:  # the first of each warms the disk cache
                times[name].append(clock() - start)
    over = {
        name: statistics.median(a - b for a, b in zip(times[name], times["bare"], strict=True)) for name in ("help", "import")
    }
    bare = statistics.median(times["bare"])
    print(f"\nhelp: {over['help']:.3f} s over bare python's {bare:.3f} s (target 0.3), import ganvas {over['import']:.3f} s")
    return {"ratio": 0.3 / over["help"], "seconds_over_bare": over["help"], "import_over_bare": over["import"], "bare": bare}


def run_overhead(rounds: int = 9, chunk: int = 4, *, busy: bool = False) -> dict[str, float]:
    """What averaging, logging, the doctor and progress add to bare WGAN 28x28 steps, and a save every minute on top.

    Chunks of bare steps and chunks of a real ``train(...)`` alternate; saves are timed apart and spread over their interval.
    """
    threads, clock = (1, time.thread_time) if busy else (2, time.perf_counter)
    torch.set_num_threads(threads)
    images = pictures(1, 28, 28)
    bare = ours(lambda: WGAN(WGANConfig(), Spec((1, 28, 28))), lambda: ArrayData(images, fingerprint="random"), None)()
    with tempfile.TemporaryDirectory() as folder:
        method = WGAN(WGANConfig(), Spec((1, 28, 28)))
        data = ArrayData(images, fingerprint="random")
        progress = train(method, data, Run(Path(folder) / "run"), steps=10**6, save_seconds=10**6, threads=threads)
        step = next(progress).step
        ratios, seconds = [], []
        for _ in range(rounds + 1):
            start = clock()
            for _ in range(chunk):
                bare()
            each = (clock() - start) / chunk
            start, first = clock(), step
            while step < first + chunk:
                step = next(progress).step
            ratios.append((clock() - start) / (step - first) / each)
            seconds.append(each)
        start = clock()
        progress.close()  # saves a checkpoint and the model
        save = clock() - start
    steps, saves = statistics.median(ratios[1:]) - 1, save / SAVE_SECONDS
    milliseconds = statistics.median(seconds) * 1e3
    print(f"\noverhead of a run over its bare steps of {milliseconds:.0f} ms (WGAN 28x28): {steps:.2%} in them,")
    print(f"  {saves:.2%} for a save of {save:.2f} s a minute, {steps + saves:.2%} together (target 3 %)")
    return {"ratio": 1 / (1 + steps + saves), "steps": steps, "saves": saves, "total": steps + saves, "save_seconds": save}
