"""Row C1: digits by class, from a projection critic in the relativistic game."""

from __future__ import annotations

import torch

from ganvas.data import Data, mnist
from ganvas.data.batches import Images
from ganvas.evaluation.accept.digits import classifier_refusal
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.strongest import SETTINGS, train_within
from ganvas.evaluation.accept.trial import draw
from ganvas.metrics import precision_recall
from ganvas.metrics.classification import classification_accuracy
from ganvas.metrics.lenet import LeNetFeatures, lenet
from ganvas.training import Progress

ACCURACY, GAP = 0.97, 0.03


def digits_by_class(seed: int, minutes: float = 30, count: int = 10_000) -> Outcome:
    """C1: r3gan by class on MNIST, as row C4 trains it: are samples of the class asked for, and can they teach a classifier?"""
    data = mnist()
    judge = lenet(data)
    if refusal := classifier_refusal(judge):
        return refusal
    progress = train_within("r3gan", data, SETTINGS["r3gan"], seed, minutes)
    return judged(progress, data, judge, seed, count)


def judged(progress: Progress, data: Data, judge: LeNetFeatures, seed: int, count: int) -> Outcome:
    """Accuracy by the frozen classifier, and that of classifiers trained on samples, on real test digits."""
    asked = torch.arange(count) % len(data.spec.classes)
    fake = draw(progress, count, seed + 1, asked)
    right = (judge.classify(fake) == asked).double()
    accuracy, worst = float(right.mean()), min(float(right[asked == digit].mean()) for digit in asked.unique())
    some = min(count, 2000)
    recall = precision_recall(judge.features(data.real(some, seed).image), judge.features(fake[:some])).recall
    real, held_out = data.real(count, seed), data.held_out()
    test = held_out.real(len(held_out), seed)
    taught = classification_accuracy(Images(fake, asked), real, test, data.spec.classes, seed=seed)
    passed = accuracy >= ACCURACY and taught.gap.mean >= -GAP
    measured = (
        f"{accuracy:.3f} (worst digit {worst:.2f}); taught by samples {taught.synthetic.mean:.3f}, by real pictures "
        f"{taught.real.mean:.3f}; recall {recall:.2f}; step {progress.step}"
    )
    facts = {
        "accuracy": accuracy, "worst": worst, "recall": recall, "steps": progress.step,
        "synthetic": [*taught.synthetic[:3]], "real": [*taught.real[:3]], "gap": [*taught.gap[:3]],
    }  # fmt: skip
    return Outcome(passed, measured, facts)
