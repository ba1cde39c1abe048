"""Is bf16 as good as float32? The same recipe, steps and seeds in both, and how far each ends from real pictures.

python benchmarks/precision.py --steps 600 --seeds 3

The two precisions share a seed's data, latents and first weights, so their difference is taken seed by seed: bf16 is worse when
the mean of the differences is above twice its standard error.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganvas.data import Data, mnist
from ganvas.evaluation.accept.trial import draw
from ganvas.evaluation.evaluate import evaluate
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train

RECIPES: dict[str, dict[str, Any]] = {
    "wgan-gp": {"width": 24, "latent_size": 64, "critic_steps": 3, "learning_rate": 7e-4, "beta1": 0.0},
    "dcgan": {"width": 16, "latent_size": 64, "batch_size": 64, "learning_rate": 5e-4},
    "r3gan": {"width": 24, "gamma": 1.0, "learning_rate": 5e-4},
}
COUNT = 5000


@dataclass(frozen=True)
class Trained:
    """Where one training came: FD-LeNet of the averaged weights, what real pictures score, and its processor seconds."""

    frechet: float
    floor: float
    seconds: float


def trained(name: str, precision: str, seed: int, steps: int, data: Data) -> Trained:
    """One training to ``steps`` steps, judged against held-out pictures."""
    torch.manual_seed(seed)
    method = METHODS[name](METHODS[name].Config(**RECIPES[name]), data.spec)
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="ganvas-precision-") as folder:
        run = Run(Path(folder) / "run", seed=seed, keep=1)
        (progress,) = deque(train(method, data, run, steps=steps, precision=precision, save_seconds=1e6), maxlen=1)
        seconds = time.process_time() - started
        judged = evaluate(draw(progress, COUNT, seed + 1), ["frechet"], against=data, features="lenet", count=COUNT, seed=seed)
    return Trained(judged["frechet"].value, judged.floors["frechet"].value, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=sorted(RECIPES), default="wgan-gp")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    data = mnist()
    differences = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        both = {p: trained(arguments.method, p, seed, arguments.steps, data) for p in ("fp32", "bf16")}
        differences.append(both["bf16"].frechet - both["fp32"].frechet)
        words = ", ".join(f"{p} {t.frechet:.1f} in {t.seconds:.0f} s" for p, t in both.items())
        print(f"{arguments.method} seed {seed}: FD-LeNet {words}; real pictures {both['fp32'].floor:.2f}", flush=True)
    mean = statistics.mean(differences)
    error = statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.nan
    print(f"bf16 minus fp32: {mean:+.1f} +- {error:.1f} over {len(differences)} seeds, {arguments.steps} steps each")


if __name__ == "__main__":
    main()
