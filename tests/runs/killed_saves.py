"""Kills a process that saves, with SIGKILL, at every file operation and at random times; checks what is left each time.

    python tests/runs/killed_saves.py FOLDER [--random N] [--seed S]

Prints JSON: boundaries, kills, failures. One process forks all the victims, so that torch is imported once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from faults import Faults
from torch import Tensor

from ganvas.data.batches import Spec
from ganvas.methods import METHODS
from ganvas.runs import Run, load


def tensors(value: float) -> dict[str, Tensor]:
    return {"w": torch.full((2000,), value), "moment": torch.full((2000,), -value)}


def model(run: Run, value: float, name: str = "model") -> None:
    method = METHODS["wgan-gp"](METHODS["wgan-gp"].Config(width=4, latent_size=2), Spec((2,)))
    weights = {f"generator.{key}": torch.full_like(w, value) for key, w in method.generator.state_dict().items()}
    run.write_model(method, weights, {"value": value}, name)


def template(folder: Path) -> Path:
    """A run with three checkpoints (values 1 to 3), two models and a log."""
    with Run(folder / "template") as run:
        run.start({"method": "none"})
        for step in (1, 2, 3):
            run.log({"step": step})
            run.save(step, tensors(step), {"value": step})
        model(run, 3)
        model(run, 3, "model-best")
    return run.path


def victim(path: Path, tell: Any) -> None:
    """What is killed: a resumed run that saves, replaces its models, and then does so again for the same step."""
    run = Run(path)
    run.open()
    run.rewind_log(3)
    run.log({"step": 4})
    for step, value in ((4, 4.0), (4, 4.5)):
        run.save(step, tensors(value), {"value": value})
        tell(f"c{value}")
        model(run, value)
        model(run, value, "model-best")
        tell(f"m{value}")
        run.mark_best(step, {"score": value})
    run.close()


def verify(path: Path, told: list[str]) -> None:
    """Raises unless the run is whole, at most one interval was lost, and it goes on."""
    saved = max([3.0, *(float(word[1:]) for word in told if word[0] == "c")])
    modelled = max([3.0, *(float(word[1:]) for word in told if word[0] == "m")])
    found = load(path)  # before anything is mended
    assert found.facts["value"] in (modelled, following(modelled)), (found.facts, told)
    assert all((w == found.facts["value"]).all() for w in found.weights.values())
    with Run(path) as run:
        assert run.open()["method"] == "none"
        checkpoint = run.load()
        assert checkpoint is not None and checkpoint.skipped == [], checkpoint
        value = checkpoint.state["value"]
        assert value in (saved, following(saved)), (value, told)
        assert (checkpoint.tensors["w"] == value).all() and (checkpoint.tensors["moment"] == -value).all()
        run.rewind_log(checkpoint.step)
        steps = [record["step"] for record in run.stats()]
        assert steps in ([1, 2, 3], [1, 2, 3, 4]), steps
        leftovers = [p.name for p in path.rglob("*") if p.suffix in (".partial", ".retired")]
        assert not leftovers, leftovers
        assert len(run.steps()) <= 5, run.steps()
        run.save(6, tensors(6), {"value": 6})
        assert len(run.steps()) <= 4, run.steps()
        last = run.load()
        assert last is not None and last.step == 6


def following(value: float) -> float:
    """The value that is saved after ``value``: it may be there although nobody was told."""
    return {3.0: 4.0, 4.0: 4.5, 4.5: 4.5}[value]


def kill_once(original: Path, path: Path, at: int, delay: float | None) -> tuple[bool, list[str], float]:
    """Forks a victim that dies before operation ``at``, or is killed after ``delay`` s.

    Returns whether it died, what it told, and the seconds it lived.
    """
    shutil.copytree(original, path)
    start = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with Faults(at, lambda operation: os.kill(os.getpid(), signal.SIGKILL)):
            victim(path, lambda word: os.write(writing, f"{word} ".encode()))
        os._exit(0)
    os.close(writing)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    lived = time.monotonic() - start
    with os.fdopen(reading) as pipe:
        told = pipe.read().split()
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError(f"the victim failed by itself at {at}")
    return os.WIFSIGNALED(status), told, lived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--random", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    original, path = template(arguments.folder), arguments.folder / "run"
    failures: list[str] = []
    lifetimes: list[float] = []

    def attempt(at: int, delay: float | None = None) -> bool:
        try:
            died, told, lived = kill_once(original, path, at, delay)
            lifetimes.append(lived)
            verify(path, told)
        except Exception as error:
            failures.append(f"at {at}, delay {delay}: {type(error).__name__}: {error}")
            died = True
        shutil.rmtree(path, ignore_errors=True)
        return died

    boundaries = 0
    while attempt(boundaries) and boundaries < 1000:
        boundaries += 1
    attempt(-1)
    whole = lifetimes[-1]
    source = random.Random(arguments.seed)
    died = sum(attempt(-1, source.uniform(0, whole)) for _ in range(arguments.random))
    print(json.dumps({"boundaries": boundaries, "random": arguments.random, "random_died": died, "failures": failures[:20]}))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
