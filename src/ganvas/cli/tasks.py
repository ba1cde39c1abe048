"""``ganvas train TASK``: a model for a task, trained on pictures with nothing else said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import (
    NO_BUDGET,
    TASK_GROUP,
    BudgetGroup,
    Count,
    DataFlags,
    DataGroup,
    MachineFlags,
    MachineGroup,
    RunFlags,
    RunGroup,
    TaskFlags,
    TaskGroup,
)
from ganvas.cli.output import NORMAL, Output, Speaking

MACHINE, RUN, TASK = MachineFlags(), RunFlags(), TaskFlags()


@dataclass(frozen=True)
class UpscaleFlags(TaskFlags):
    """As ``TaskFlags``.

    Args:
        width: channels of the narrowest layer: wider is better and slower; 64 is the papers'.
        batch_size: pictures an update; less where memory is short.
        times: how much larger pictures shall become, 2 or 4.
    """

    width: Count = None
    batch_size: Count = None
    times: Literal[2, 4] = 2


@dataclass(frozen=True)
class RestoreFlags(TaskFlags):
    """As ``TaskFlags``.

    Args:
        width: channels of the narrowest layer: wider is better and slower; 64 is the papers'.
        batch_size: pictures an update; less where memory is short.
        damage: what to mend: holes (then --mask says where they are), or scratches, noise, jpeg, blur2, blur4, joined by +.
    """

    width: Count = None
    batch_size: Count = None
    damage: str = "scratches+noise+jpeg"


UpscaleGroup = Annotated[UpscaleFlags, Parameter(name="*", group=TASK_GROUP)]
RestoreGroup = Annotated[RestoreFlags, Parameter(name="*", group=TASK_GROUP)]


def colourise(
    *, data: DataGroup, task: TaskGroup = TASK, budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("colourise", task, data, budget, run, machine, output)


def upscale(
    *, data: DataGroup, task: UpscaleGroup = UpscaleFlags(), budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("upscale", task, data, budget, run, machine, output, times=task.times)


def restore(
    *, data: DataGroup, task: RestoreGroup = RestoreFlags(), budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("restore", task, data, budget, run, machine, output, damage=task.damage)


def translate(
    *, data: DataGroup, task: TaskGroup = TASK, budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("translate", task, data, budget, run, machine, output)


def edit(
    *, data: DataGroup, task: TaskGroup = TASK, budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("edit", task, data, budget, run, machine, output)


def age(
    *, data: DataGroup, task: TaskGroup = TASK, budget: BudgetGroup = NO_BUDGET, run: RunGroup = RUN,
    machine: MachineGroup = MACHINE, output: Speaking = NORMAL,
) -> None:  # fmt: skip
    begin("age", task, data, budget, run, machine, output)


def begin(
    app: str, task: TaskFlags, data: DataFlags, budget: BudgetGroup, run: RunFlags, machine: MachineFlags, output: Output, *,
    times: int | None = None, damage: str | None = None,
) -> None:  # fmt: skip
    """Trains by the app's recipe for this data.

    Raises:
        UsageError, DataError: see ``recipe_for`` and ``session.prepare``.
    """
    from ganvas.apps.recipes import recipe_for
    from ganvas.cli.session import prepare, start
    from ganvas.data import Data
    from ganvas.method import MethodConfig
    from ganvas.methods import METHODS

    recipe = recipe_for(app, data.data, times=times, damage=damage)
    output.say(f"{app}: {recipe.method} on {recipe.source(data.data)}" + (f"; {recipe.why}" if recipe.why else ""))
    given = {name: value for name in ("width", "batch_size") if (value := getattr(task, name)) is not None}

    def config(opened: Data) -> MethodConfig:
        kind = METHODS[recipe.method].Config
        settings = {**recipe.settings, **given}
        if "batch_size" not in given and len(opened):  # a handful of pictures is no reason to refuse
            settings["batch_size"] = min(settings.get("batch_size", kind().batch_size), len(opened))
        return kind(**settings)

    size = data.size if data.size is not None else None if recipe.size is None else str(recipe.size)
    source = replace(data, data=recipe.source(data.data), size=size)
    start(prepare(recipe.method, config, source, budget, run, machine, output, app=app, minutes=recipe.minutes), run, output)
