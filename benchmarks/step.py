"""How fast our training steps are, against the plain PyTorch loop: same data, networks, process and minute.

    python benchmarks/step.py                                   # everything; with the larger methods half an hour on 2 cores
    python benchmarks/step.py --only wgan-28 --json FILE        # {"wgan-28": {"ratio": ..., ...}}

Every round times each form once, in turn and in alternating order, and takes the ratios within the round; the figures are
medians over rounds, so that a load that comes and goes touches both sides. ``ratio`` is that of exact float32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from overhead import cold_start, run_overhead
from peaks import peaks, useful_flops
from workloads import WORKLOADS, Workload

EXTRAS = ("help", "overhead")


def time_rounds(workload: Workload, rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds a step of every variant, a list over rounds."""
    steps = {name: build() for name, build in workload.variants.items()}
    for step in steps.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        order = list(steps) if number % 2 == 0 else list(steps)[::-1]
        for name in order:
            start = clock()
            for _ in range(workload.repeat):
                steps[name]()
            times[name].append((clock() - start) / workload.repeat)
    return times


def peak_memory(name: str, variant: str) -> float:
    """MiB at the peak of a process that plays three steps of one variant, above what it had before building it."""
    command = [sys.executable, __file__, "--memory-of", name, variant]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def memory_of(name: str, variant: str) -> float:
    workload = WORKLOADS[name]()
    torch.set_num_threads(workload.threads)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()  # the first optimiser imports 200 MiB of PyTorch
    before = psutil.Process().memory_info().rss
    step = workload.variants[variant]()
    peak = before
    for _ in range(3):
        step()
        peak = max(peak, peak_resident())
    return (peak - before) / 2**20


def peak_resident() -> int:
    """Bytes at the high-water mark of this process."""
    if os.name == "nt":
        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage's mark would include the parent's
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(name: str, rounds: int, machine: dict[int, dict[str, float]], *, busy: bool) -> dict[str, object]:
    workload = WORKLOADS[name]()
    used = 1 if busy else workload.threads
    torch.set_num_threads(used)
    clock = time.thread_time if busy else time.perf_counter
    times = time_rounds(workload, rounds, clock)
    if used not in machine:
        machine[used] = peaks(used, clock)
    print(f"\n{name}: {workload.title} ({used} threads, {rounds} rounds)")
    heads = f"{'form':20} {'ms':>8} {'ratio':>6} {'target':>6} {'a second':>9} {'GFLOP':>6} {'gemm':>5} {'conv':>5} {'MiB':>6}"
    print(f"  {heads}")
    forms: dict[str, dict[str, float | None]] = {}
    for variant, seconds in times.items():
        ratio = statistics.median(p / s for p, s in zip(times["plain"], seconds, strict=True))
        median = statistics.median(seconds)
        flops = useful_flops(workload.variants[variant]())
        kind = "bf16" if "bf16" in variant else "fp32"
        rate = flops / median
        forms[variant] = {
            "milliseconds": median * 1e3,
            "ratio": ratio,
            "target": workload.targets.get(variant),
            "images_per_second": workload.images / median,
            "gflop": flops,
            "of_gemm_peak": rate / machine[used][f"gemm {kind}"],
            "of_convolution_peak": rate / machine[used][f"convolution {kind}"],
            "peak_mib": peak_memory(name, variant),
        }
        f = forms[variant]
        print(
            f"  {variant:20} {f['milliseconds']:8.2f} {ratio:6.2f} {f['target'] or '':>6} {f['images_per_second']:9.0f}"
            f" {flops:6.1f} {f['of_gemm_peak']:5.0%} {f['of_convolution_peak']:5.0%} {f['peak_mib']:6.0f}"
        )
    return {"ratio": forms["fp32"]["ratio"], "ratio_bf16": forms.get("bf16", {}).get("ratio"), "forms": forms}


def pressure() -> str:
    """The share of the last 10 s in which some process waited for a core (Linux), to know whether to believe a figure."""
    path = Path("/proc/pressure/cpu")
    return path.read_text().split()[1].removeprefix("avg10=") + " %" if path.exists() else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*WORKLOADS, *EXTRAS], default=[*WORKLOADS, *EXTRAS])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument(
        "--busy", action="store_true", help="1 thread and its own processor time: for a machine with other work"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(memory_of(*arguments.memory_of))
        return
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, waiting for a core before: {pressure()}")
    machine: dict[int, dict[str, float]] = {}
    results: dict[str, object] = {}
    for name in arguments.only:
        if name == "help":
            results[name] = cold_start(busy=arguments.busy)
        elif name == "overhead":
            results[name] = run_overhead(busy=arguments.busy)
        else:
            results[name] = measure(name, arguments.rounds, machine, busy=arguments.busy)
    for threads, rates in machine.items():
        print(f"\npeak GFLOP/s with {threads} threads: " + ", ".join(f"{k} {v:.0f}" for k, v in rates.items()))
    print(f"waiting for a core after: {pressure()}")
    if arguments.json:
        results["machine"] = {"threads": machine, "torch": torch.__version__, "pressure": pressure()}
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
