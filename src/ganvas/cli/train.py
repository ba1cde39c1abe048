"""``ganvas train auto|METHOD|APP``: one command a method, its flags the fields of the method's Config; one a task; and auto."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from cyclopts import App, Group, Parameter

from ganvas.cli.flags import METHOD_GROUP, BudgetFlags, BudgetGroup, DataGroup, MachineFlags, MachineGroup, RunFlags, RunGroup
from ganvas.cli.output import NORMAL, Speaking

TASKS = ("colourise", "upscale", "restore", "translate", "edit", "age")
"""The apps that have a recipe (``ganvas.apps.recipes``)."""
PACKAGE = Path(__file__).parents[1]


def summary(file: Path) -> str:
    """The first paragraph of a file, read as text: the help of ``train`` must not wait for torch."""
    described = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(described.partition("\n\n")[0].split())


def method_summaries() -> dict[str, str]:
    """Each method's name and the first paragraph of its file."""
    return {file.stem.replace("_", "-"): summary(file) for file in sorted((PACKAGE / "methods").glob("[!_]*.py"))}


def build() -> App:
    """The command ``train`` with a sub-command a task and a method; what trains is imported when its command is used."""
    train = App(
        name="train",
        help="""Train a method on data, or a model for a task on your pictures, into a run folder.

With auto, everything is chosen by your data, your machine and the time you give it:

    ganvas train auto --data photos/ --minutes 30

A task needs nothing but a folder, and its model is used by `ganvas apply TASK`. For example:

    ganvas train colourise --data photos/
    ganvas train upscale --data photos/ --times 2
    ganvas train restore --data photos/
    ganvas train translate --data pairs/          folders A/ and B/
    ganvas train edit --data faces/               with attributes.csv
    ganvas train age --data faces/                with folders 0-18/, 19-29/, ...

Any method on any data:

    ganvas train wgan-gp --data mnist --minutes 10
    ganvas train dcgan --data photos/ --size 64 --run cats
    ganvas train r3gan --data points:ring --steps 5000 --seed 1
    ganvas train wgan --help      its own settings and their defaults
""",
    )
    by_method = Group("Methods", sort_key=1)
    for name, said in method_summaries().items():
        examples = f"    ganvas train {name} --data mnist --minutes 10\n    ganvas train {name} --data photos/ --size 64\n"
        train.command(f"{__name__}:{COMMAND}{name}", name=name, group=by_method, help=f"{said}\n\nFor example:\n\n{examples}")
    said = summary(PACKAGE / "training" / "auto.py").replace("The default recipe: what is trained", "Choose what is trained")
    examples = "    ganvas train auto --data photos/ --minutes 30\n    ganvas train auto --data mnist --minutes 10 --dry-run\n"
    train.command(
        "ganvas.cli.auto:auto", name="auto", group=Group("Default", sort_key=-1), help=f"{said}\n\nFor example:\n\n{examples}"
    )
    by_task = Group("Tasks", sort_key=0)
    for order, name in enumerate(TASKS):
        examples = f"    ganvas train {name} --data photos/\n    ganvas train {name} --data photos/ --size 256 --minutes 600\n"
        said = re.sub(r" \(A\d+\)", "", summary(PACKAGE / "apps" / f"{name}.py"))  # the rows of the thesis's applications
        train.command(
            f"ganvas.cli.tasks:{name}", name=name, group=by_task, sort_key=order, help=f"{said}\n\nFor example:\n\n{examples}"
        )
    return train


COMMAND = "method "
"""What the attributes of this module by which a method's command is found begin with; the space keeps them from other names."""


def __getattr__(name: str) -> Callable[..., None]:
    if name.startswith(COMMAND):
        return command(name.removeprefix(COMMAND))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def command(name: str) -> Callable[..., None]:
    """The command that trains one method: the common flags and the fields of the method's Config."""
    from ganvas.methods import METHODS

    settings = METHODS[name].Config
    # cyclopts 5.4 looks for the names in inherited, postponed annotations in the sub-class's module only: give it the types.
    settings.__init__.__annotations__.update(get_type_hints(settings))

    kinds = {
        "data": DataGroup,
        "budget": BudgetGroup,
        "run": RunGroup,
        "config": Annotated[settings, Parameter(name="*", group=METHOD_GROUP)],
        "machine": MachineGroup,
        "output": Speaking,
    }
    defaults = {"budget": BudgetFlags(), "run": RunFlags(), "config": settings(), "machine": MachineFlags(), "output": NORMAL}

    def train_method(**given: Any) -> None:
        from ganvas.cli.session import begin

        begin(name, **{**defaults, **given})

    only = inspect.Parameter.KEYWORD_ONLY
    # A signature that is made here, and not written down, since the type of config depends on the method.
    train_method.__annotations__ = kinds
    train_method.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(key, only, default=defaults.get(key, inspect.Parameter.empty), annotation=kind)
            for key, kind in kinds.items()
        ]
    )
    return train_method


app = build()
