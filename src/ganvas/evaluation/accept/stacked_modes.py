"""Row D1: are all 1,000 modes of stacked MNIST kept? By the default recipe, in ten minutes of a GPU."""

from __future__ import annotations

import torch

from ganvas.data import stacked_mnist
from ganvas.evaluation.accept.digits import classifier_refusal
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_to_end
from ganvas.evaluation.evaluate import evaluate
from ganvas.metrics.lenet import lenet
from ganvas.training.auto import recipe_for
from ganvas.training.budget import Budget

MODES, DIVERGENCE = 1000, 0.10
COUNT = 26_000
ON_GPU, ON_CPU = 10.0, 30.0
"""Minutes by the clock."""


def every_mode(seed: int, minutes: float | None = None, count: int = COUNT) -> Outcome:
    """D1: modes and KL(drawn || uniform) of samples of what ``auto`` chooses, read by a frozen classifier of single digits.

    The bound is for a GPU; without one the figures are reported, and the row asks for no more than that they can be had.

    Args:
        minutes: of training, the choice not included; by default ``ON_GPU`` or ``ON_CPU``.
        count: samples; the literature's divergences are of 26,000, and grow with fewer.
    """
    gpu = torch.cuda.is_available()
    data = stacked_mnist()
    if refusal := classifier_refusal(lenet(data.digits)):
        return refusal
    minutes = minutes or (ON_GPU if gpu else ON_CPU)
    recipe = recipe_for(data, Budget(minutes=minutes))
    progress = train_to_end(recipe.method, data, recipe.settings, seed, minutes=minutes)
    found = evaluate(draw(progress, count, seed + 1), ["modes"], against=data, count=count, seed=seed)
    modes, divergence = found["modes"].value, found["modes/kl"].value
    met = modes == MODES and divergence <= DIVERGENCE
    real = found.floors
    measured = (
        f"{modes:,.0f} modes, KL {divergence:.3f} (real pictures {real['modes'].value:,.0f}, {real['modes/kl'].value:.3f}); "
        f"{recipe.method}, {progress.images:,} pictures" + ("" if gpu else "; no GPU: reported, not judged")
    )
    facts = {
        "modes": modes, "kl": divergence, "met": met, "minutes": minutes, "step": progress.step, "images": progress.images,
        "settings": recipe.settings, "stamp": found["modes"].stamp.to_json(),
    }  # fmt: skip
    return Outcome(met or not gpu, measured, facts)
