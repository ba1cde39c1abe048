"""The loop and everything around a step: precision, averaging, ranks, signals, budgets, the doctor."""

from ganvas.training.interrupts import Interrupted
from ganvas.training.loop import Progress, train
from ganvas.training.monitors import Finding

__all__ = ["Finding", "Interrupted", "Progress", "train"]
