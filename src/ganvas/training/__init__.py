"""The loop and everything around a step: precision, averaging, ranks, signals, budgets, the doctor."""

from ganvas.training.interrupts import Interrupted
from ganvas.training.loop import train
from ganvas.training.monitors import Finding
from ganvas.training.session import Progress

__all__ = ["Finding", "Interrupted", "Progress", "train"]
