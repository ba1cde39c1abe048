"""``ganvas config``: each setting of a command and where its value came from; the recipes that come with ganvas."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, MissingArgumentError, Parameter

from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

app = App(name="config", help="Show what settings a command would run with, and the presets.")


@app.command
def presets(name: str | None = None, /, *, output: Speaking = NORMAL) -> None:
    """List the presets, recipes that --preset takes: what each is for, its command, cost and measured result.

    For example:

        ganvas config presets
        ganvas config presets ring      the file itself, to start one of your own from

    Args:
        name: of one preset.
    """
    from ganvas.cli import presets as kept

    if name is not None:
        told = kept.recipe(name)
        output.result(asdict(told), told.text.rstrip())
        return
    recipes = [kept.recipe(each) for each in kept.names()]
    lines = [f"{told.name}: {told.title}\n  {told.command}\n  cost    {told.cost}\n  result  {told.result}" for told in recipes]
    output.result({told.name: asdict(told) for told in recipes}, "\n".join(lines))


@app.command
def show(
    *words: Annotated[str, Parameter(allow_leading_hyphen=True)],
    output: Speaking = NORMAL,
) -> None:
    """Show every setting of a command with its value and its origin: flag, environment, file, preset or default.

    For example:

        ganvas config show train wgan-gp --preset demo
        GANVAS_WIDTH=32 ganvas config show train wgan --data mnist

    Args:
        words: the command as you would type it, without `ganvas`.
    """
    from ganvas.cli.app import build
    from ganvas.cli.settings import SOURCES, Origins

    if not words:
        raise UsageError("no command to show the settings of", "name one, as in `ganvas config show train wgan --data mnist`")
    origins = Origins()
    root = build()
    root.config = (*SOURCES, origins)
    with suppress(MissingArgumentError):  # what is missing is shown as empty
        root.parse_args(list(words))
    rows = list(origins)
    document = {name.removeprefix("--"): {"value": value, "origin": origin} for name, value, origin in rows}
    from rich.table import Table

    shown = Table("flag", "value", "origin", box=None)
    for name, value, origin in rows:
        shown.add_row(name, "" if value is None else str(value), origin, style=None if origin == "default" else "bold")
    output.result(document, shown)
