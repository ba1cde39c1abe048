"""Whether conditional samples are what was asked for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError


class ConditionalAccuracy(NamedTuple):
    """``accuracy``: the share of samples that a classifier takes for the class asked for, 0..1, with its ``standard_error``.

    ``by_class``: the same of each class; NaN for one that was not asked for.
    """

    accuracy: float
    standard_error: float
    by_class: tuple[float, ...]


def conditional_accuracy(predicted: Tensor, wanted: Tensor, classes: int) -> ConditionalAccuracy:
    """From the classifier's answers ``predicted`` and the labels ``wanted``, both int64 (N,) in 0..classes-1.

    It is bounded by the classifier's own accuracy on real data, which belongs beside it. A generator with one good picture a
    class scores 1: it measures obedience, not variety.

    Raises:
        UsageError: no samples, different counts, or a label out of range.
    """
    if predicted.shape != wanted.shape or wanted.dim() != 1 or not len(wanted):
        shapes = f"{tuple(predicted.shape)} answers to {tuple(wanted.shape)} labels"
        raise UsageError(shapes, "give one answer a label, and at least one")
    predicted, wanted = predicted.cpu(), wanted.cpu()
    if not 0 <= int(wanted.min()) <= int(wanted.max()) < classes:
        raise UsageError(f"labels from {int(wanted.min())} to {int(wanted.max())} of {classes} classes", "number them from 0")
    right = predicted == wanted
    asked = torch.bincount(wanted, minlength=classes).double()
    accuracy = float(right.double().mean())
    return ConditionalAccuracy(
        accuracy=accuracy,
        standard_error=(accuracy * (1 - accuracy) / len(wanted)) ** 0.5,
        by_class=tuple((torch.bincount(wanted[right], minlength=classes) / asked).tolist()),
    )
