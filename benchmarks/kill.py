"""Kills a training process with SIGKILL at random moments, resumes it each time, and compares the end with an unbroken run.

    python benchmarks/kill.py --kills 20

The run saves at every second step, so that many kills fall into the middle of a save. Prints one line a kill and the verdict;
exits 1 when a run could not be resumed or ended in other bits.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from ganvas.runs import Run

PROGRAM = """
import sys
import torch
from ganvas.data import points
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train

name, path, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
run = Run(path, seed=11)
data = points("ring")
torch.manual_seed(int(run.exists()))  # a resumed process starts from other weights: only the checkpoint can help
method = METHODS[name](METHODS[name].Config(batch_size=32, width=64), data.spec)
print("go", flush=True)
for progress in train(method, data, run, steps=steps, threads=1, save_steps=2, log_steps=5, resume=run.exists()):
    pass
"""


def start(method: str, path: Path, steps: int) -> subprocess.Popen[str]:
    """Starts the process that trains, and waits until its imports are done."""
    command = [sys.executable, "-c", PROGRAM, method, str(path), str(steps)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--method", default="wgan-gp")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        unbroken, broken = Path(folder) / "unbroken", Path(folder) / "broken"
        steps = 40 * arguments.kills
        began = time.monotonic()
        if start(arguments.method, unbroken, steps).wait():
            return 1
        pace = (time.monotonic() - began) / arguments.kills  # kills are spread over the whole run
        kills = 0
        while kills < arguments.kills:
            process = start(arguments.method, broken, steps)
            time.sleep(moments.uniform(0.2, 1.8) * pace)
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            kills += 1
            checkpoint = Run(broken).load() if broken.exists() else None
            print(
                f"kill {kills}: {'before the first save' if checkpoint is None else f'good at step {checkpoint.step}'}",
                flush=True,
            )
        if start(arguments.method, broken, steps).wait():
            print("the killed run could not be resumed")
            return 1
        first, second = Run(unbroken).load(), Run(broken).load()
        assert first is not None
        assert second is not None
        same = first.step == second.step and all(torch.equal(first.tensors[key], second.tensors[key]) for key in first.tensors)
        records = [[{k: v for k, v in r.items() if k != "seconds"} for r in Run(path).stats()] for path in (unbroken, broken)]
        logged = records[0] == records[1]
        print(
            f"{kills} kills, {first.step} steps: bits {'equal' if same else 'DIFFER'}, log {'equal' if logged else 'DIFFERS'}"
        )
        return 0 if same and logged else 1


if __name__ == "__main__":
    sys.exit(main())
