"""Planted illnesses: does the doctor name them, and is it silent on the healthy? Prints the confusion table.

python benchmarks/doctor.py --seeds 5 --steps 800
python benchmarks/doctor.py --method dcgan --data fashion-mnist --seeds 2 --healthy-seeds 2 --steps 1200
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

from ganvas.data import ArrayData, fashion_mnist, mnist
from ganvas.data.dataset import permutation
from ganvas.errors import Diverged
from ganvas.method import Method
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train

SOURCES = {"mnist": mnist, "fashion-mnist": fashion_mnist}
HEALTHY: dict[str, dict[str, Any]] = {
    "wgan-gp": {"width": 16, "latent_size": 64, "learning_rate": 1e-3, "beta1": 0.0},
    "dcgan": {"width": 16, "latent_size": 64, "learning_rate": 5e-4, "batch_size": 64},
    "r3gan": {"width": 16, "latent_size": 64, "learning_rate": 5e-4},
}
"""Small networks that learn digits in a minute."""
UNBRIDLED: dict[str, dict[str, Any]] = {
    "wgan-gp": {"penalty": 0.0, "learning_rate": 0.1},
    "dcgan": {"learning_rate": 0.05},
    "r3gan": {"gamma": 0.0, "learning_rate": 0.05},
}
"""No penalty, where there is one, and a hundred times the rate."""
JUDGE = {"wgan-gp": "critic", "dcgan": "discriminator", "r3gan": "discriminator"}


def paced(kind: type[Method], factors: dict[str, float]) -> type[Method]:
    """``kind`` with the learning rates of some players multiplied."""

    class Paced(kind):  # type: ignore[misc, valid-type]
        def optimizers(self) -> dict[str, Optimizer]:
            optimizers: dict[str, Optimizer] = super().optimizers()
            for player, factor in factors.items():
                for group in optimizers[player].param_groups:
                    group["lr"] *= factor
            return optimizers

    return Paced


def few(data: ArrayData, count: int = 200) -> ArrayData:
    """``count`` training pictures; the held-out ones stay."""
    return data.part(permutation(len(data), 0, 9, 0)[:count], f"mnist, {count}", f"first {count}", test=data.held_out)


@dataclass(frozen=True)
class Case:
    """An illness (or none), how it is planted, and the findings that name it."""

    expected: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    data: Callable[[ArrayData], ArrayData] = lambda data: data


def cases(method: str) -> dict[str, Case]:
    """The illnesses of a method by name."""
    slow: dict[str, Any] = {"critic_steps": 1} if method == "wgan-gp" else {}
    return {
        "healthy": Case(()),
        "divergence": Case(("non-finite", "exploding"), UNBRIDLED[method]),
        "no learning": Case(("no learning",), rates={"generator": 0.0}),
        "low diversity": Case(("low diversity",), {"latent_size": 1}),
        "under-trained critic": Case(("under-trained critic",), slow, {JUDGE[method]: 1e-4}),
        "overfitting critic": Case(("overfitting critic",), data=few),
    }


def verdict(name: str, case: Case, seed: int, steps: int, data: ArrayData, folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """The doctor's first finding at the end of one training, "healthy" when there is none, and the run's records."""
    source = case.data(data)
    torch.manual_seed(seed)
    kind = paced(METHODS[name], case.rates) if case.rates else METHODS[name]
    method = kind(kind.Config(**HEALTHY[name] | case.settings), source.spec)
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
    parser.add_argument("--method", choices=sorted(HEALTHY), default="wgan-gp")
    parser.add_argument("--data", choices=sorted(SOURCES), default="mnist")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--healthy-seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path, help="a folder that takes each run's records")
    arguments = parser.parse_args()
    data = SOURCES[arguments.data]()
    table: dict[str, dict[str, int]] = {}
    for name, case in cases(arguments.method).items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        for seed in range(
            arguments.first_seed, arguments.first_seed + (arguments.seeds if case.expected else arguments.healthy_seeds)
        ):
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="ganvas-doctor-") as folder:
                said, records = verdict(arguments.method, case, seed, arguments.steps, data, Path(folder) / "run")
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name.replace(' ', '-')}-{seed}.json").write_text(json.dumps(records))
            row = table.setdefault(name, {})
            row[said] = row.get(said, 0) + 1
            print(f"{name:22} seed {seed}: {said}  ({time.monotonic() - started:.0f} s)", flush=True)
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
