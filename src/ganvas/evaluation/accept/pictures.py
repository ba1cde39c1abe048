"""Row C3c: what the game adds to pix2pix in four tasks, over doing nothing and over the same network with L1 alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganvas.data.damage import degraded
from ganvas.data.emoji import openmoji_edges
from ganvas.data.faces import faces
from ganvas.data.translation import PairData
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import train_to_end
from ganvas.evaluation.translation import PERFECT, untaught
from ganvas.metrics import feature_network, kernel_distance, psnr
from ganvas.metrics.networks import FeatureNetwork

STEPS, BATCH, COUNT, SIDE, FACES = 1000, 8, 240, 32, 4000
SETTINGS: dict[str, Any] = {
    "width": 32, "levels": 4, "norm": "batch", "batch_size": BATCH, "learning_rate": 1e-3, "ema_half_life": 1000.0,
    "schedule": "linear",
}  # fmt: skip
"""lambda, dropout, betas and choice of patch (16x16 here) are the paper's, and so is batch norm, which has a batch of 8 to go
by. Half of its width, an innermost map of 2 pixels, five times its rate, falling to 0: for two minutes a training."""
LONGER = {"edges": 9}
"""Times the steps: emoji are more varied than faces, and only then does the critic catch up with L1 alone."""
GAP = 1.5


def damaged_faces(kinds: str) -> PairData:
    return degraded(faces(size=SIDE, count=FACES), kinds)


TASKS: dict[str, Callable[[], PairData]] = {
    "colourise": lambda: damaged_faces("grey"),
    "upscale": lambda: damaged_faces("blur4"),
    "restore": lambda: damaged_faces("scratches+noise"),
    "edges": lambda: openmoji_edges(size=SIDE),
}
"""The pairs of each task: drawn faces that are to get their colour back, their details (a quarter of each side, enlarged by the
bicubic filter), or be rid of scratches and noise; and the lines of emoji, of which the target is the coloured drawing."""


class Painted(NamedTuple):
    """Scores of one contestant's pictures: the KID to the true ones with its standard error, and the mean PSNR in dB."""

    kid: float
    error: float
    psnr: float


def repaints(seed: int, steps: int = STEPS, count: int = COUNT, tasks: dict[str, Callable[[], PairData]] = TASKS) -> Outcome:
    """C3c: pix2pix with its critic and with L1 alone on each task, judged on up to ``count`` held-out pairs."""
    network = feature_network("efficientnet", None)
    found = {}
    for name, pairs in tasks.items():
        data = pairs()
        source, target = data.truth(count, seed)
        untouched = untaught(source, target)
        assert untouched is not None
        outputs, length = {"source": untouched}, steps * LONGER.get(name, 1)
        for who, adversarial in (("L1 alone", 0.0), ("critic", 1.0)):
            settings = {**SETTINGS, "adversarial": adversarial, "decay_images": length * BATCH}
            progress = train_to_end("pix2pix", data, settings, seed, steps=length)
            outputs[who] = torch.cat([progress.translate(part) for part in source.split(100)])
        found[name] = painted(outputs, target, network, seed)
    return verdict(found)


def painted(outputs: dict[str, Tensor], target: Tensor, network: FeatureNetwork, seed: int) -> dict[str, Painted]:
    """Judges pictures (N, C, H, W) in [-1, 1] of each contestant by the true ones."""
    real = network.features(target)
    scores = {}
    for who, made in outputs.items():
        distance = kernel_distance(real, network.features(made), seed=seed)
        near = psnr(made, target).clamp(max=PERFECT)
        scores[who] = Painted(distance.value, distance.standard_error, float(near.mean()))
    return scores


def verdict(found: dict[str, dict[str, Painted]]) -> Outcome:
    """Bounds against the scores of "source", "L1 alone" and "critic" in each task."""
    passed, words = True, []
    for task, scores in found.items():
        source, alone, critic = (scores[who] for who in ("source", "L1 alone", "critic"))
        gap = alone.psnr - critic.psnr
        good = critic.kid < min(source.kid, alone.kid) and gap <= GAP
        if task == "upscale":
            good = good and critic.psnr > source.psnr
        passed = passed and good
        kids = ", ".join(f"{each.kid:.3f}" for each in (source, alone, critic))
        words.append(
            f"{task}{'' if good else ' (MISSED)'} KID {kids}, PSNR {source.psnr:.1f}, {alone.psnr:.1f}, {critic.psnr:.1f}"
        )
    facts = {task: {who: score._asdict() for who, score in scores.items()} for task, scores in found.items()}
    return Outcome(passed, "source, L1 alone, critic: " + "; ".join(words), facts)
