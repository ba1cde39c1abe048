"""Planted illnesses: does the doctor name them, and is it silent on the healthy? Prints the confusion table.

python benchmarks/doctor.py --seeds 5 --steps 800
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from ganvas.data import ArrayData, mnist
from ganvas.data.dataset import permutation
from ganvas.errors import Diverged
from ganvas.methods import WGANGP
from ganvas.runs import Run
from ganvas.training import train

HEALTHY = {"width": 16, "latent_size": 64, "learning_rate": 1e-3, "beta1": 0.0}
"""A small wgan-gp that learns digits in a minute."""


class SlowCritic(WGANGP):
    """One critic step a generator step, at a ten-thousandth of the rate."""

    def optimizers(self) -> dict[str, Optimizer]:
        optimizers = super().optimizers()
        scale(optimizers["critic"], 1e-4)
        return optimizers


class FrozenGenerator(WGANGP):
    """The generator's learning rate is 0."""

    def optimizers(self) -> dict[str, Optimizer]:
        optimizers = super().optimizers()
        scale(optimizers["generator"], 0.0)
        return optimizers


def scale(optimizer: Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= factor


def few(data: ArrayData, count: int = 200) -> ArrayData:
    """``count`` training pictures; the held-out ones stay."""
    return data.part(permutation(len(data), 0, 9, 0)[:count], f"mnist, {count}", f"first {count}", test=data.held_out)


@dataclass(frozen=True)
class Case:
    """An illness (or none), how it is planted, and the findings that name it."""

    expected: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    kind: type[WGANGP] = WGANGP
    data: Callable[[ArrayData], ArrayData] = lambda data: data


CASES: dict[str, Case] = {
    "healthy": Case(()),
    "divergence": Case(("non-finite", "exploding"), {"penalty": 0.0, "learning_rate": 0.1}),
    "no learning": Case(("no learning",), kind=FrozenGenerator),
    "low diversity": Case(("low diversity",), {"latent_size": 1}),
    "under-trained critic": Case(("under-trained critic",), {"critic_steps": 1}, kind=SlowCritic),
    "overfitting critic": Case(("overfitting critic",), data=few),
}


def verdict(name: str, seed: int, steps: int, data: ArrayData, folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """The doctor's first finding at the end of one training, "healthy" when there is none, and the run's records."""
    case = CASES[name]
    source = case.data(data)
    torch.manual_seed(seed)
    method = case.kind(case.kind.Config(**HEALTHY | case.settings), source.spec)
    run = Run(folder, seed=seed, keep=1)
    findings = []
    try:
        for progress in train(method, source, run, steps=steps, save_seconds=1e6):
            findings = progress.findings
    except Diverged:
        return "non-finite", run.stats()
    return (findings[0].name if findings else "healthy"), run.stats()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--healthy-seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path, help="a folder that takes each run's records")
    arguments = parser.parse_args()
    data = mnist()
    table: dict[str, dict[str, int]] = {}
    for name, case in CASES.items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        for seed in range(
            arguments.first_seed, arguments.first_seed + (arguments.seeds if case.expected else arguments.healthy_seeds)
        ):
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="ganvas-doctor-") as folder:
                said, records = verdict(name, seed, arguments.steps, data, Path(folder) / "run")
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name.replace(' ', '-')}-{seed}.json").write_text(json.dumps(records))
            row = table.setdefault(name, {})
            row[said] = row.get(said, 0) + 1
            print(f"{name:22} seed {seed}: {said}  ({time.monotonic() - started:.0f} s)", flush=True)
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
