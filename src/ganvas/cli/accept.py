"""``ganvas accept --level N``: runs the acceptance suite and compares each measurement with its bound."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.flags import not_negative, positive
from ganvas.cli.output import NORMAL, Speaking


def accept(
    *,
    level: Annotated[int, Parameter(validator=positive)] = 1,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    only: str | None = None,
    output: Speaking = NORMAL,
) -> None:
    """Measure what Ganvas claims, print bound against measurement, and fail when one is not met.

    For example:

        ganvas accept --level 1
        ganvas accept --level 1 --only A3 --seed 7

    Args:
        level: of the suite.
        seed: of all randomness.
        only: one row, or several separated by commas.
    """
    from rich.table import Table

    from ganvas.cli.failures import Failed
    from ganvas.evaluation.accept import run_level

    chosen = None if only is None else [name.strip() for name in only.split(",")]
    rows = []
    for row in run_level(level, seed=seed, only=chosen):
        rows.append(row)
        output.say(f"{row.name}: {'met' if row.passed else 'MISSED'} in {row.seconds:.1f} s")
    shown = Table("row", "what", "bound", "measured", "", "s")
    for row in rows:
        verdict, style = ("met", None) if row.passed else ("MISSED", "bold red")
        shown.add_row(row.name, row.what, row.bound, row.measured, verdict, f"{row.seconds:.1f}", style=style)
    missed = [row.name for row in rows if not row.passed]
    output.result({"level": level, "seed": seed, "rows": [asdict(row) for row in rows], "missed": missed}, shown)
    if missed:
        raise Failed(f"{len(missed)} of {len(rows)} rows missed their bound: {', '.join(missed)}")
