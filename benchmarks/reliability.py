"""How often a save survives: kill -9 at every file operation and at random times, files cut short, bits flipped.

    python benchmarks/reliability.py --kills 200 --cuts 1000 --flips 1000

Prints one line a row (R1 and R5 of the reliability list) and exits 1 when one kill left a run that did not load, or one
damaged checkpoint was loaded.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from ganvas.runs import Run
from ganvas.runs.checkpoint import folder_of

KILLER = Path(__file__).parents[1] / "tests" / "runs" / "killed_saves.py"


def kills(folder: Path, count: int, seed: int) -> bool:
    """R1: prints what is left after each kill of a process that saves; whether all was well."""
    command = [sys.executable, str(KILLER), str(folder), "--random", str(count), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        print(done.stderr, file=sys.stderr)
        return False
    result = json.loads(done.stdout)
    print(
        f"R1  kill -9 at each of {result['boundaries']} file operations and at {count} random times "
        f"({result['random_died']} before the end): {len(result['failures'])} unloadable, inconsistent or too old"
    )
    for failure in result["failures"]:
        print(f"    {failure}")
    return not result["failures"]


def damages(folder: Path, cuts: int, flips: int, seed: int) -> bool:
    """R5: prints how many damaged checkpoints were noticed, and that the one before was taken; whether all were."""
    run, source = Run(folder / "run"), random.Random(seed)
    run.start({})
    for step in (1, 2):
        run.save(step, {"w": torch.full((20_000,), float(step)), "rng": torch.get_rng_state()}, {"value": step})
    last = folder_of(run.path / "checkpoints", 2)
    files = {path: path.read_bytes() for path in sorted(last.iterdir())}
    noticed = {"cut short": 0, "with one bit flipped": 0}
    start = time.monotonic()
    for number in range(cuts + flips):
        path = source.choice(list(files))
        good = files[path]
        if number < cuts:
            kind, data = "cut short", good[: source.randrange(len(good))]
        else:
            bit = source.randrange(len(good) * 8)
            kind = "with one bit flipped"
            data = good[: bit // 8] + bytes([good[bit // 8] ^ 1 << bit % 8]) + good[bit // 8 + 1 :]
        path.write_bytes(data)
        checkpoint = run.load()
        noticed[kind] += checkpoint is not None and checkpoint.step == 1 and bool((checkpoint.tensors["w"] == 1).all())
        path.write_bytes(good)
    seconds = time.monotonic() - start
    for kind, count in (("cut short", cuts), ("with one bit flipped", flips)):
        print(f"R5  checkpoints {kind}: {noticed[kind]} of {count} noticed, the one before loaded")
    print(f"    {seconds:.0f} s")
    return list(noticed.values()) == [cuts, flips]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kills").mkdir()
        verdicts = [
            damages(Path(folder), arguments.cuts, arguments.flips, arguments.seed),
            kills(Path(folder) / "kills", arguments.kills, arguments.seed),
        ]
    return not all(verdicts)


if __name__ == "__main__":
    sys.exit(main())
