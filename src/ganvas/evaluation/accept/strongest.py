"""Row C4: how near the strongest of our methods comes to real pictures in twenty minutes of two CPU cores."""

from __future__ import annotations

from typing import Any

from ganvas.data import Data, fashion_mnist, mnist
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_to_end
from ganvas.evaluation.evaluate import evaluate

METHOD = "wgan-gp"
SETTINGS: dict[str, dict[str, Any]] = {
    "wgan-gp": {"width": 24, "latent_size": 64, "critic_steps": 3, "learning_rate": 7e-4, "beta1": 0.0},
    "r3gan": {"width": 24, "gamma": 1.0, "learning_rate": 5e-4},
    "dcgan": {"width": 32},
}
"""Settings for minutes where the papers have hours: those of the demo, and narrow networks for the others."""
BOUND = 4.0
COUNT = 10_000


def strongest(seed: int, minutes: float = 20, method: str = METHOD) -> Outcome:
    """C4: the Frechet distance of 10,000 samples on LeNet features over that of 10,000 other real pictures, both sets.

    Args:
        minutes: of training on each of the two sets.
        method: any of ``SETTINGS``.
    """
    facts, words, ratios = {}, [], []
    for data in (mnist(), fashion_mnist()):
        ratio, found = over_floor(method, data, seed, minutes)
        facts[data.name] = found
        ratios.append(ratio)
        words.append(f"{data.name} {ratio:.2f} ({found['frechet']:.3g} over {found['floor']:.3g}) at step {found['step']:,}")
    measured = f"{'; '.join(words)} ({method}, {minutes:g} min each)"
    return Outcome(max(ratios) <= BOUND, measured, facts)


def over_floor(method: str, data: Data, seed: int, minutes: float) -> tuple[float, dict[str, Any]]:
    """The ratio, and its two sides with their stamp."""
    progress = train_to_end(method, data, SETTINGS[method], seed, minutes=minutes)
    samples = draw(progress, COUNT, seed + 1)
    judged = evaluate(samples, ["frechet"], against=data, features="lenet", count=COUNT, seed=seed)
    score, floor = judged["frechet"], judged.floors["frechet"]
    facts = {"frechet": score.value, "floor": floor.value, "step": progress.step, "stamp": score.stamp.to_json()}
    return score / floor, facts
