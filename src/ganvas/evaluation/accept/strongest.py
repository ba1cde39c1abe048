"""Row C4: how near the strongest of our methods comes to real pictures in twenty minutes of two CPU cores."""

from __future__ import annotations

from typing import Any

from ganvas.data import Data, fashion_mnist, mnist
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, steps_within, train_to_end
from ganvas.evaluation.evaluate import evaluate
from ganvas.methods import METHODS
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
DRAWS = 5
"""Of samples, and of training pictures for the floor: a single ratio scatters by a fifth."""
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
            f"{data.name} {ratio:.2f} ({found['frechet']:.3g} over {found['floor']:.3g}; one draw {found['lowest']:.2f} to "
            f"{found['highest']:.2f}; {found['ratio of fewer']:.2f} of {FEWER:,} samples) at step {found['step']:,}"
        )
    measured = f"{'; '.join(words)} ({method}, {minutes:g} min each, means of {DRAWS} draws)"
    return Outcome(max(ratios) <= BOUND, measured, facts)


def over_floor(method: str, data: Data, seed: int, minutes: float) -> tuple[float, dict[str, Any]]:
    """The ratio, and its two sides with their stamp."""
    return judged(train_within(method, data, SETTINGS[method], seed, minutes), data, seed)


def judged(progress: Progress, data: Data, seed: int) -> tuple[float, dict[str, Any]]:
    """The mean distance of ``DRAWS`` sets of samples over the mean of as many floors, which are training pictures' own."""
    conditional = progress.engine.method.conditional
    distances: dict[int, list[tuple[float, float]]] = {COUNT: [], FEWER: []}
    for one in range(seed, seed + DRAWS):
        asked = data.real(COUNT, one + 1).label if conditional else None  # classes as often as the data has them
        samples = draw(progress, COUNT, one + 1, asked)
        for count, pairs in distances.items():
            scores = evaluate(samples[:count], ["frechet"], against=data, features="lenet", count=count, seed=one)
            pairs.append((scores["frechet"].value, scores.floors["frechet"].value))
    stamp = scores["frechet"].stamp.to_json()
    (frechet, floor), (fewer, lower) = ([sum(side) / DRAWS for side in zip(*p, strict=True)] for p in distances.values())
    each = [score / below for score, below in distances[COUNT]]
    facts = {
        "frechet": frechet, "floor": floor, "ratio of fewer": fewer / lower, "lowest": min(each), "highest": max(each),
        "step": progress.step, "stamp": stamp,
    }  # fmt: skip
    return frechet / floor, facts


def train_within(method: str, data: Data, settings: dict[str, Any], seed: int, minutes: float) -> Progress:
    """Trains for what takes this machine ``minutes`` of all the threads that torch uses, its rates falling to the end."""
    steps = steps_within(method, data, settings, seed, minutes)
    if "schedule" in settings:
        settings = settings | {"decay_images": steps * METHODS[method].Config(**settings).batch_size}
    return train_to_end(method, data, settings, seed, steps=steps)
