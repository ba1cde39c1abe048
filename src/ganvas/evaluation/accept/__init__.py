"""The acceptance suite: rows of figures that each part must show, rerunnable by anyone with any seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ganvas.errors import UsageError
from ganvas.evaluation.accept.closed_forms import objectives
from ganvas.evaluation.accept.dirac import dirac
from ganvas.evaluation.accept.overshoot import overshoot
from ganvas.evaluation.accept.rows import Check, Outcome, Row, run_checks
from ganvas.evaluation.accept.smoothness import smoothness
from ganvas.evaluation.accept.structure import reference_networks

LEVELS: dict[int, list[Check]] = {
    1: [
        Check("A0", "reference networks", "41,857 and 1,176,835 parameters, every layer as in the thesis", reference_networks),
        Check("A2", "objectives against closed forms, value and gradient", "1e-6", objectives),
        Check(
            "A3", "overshoot law of the gradient penalty, shift W = 2", "within 5 % of 1 + W/(2 lambda)", overshoot, minutes=0.5
        ),
        Check("A5", "DiracGAN convergence rates", "within 10 % of the eigenvalues; only R1 and R2 converge", dirac),
        Check(
            "A7",
            "penalties, spectral norm, averages, clipping",
            "1e-4; spectral norm 1 %; EMA 1e-6; clipping exact",
            smoothness,
        ),
    ]
}
"""The rows of each level, in the order in which they run."""


def run_level(level: int = 1, seed: int = 0, only: Sequence[str] | None = None) -> Iterator[Row]:
    """Runs the rows of a level and yields each as it finishes, with bound against measured.

    Raises:
        UsageError: no such level, or ``only`` names a row that it does not have.
    """
    if level not in LEVELS:
        raise UsageError(f"there is no acceptance level {level}", f"choose from {', '.join(map(str, LEVELS))}")
    return run_checks(LEVELS[level], seed, only)


__all__ = ["LEVELS", "Check", "Outcome", "Row", "run_level"]
