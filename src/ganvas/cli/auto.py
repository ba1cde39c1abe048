"""``ganvas train auto``: chooses everything by the data, the machine and the time, says why, and leaves a preset to change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ganvas.cli.flags import (
    NO_BUDGET,
    BudgetFlags,
    BudgetGroup,
    DataFlags,
    DataGroup,
    MachineFlags,
    MachineGroup,
    RunFlags,
    RunGroup,
)
from ganvas.cli.output import NORMAL, Speaking

MACHINE, RUN = MachineFlags(), RunFlags()
PRESET = "preset.toml"
"""The file in the run folder."""
MINUTES = 30.0
"""Without a budget."""


def auto(
    *, data: DataGroup, budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN, machine: MachineGroup = MACHINE,
    output: Speaking = NORMAL,
) -> None:  # fmt: skip
    """As ``ganvas train METHOD``, with method and settings by ``ganvas.training.auto.recipe_for``.

    Raises:
        UsageError, DataError, ResourceError: see ``recipe_for`` and ``session.prepare``.
    """
    from ganvas.cli.session import prepare, start
    from ganvas.data import open_source
    from ganvas.methods import METHODS
    from ganvas.training.auto import recipe_for
    from ganvas.training.budget import Budget

    if budget.empty:
        budget = BudgetFlags(minutes=MINUTES)
        output.say(f"no --steps, --images or --minutes: training for {MINUTES:g} minutes")
    opened = open_source(data.data, **data.options())
    recipe = recipe_for(
        opened, Budget(**vars(budget)), largest=largest_of(data), device=machine.device, precision=machine.precision,
        threads=machine.threads,
    )  # fmt: skip
    for line in recipe.why:
        output.say(line)
    source = data if recipe.size is None else replace(data, size=str(recipe.size))
    training = prepare(
        recipe.method, METHODS[recipe.method].Config(**recipe.settings), source, budget, run, machine, output, app="auto"
    )
    text = as_preset(recipe.method, recipe.settings, source, budget, recipe.why)
    start(replace(training, leaves={PRESET: text}), run, output)


def largest_of(data: DataFlags) -> int | None:
    """The short side in pixels that half of a folder's pictures reach; None when it is no folder, or the size is given."""
    from ganvas.data.folder import halves, survey
    from ganvas.data.listing import existing
    from ganvas.data.sources import SOURCES
    from ganvas.data.wanted import Wanted

    kind = data.data.partition(":")[0]
    if data.size is not None or kind in SOURCES:
        return None
    root = existing(data.data)
    options = {name: value for name, value in data.options().items() if name in ("channels", "fit")}
    packed = survey(halves(root)[0] or root, data.options().get("labels"), Wanted(**options))
    if packed.look.shape[1:] == (28, 28):
        return None
    import numpy as np

    return int(np.median(np.minimum(packed.width, packed.height)))


def as_preset(method: str, settings: dict[str, Any], data: DataFlags, budget: BudgetFlags, why: tuple[str, ...]) -> str:
    """The choice as a preset: a TOML file whose keys are flags, with the reasons as comments."""
    asked = {name: value for name, value in vars(data).items() if value not in (None, False)}
    spent = {name: value for name, value in vars(budget).items() if value is not None}
    # A string, a number or a truth value is written in TOML as in JSON.
    rows = [
        f"{name} = {json.dumps(value if isinstance(value, bool | int | float) else str(value))}"
        for name, value in ({"method": method} | asked | spent | settings).items()
    ]
    comments = ["Chosen by ganvas train auto", "", *why, "", f"Change it, then: ganvas train {method} --preset FILE"]
    return "\n".join([*(f"# {line}".rstrip() for line in comments), *rows, ""])
