"""Row C4: how near the strongest of our methods comes to real pictures in twenty minutes of two CPU cores."""

from __future__ import annotations

import time
from typing import Any

import torch

from ganvas.data import Data, fashion_mnist, mnist
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_through, train_to_end
from ganvas.evaluation.evaluate import evaluate
from ganvas.training import Progress
from ganvas.training.auto import PICTURES, SMALL

METHOD = "r3gan"
SETTINGS: dict[str, dict[str, Any]] = {
    "r3gan": PICTURES | SMALL | {"conditional": True, "width": 32, "patch": 2, "batch_size": 32},
    "wgan-gp": {"width": 24, "latent_size": 64, "critic_steps": 3, "learning_rate": 7e-4, "beta1": 0.0},
    "dcgan": {"width": 32},
}  # fmt: skip
"""Settings for minutes where the papers have hours: small networks, high rates."""
BOUND = 4.0
COUNT = 10_000
FEWER = 2_000
"""The ratio falls with fewer samples, for the floor rises as 1 / N: reported beside, never judged."""


def strongest(seed: int, minutes: float = 20, method: str = METHOD) -> Outcome:
    """C4: the Frechet distance of 10,000 samples on LeNet features over that of 10,000 other real pictures, both sets.

    Args:
        minutes: of training on each of the two sets, see ``train_within``.
        method: any of ``SETTINGS``.
    """
    facts, words, ratios = {}, [], []
    for data in (mnist(), fashion_mnist()):
        ratio, found = over_floor(method, data, seed, minutes)
        facts[data.name] = found
        ratios.append(ratio)
        words.append(
            f"{data.name} {ratio:.2f} ({found['frechet']:.3g} over {found['floor']:.3g}; {found['ratio of fewer']:.2f} of "
            f"{FEWER:,} samples) at step {found['step']:,}"
        )
    measured = f"{'; '.join(words)} ({method}, {minutes:g} min each)"
    return Outcome(max(ratios) <= BOUND, measured, facts)


def over_floor(method: str, data: Data, seed: int, minutes: float) -> tuple[float, dict[str, Any]]:
    """The ratio, and its two sides with their stamp."""
    progress = train_within(method, data, SETTINGS[method], seed, minutes)
    conditional = progress.engine.method.conditional
    asked = data.real(COUNT, seed + 1).label if conditional else None  # classes as often as the data has them
    samples = draw(progress, COUNT, seed + 1, asked)
    judged, fewer = (
        evaluate(samples[:count], ["frechet"], against=data, features="lenet", count=count, seed=seed)
        for count in (COUNT, FEWER)
    )
    score, floor = judged["frechet"], judged.floors["frechet"]
    facts = {
        "frechet": score.value, "floor": floor.value, "ratio of fewer": fewer["frechet"] / fewer.floors["frechet"],
        "step": progress.step, "stamp": score.stamp.to_json(),
    }  # fmt: skip
    return score / floor, facts


def train_within(method: str, data: Data, settings: dict[str, Any], seed: int, minutes: float, trial: int = 30) -> Progress:
    """Trains for what takes this machine ``minutes`` of all the threads that torch uses, its rates falling to the end.

    In processor time, so that a busy machine trains as long as an idle one: the steps are chosen by the speed of the second
    ``trial`` of them, with 3 % to spare.
    """
    first = train_through(method, data, settings, seed, stops=(trial, 2 * trial))
    next(first)
    started = time.process_time()
    progress = next(first)
    seconds = (time.process_time() - started) / trial
    first.close()
    steps = int(0.97 * 60 * minutes * torch.get_num_threads() / seconds)
    if "schedule" in settings:
        settings = settings | {"decay_images": steps * progress.images // progress.step}
    return train_to_end(method, data, settings, seed, steps=steps)
