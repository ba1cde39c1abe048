"""Rows F3 and F4: augmentation does nothing at 0, does not leak into samples, and helps where pictures are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.data import ArrayData, fashion_mnist
from ganvas.data.dataset import SUBSET, TRAINING_DRAWS, permutation, random_bits
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_through, train_to_end
from ganvas.metrics import frechet_distance
from ganvas.metrics.lenet import lenet
from ganvas.networks.augment import CAP, Augmentation, Choice
from ganvas.networks.augment.adaptive import augmented
from ganvas.networks.augment.choice import PIPELINES
from ganvas.training.auto import PICTURES, SMALL

SIDE = 16
LETTERS: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
    ((0, 0.28, 0, 1), (0, 1, 0, 0.2), (0, 0.75, 0.42, 0.62)),  # F
    ((0, 0.28, 0, 1), (0, 1, 0, 0.2), (0, 1, 0.42, 0.62), (0.72, 1, 0, 0.62)),  # P
)
"""Boxes (left, right, top, bottom) as shares of a letter's width and height. No turn or mirror image of one is another.

Nor of what lies between them: a generator without classes makes that, too. With an L beside them it made E and C, which lie
nearest to an L or F that is mirrored top to bottom, and were counted as leaks although not one letter was turned.
"""
LEAK_SETTINGS: dict[str, Any] = {"width": 16, "latent_size": 32, "batch_size": 64, "learning_rate": 1e-3}
LEAK_STEPS = 3000
UPRIGHT = 0.95


def letters(count: int, seed: int) -> ArrayData:
    """Upright letters F and P of random place, size and width, bright on dark, (count, 1, 16, 16)."""
    source = np.random.Generator(random_bits(seed, TRAINING_DRAWS, 7))
    pixel = np.arange(SIDE)
    pictures = np.zeros((count, SIDE, SIDE))
    for n in range(count):
        height = source.uniform(9, 12)
        width = height * source.uniform(0.6, 0.8)
        top, left = (SIDE - height) / 2 + source.uniform(-1.5, 1.5), (SIDE - width) / 2 + source.uniform(-1.5, 1.5)
        for x0, x1, y0, y1 in LETTERS[source.integers(len(LETTERS))]:
            across = np.clip(np.minimum(pixel + 1, left + x1 * width) - np.maximum(pixel, left + x0 * width), 0, 1)
            down = np.clip(np.minimum(pixel + 1, top + y1 * height) - np.maximum(pixel, top + y0 * height), 0, 1)
            pictures[n] = np.maximum(pictures[n], np.outer(down, across))
    return ArrayData(torch.from_numpy((pictures * 255).round().astype(np.uint8))[:, None], name="letters")


def shares_of_ways(pictures: Tensor, real: Tensor) -> list[float]:
    """The share of pictures whose nearest real one is turned and mirrored in each of eight ways.

    Upright first, then turned by 90, 180 and 270 degrees; the same four mirrored left to right before they are turned.
    """
    ways = [turned for flipped in (real, real.flip(3)) for turned in (flipped.rot90(k, (2, 3)) for k in range(4))]
    nearest = torch.stack([torch.cdist(pictures.flatten(1), way.flatten(1)).amin(1) for way in ways])
    return (nearest.argmin(0).bincount(minlength=8).double() / len(pictures)).tolist()


def does_not_leak(seed: int, steps: int = LEAK_STEPS, count: int = 1000) -> Outcome:
    """F3: pipelines are the identity at p = 0; p stops at the cap; dcgan on upright letters under bgc:0.5 makes upright ones.

    Beside it the measure itself: on letters that no training saw, and on letters turned and mirrored at random, of which one in
    eight stands upright.
    """
    data, unseen = letters(4000, seed), letters(count, seed + 1).real(count).image
    with torch.random.fork_rng(devices=[]):
        identical = all(
            torch.equal(augmented(unseen[:64], torch.tensor(0.0), parts), unseen[:64])
            and Augmentation()(unseen, Choice(parts, 0.0)) is unseen
            for parts in PIPELINES.values()
        )
        cap = highest()
    progress = train_to_end("dcgan", data, LEAK_SETTINGS | {"augment": "bgc:0.5"}, seed, steps=steps)
    real = data.real(1000, seed).image
    ways = shares_of_ways(draw(progress, count, seed + 1), real)
    upright = ways[0]
    standing, anyhow = shares_of_ways(unseen, real)[0], shares_of_ways(at_random(unseen, seed), real)[0]
    measured = (
        f"identity at 0: {'yes' if identical else 'no'}; p stops at {cap:.3f}; upright {upright:.1%} of {count} samples "
        f"(real {standing:.1%}, turned at random {anyhow:.1%})"
    )
    facts = {
        "identical": identical, "cap": cap, "upright": upright, "ways": ways, "real": standing, "turned": anyhow,
        "steps": progress.step,
    }  # fmt: skip
    return Outcome(identical and abs(cap - CAP) < 1e-6 and upright >= UPRIGHT, measured, facts)


def highest(moves: int = 3000, images: int = 500) -> float:
    """Where p ends when the discriminator is sure of every picture, by default for three times as long as the way takes."""
    augmentation = Augmentation()
    for move in range(moves):
        augmentation.observe(torch.ones(1), torch.zeros(1))
        augmentation.adapt(images, 10**7 + move)
    return float(augmentation.p)


def at_random(pictures: Tensor, seed: int) -> Tensor:
    """Each picture turned and mirrored in one of eight ways."""
    way = torch.from_numpy(np.random.Generator(random_bits(seed, TRAINING_DRAWS, 8)).integers(0, 8, len(pictures)))
    turned = [p.flip(2) if w >= 4 else p for p, w in zip(pictures, way.tolist(), strict=True)]
    return torch.stack([p.rot90(w % 4, (1, 2)) for p, w in zip(turned, way.tolist(), strict=True)])


FEW = 500
FEW_STOPS = (1500, 3000, 6000, 9000, 12_000)
FEW_SETTINGS: dict[str, Any] = PICTURES | SMALL
FEW_SETTINGS |= {"width": 16, "patch": 2, "batch_size": 32, "decay_images": 32 * FEW_STOPS[-1]}
"""What ``auto`` trains where pictures are small and minutes few."""
RATIO = 0.7


def helps_few(
    seed: int, stops: Sequence[int] = FEW_STOPS, method: str = "r3gan", settings: dict[str, Any] | None = None
) -> Outcome:
    """F4: trained on 500 Fashion pictures for the same steps with ada and without, which comes nearer to the test set.

    A tenth of the 500 is held out, as of any folder: by these p is moved. The Frechet distance of LeNet features, 10,000
    samples against the 10,000 test pictures, at some moments of each training; the best one of each counts, since
    `ganvas sample` takes the best snapshot. Beside it the last, and the 500 pictures' own.
    """
    full = fashion_mnist()
    judge = lenet(full)
    chosen = permutation(len(full), seed, SUBSET, 4)[:FEW]
    few = full.part(chosen, f"fashion-mnist ({FEW} pictures)", f"{FEW} of {seed}")
    data = few.split()
    real = judge.features(full.held_out().real(10_000, seed).image)
    own = frechet_distance(judge.features(few.real(FEW).image), real)
    found: dict[str, list[float]] = {}
    strengths: list[float] = []
    for augment in ("0", "ada"):
        found[augment] = []
        for progress in train_through(method, data, (settings or FEW_SETTINGS) | {"augment": augment}, seed, stops=stops):
            found[augment].append(frechet_distance(judge.features(draw(progress, len(real), seed + 1)), real))
            if augment == "ada":
                strengths.append(float(progress.engine.method.augmentation.p))
    without, with_ada = found["0"], found["ada"]
    ratio = min(with_ada) / min(without)
    measured = (
        f"{ratio:.2f} ({min(with_ada):.3g} over {min(without):.3g}; at the end {with_ada[-1]:.3g} over {without[-1]:.3g}; "
        f"the {FEW} pictures themselves {own:.3g}; p {strengths[-1]:.2f})"
    )
    facts = {
        "ratio": ratio, "without": without, "with": with_ada, "steps": list(stops), "p": strengths, "pictures": own,
        "method": method,
    }  # fmt: skip
    return Outcome(ratio <= RATIO, measured, facts)
