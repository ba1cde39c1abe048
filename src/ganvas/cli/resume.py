"""``ganvas resume RUN``: goes on where a run stopped, bit for bit on the same machine and number of threads."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.flags import NO_BUDGET, BudgetGroup
from ganvas.cli.output import NORMAL, Speaking


def resume(
    run: str,
    /,
    *,
    budget: BudgetGroup = NO_BUDGET,
    tensorboard: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Continue a run where it stopped, exactly as if it had never stopped.

    For example:

        ganvas resume wgan-gp-mnist-001                  to the end of the budget it was started with
        ganvas resume wgan-gp-mnist-001 --minutes 30     to 30 minutes in all

    Args:
        run: the run's name or path.
        tensorboard: write TensorBoard event files too.
    """
    from ganvas.cli.session import follow, reload

    outcome = follow(reload(run, budget, tensorboard=tensorboard), output)
    output.result(outcome.document, outcome.shown)
