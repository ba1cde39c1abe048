"""Differentiable augmentation of what a critic sees: real and generated pictures alike, so that it cannot learn by heart."""

from __future__ import annotations

from ganvas.networks.augment.adaptive import EVERY, TARGET, UNSEEN_TARGET, Augmentation
from ganvas.networks.augment.choice import CAP, Choice, choice

__all__ = ["CAP", "EVERY", "TARGET", "UNSEEN_TARGET", "Augmentation", "Choice", "choice"]
