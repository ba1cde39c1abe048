"""Whether generated samples can teach: a classifier is trained on them and tested on real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from scipy.stats import t as student
from torch import Tensor

from ganvas.data import ArrayData
from ganvas.data.batches import Images
from ganvas.errors import UsageError
from ganvas.metrics.lenet import BATCH_SIZE, train_lenet
from ganvas.metrics.resize import quantise

STEPS = 400
"""Training steps of every classifier, whatever it is trained on: the arms differ in their data and in nothing else."""
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """``mean`` of the repeats' ``values``, and the ends of its 95 % confidence interval by Student's t."""

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def standard_error(self) -> float:
        values = torch.tensor(self.values, dtype=torch.float64)
        return float(values.std() / len(values) ** 0.5)


class ClassificationAccuracy(NamedTuple):
    """Accuracies on real test pictures, 0..1: of classifiers trained on ``synthetic`` and on as many ``real`` pictures."""

    synthetic: Interval
    real: Interval
    gap: Interval
    """synthetic - real, repeat by repeat."""


class Augmentation(NamedTuple):
    """``alone``: accuracy after training on ``pictures`` real ones; ``gain``: what adding all synthetic ones changes."""

    pictures: int
    alone: Interval
    gain: Interval


def interval(values: Sequence[float]) -> Interval:
    """The mean of at least two independent values with its 95 % confidence interval."""
    if len(values) < 2:
        raise UsageError(f"{len(values)} repeats have no confidence interval", "use at least two")
    numbers = torch.tensor(values, dtype=torch.float64)
    mean, error = float(numbers.mean()), float(numbers.std() / len(numbers) ** 0.5)
    reach = float(student.ppf((1 + CONFIDENCE) / 2, len(numbers) - 1)) * error
    return Interval(mean, mean - reach, mean + reach, tuple(float(value) for value in values))


def classification_accuracy(
    synthetic: Images,
    real: Images,
    test: Images,
    classes: Sequence[str],
    *,
    repeats: int = 5,
    steps: int = STEPS,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> ClassificationAccuracy:
    """The classification accuracy score with its real control (Ravuri and Vinyals 2019).

    Each repeat trains two LeNets from one seed, on ``synthetic`` and on as many ``real`` pictures, both labelled, and tests
    them on ``test``. It falls when a class lacks variety, which no accuracy of the samples themselves shows.

    Args:
        classes: the class names in label order.
        repeats: at least 2; each has its own weights, order and, where there are more than needed, real pictures.
        steps: of each training.

    Raises:
        UsageError: pictures without labels or of one class alone, fewer than a batch, or sides of different shape.
    """
    count = min(len(synthetic.image), len(real.image))
    arms: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats):
        for arm, pictures in zip(arms, (synthetic, real), strict=True):
            chosen = subset(pictures, count, seed + repeat)
            arm.append(accuracy_after(chosen, test, classes, steps=steps, seed=seed + repeat))
        if report:
            report(f"classifiers {repeat + 1} of {repeats}: {arms[0][-1]:.1%} from synthetic, {arms[1][-1]:.1%} from real")
    gaps = [a - b for a, b in zip(*arms, strict=True)]
    return ClassificationAccuracy(interval(arms[0]), interval(arms[1]), interval(gaps))


def augmentation(
    synthetic: Images,
    real: Images,
    test: Images,
    classes: Sequence[str],
    *,
    counts: Sequence[int] = (200, 1000, 5000),
    repeats: int = 5,
    steps: int = STEPS,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> list[Augmentation]:
    """What synthetic pictures add to few real ones: accuracy with both less accuracy with the real alone, paired by repeat.

    Either arm of a repeat has the same real pictures, seed and number of steps. Where ``gain.low`` is above 0 the synthetic
    pictures help.

    Args:
        counts: of real pictures; those above what there is are left out. The rest as for ``classification_accuracy``.
    """
    found = []
    for count in (n for n in counts if n <= len(real.image)):
        alone, gains = [], []
        for repeat in range(repeats):
            few = subset(real, count, seed + repeat)
            both = Images(torch.cat([few.image, synthetic.image]), torch.cat([labels(few), labels(synthetic)]))
            alone.append(accuracy_after(few, test, classes, steps=steps, seed=seed + repeat))
            gains.append(accuracy_after(both, test, classes, steps=steps, seed=seed + repeat) - alone[-1])
        found.append(Augmentation(count, interval(alone), interval(gains)))
        if report:
            report(f"{count:,} real pictures: {found[-1].alone.mean:.1%} alone, {found[-1].gain.mean:+.1%} with synthetic ones")
    if not found:
        raise UsageError(f"{len(real.image)} real pictures are fewer than {min(counts)}", "name smaller counts")
    return found


def accuracy_after(train: Images, test: Images, classes: Sequence[str], *, steps: int, seed: int) -> float:
    """The share of ``test`` that a LeNet gets right after ``steps`` batches of ``train``, by the recipe of ``lenet``."""
    if len(train.image) < BATCH_SIZE or len(labels(train).unique()) < 2:
        kinds = f"{len(train.image)} pictures of {len(labels(train).unique())} classes"
        raise UsageError(f"{kinds} teach a classifier nothing", f"give at least {BATCH_SIZE} pictures of two classes")
    held_out = as_data(test, classes)
    data = as_data(train, classes).whole(lambda: held_out)
    _, accuracy = train_lenet(data, seed, epochs=max(1, round(steps * BATCH_SIZE / len(train.image))))
    return accuracy


def as_data(pictures: Images, classes: Sequence[str]) -> ArrayData:
    """Labelled float pictures as a set of bytes: what a folder of them would hold."""
    return ArrayData(quantise(pictures.image), labels(pictures), classes=classes, fingerprint="of a classifier's training")


def subset(pictures: Images, count: int, seed: int) -> Images:
    """``count`` of the pictures, chosen at random."""
    rows = torch.randperm(len(pictures.image), generator=torch.Generator().manual_seed(seed))[:count]
    return Images(pictures.image[rows], labels(pictures)[rows])


def labels(pictures: Images) -> Tensor:
    if pictures.label is None:
        raise UsageError("the pictures have no labels", "a classifier needs labelled ones: use a conditional model")
    return pictures.label
