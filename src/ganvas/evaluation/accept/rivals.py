"""Row F5: r3gan beside dcgan and wgan-gp on drawn faces and emoji, given the same time, as Frechet distances over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor

from ganvas.data import Data, faces
from ganvas.data.emoji import emoji
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_through
from ganvas.evaluation.evidence import real_side
from ganvas.metrics import frechet_distance
from ganvas.metrics.networks import FeatureNetwork, feature_network
from ganvas.training.auto import HASTE, QUICK

SETTINGS: dict[str, dict[str, Any]] = {
    "r3gan": QUICK,
    "stylegan": {
        "width": 8, "latent_size": 64, "style_size": 128, "mapping_layers": 2, "batch_size": 16, "path_weight": 0.0,
        "learning_rate": 8e-3, "gamma_scale": 2e-3,
    },
    "dcgan": {"width": 32, "batch_size": 32},
    "wgan-gp": HASTE,
}  # fmt: skip
"""Settings for minutes of a CPU where the papers have days of GPUs."""
SETS: dict[str, Callable[[], Data]] = {"faces": lambda: faces(size=64), "emoji": lambda: emoji(size=64)}
MOMENTS = (0.25, 0.5, 1.0)
"""Shares of the time at which samples are scored."""
STRIDE = 50
COUNT = 2000
BOUND = 2.0


def against_rivals(
    seed: int,
    minutes: float = 10,
    method: str = "r3gan",
    sets: tuple[str, ...] = tuple(SETS),
    features: str = "efficientnet",
) -> Outcome:
    """F5: by the ratio of Frechet distance to floor, the method is to be twice as near as dcgan and wgan-gp on each set.

    Args:
        minutes: of each training; times the threads, in CPU time, so that all are given the same on a busy machine.
        method: r3gan or stylegan, of ``SETTINGS``.
        sets: some of ``SETS``.
        features: the network whose features the distance is of.
    """
    names = [method, *(name for name in ("dcgan", "wgan-gp") if name != method)]
    facts: dict[str, Any] = {}
    words, gains = [], []
    for key in sets:
        data = SETS[key]()
        judge = judge_of(data, seed, features)
        found = {name: course(name, data, seed, minutes, judge) for name in names}
        facts[key] = found
        last = {name: ratios[-1] for name, ratios in found.items()}
        gain = min(last[name] for name in names[1:]) / last[method]
        gains.append(gain)
        told = ", ".join(f"{name} {' '.join(f'{ratio:.1f}' for ratio in ratios)}" for name, ratios in found.items())
        words.append(f"{key}: {told}; {gain:.2f} times as near")
    measured = f"{'; '.join(words)} ({minutes:g} min each, Frechet over floor at {', '.join(f'{m:g}' for m in MOMENTS)} of it)"
    return Outcome(min(gains) >= BOUND, measured, facts)


def course(name: str, data: Data, seed: int, minutes: float, judge: Judge) -> list[float]:
    """Frechet distance over its floor at each of ``MOMENTS``; scoring takes none of the training's time."""
    seconds = 60 * minutes * torch.get_num_threads()
    ratios: list[float] = []
    used, mark = 0.0, time.process_time()
    for progress in train_through(name, data, SETTINGS[name], seed, stops=count(STRIDE, STRIDE)):
        used += time.process_time() - mark
        while len(ratios) < len(MOMENTS) and used >= MOMENTS[len(ratios)] * seconds:
            ratios.append(judge.over_floor(draw(progress, COUNT, seed + 1)))
        if len(ratios) == len(MOMENTS):
            break
        mark = time.process_time()
    return ratios


@dataclass(frozen=True)
class Judge:
    """The real side, embedded once for all that is held against it.

    Args:
        network: whose features the distance is of.
        real: features of real pictures (``COUNT``, F).
        floor: their distance to as many others.
    """

    network: FeatureNetwork
    real: Tensor
    floor: float

    def over_floor(self, samples: Tensor) -> float:
        """The Frechet distance of samples (``COUNT``, C, H, W) in [-1, 1] from real ones over that of other real ones."""
        return frechet_distance(self.real, self.network.features(samples)) / self.floor


def judge_of(data: Data, seed: int, features: str) -> Judge:
    """Real pictures from training and held-out ones: fewer are held out than the network has features."""
    network = feature_network(features, data)
    side = real_side(data, COUNT, seed=seed, split="all")
    assert side.stand_ins is not None
    real, others = (network.features(images.image) for images in (side.samples, side.stand_ins))
    return Judge(network, real, frechet_distance(real[: len(others)], others))
