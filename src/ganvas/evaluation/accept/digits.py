"""Rows B5 and C1a: trainings on handwritten digits, judged by a frozen LeNet."""

from __future__ import annotations

import torch

from ganvas.data import mnist
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_through, train_to_end
from ganvas.metrics import Stamp, frechet_distance, precision_recall, sharpness
from ganvas.metrics.lenet import LeNetFeatures, lenet

THESIS_ITERATIONS = [92, 184, 276, 368]
CLASSIFIER = 0.99
"""What the frozen classifier must reach on the real test set before its word counts."""


def classifier_refusal(judge: LeNetFeatures) -> Outcome | None:
    """A failed outcome when the classifier itself is not good enough to judge by."""
    if judge.accuracy >= CLASSIFIER:
        return None
    return Outcome(False, f"the frozen classifier has {judge.accuracy:.2%} on real test pictures, {CLASSIFIER:.0%} is needed")


def one_digit(seed: int, digit: int = 9, count: int = 1000) -> Outcome:
    """B5: wgan with the paper's settings on one MNIST digit, at the thesis's four iterations (an iteration: 5 critic steps)."""
    judge = lenet(mnist())
    if refusal := classifier_refusal(judge):
        return refusal
    data = mnist().only(digit)
    real = data.real(count, seed).image
    features = judge.features(real)
    distances, sharp, legible = [], [], []
    for progress in train_through("wgan", data, {}, seed, stops=THESIS_ITERATIONS):
        fake = draw(progress, count, seed + 1)
        distances.append(frechet_distance(features, judge.features(fake)))
        sharp.append(sharpness(fake))
        legible.append(float((judge.classify(fake) == digit).double().mean()))
    falls = [all(after < before for before, after in zip(row[:-1], row[1:], strict=True)) for row in (distances, sharp)]
    stamp = Stamp(judge.name, judge.weights, "none", count, count, "train", seed)
    measured = (
        f"Frechet {join(distances)}; sharpness {join(sharp, 3)} (real {sharpness(real):.3f}); "
        f"read as a {digit}: {join(legible, 2)}"
    )
    facts = {"frechet": distances, "sharpness": sharp, "legible": legible, "real": sharpness(real), "stamp": stamp.to_json()}
    return Outcome(all(falls) and legible[-1] >= 0.9, measured, facts)


def conditional(seed: int, minutes: float = 10, count: int = 2000) -> Outcome:
    """C1a: cgan on MNIST; the share of samples that the classifier reads as the label that was asked for.

    Beside it the recall of the classifier's features, for one picture a class would have the same accuracy.
    """
    data = mnist()
    judge = lenet(data)
    if refusal := classifier_refusal(judge):
        return refusal
    progress = train_to_end("cgan", data, {}, seed, minutes=minutes)
    asked = torch.arange(count) % len(data.spec.classes)
    fake = draw(progress, count, seed + 1, asked)
    right = judge.classify(fake) == asked
    accuracy = float(right.double().mean())
    shares = [float(right[asked == digit].double().mean()) for digit in range(len(data.spec.classes))]
    recall = precision_recall(judge.features(data.real(count, seed).image), judge.features(fake)).recall
    measured = (
        f"{accuracy:.3f} (worst digit {min(shares):.2f}), recall {recall:.2f} after {minutes:g} min, {progress.step} steps"
    )
    facts = {"accuracy": accuracy, "worst": min(shares), "recall": recall, "steps": progress.step}
    return Outcome(accuracy >= 0.90, measured, facts)


def join(numbers: list[float], digits: int = 1) -> str:
    return ", ".join(f"{number:.{digits}f}" for number in numbers)
