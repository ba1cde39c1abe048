"""Where a value may come from: flag > GANVAS_* > file > preset > default. Each source fills what the earlier ones left open."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import App, Argument, ArgumentCollection, Parameter
from cyclopts.config import Dict, Env

from ganvas.cli import presets
from ganvas.errors import UsageError

DEFAULT_FILE = Path("ganvas.toml")

ConfigFile = Annotated[str | None, Parameter(name="--config")]
PresetName = Annotated[str | None, Parameter(name="--preset")]


def from_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fills in from --config FILE, or from ganvas.toml in the current folder when there is one.

    The table ``[train]`` holds settings for all methods, ``[train.wgan]`` for one; the narrower table wins.
    """
    named = given(arguments, "--config")
    if named is None and (arguments.get("--config", None) is None or not DEFAULT_FILE.is_file()):
        return
    path = Path(named) if named is not None else DEFAULT_FILE
    table: Any = {commands[0]: {}} | presets.read(path)
    strange = sorted(table.keys() - {commands[0]})
    if strange:
        mend = f"settings go below [{commands[0]}] or [{'.'.join(commands)}]"
        raise UsageError(f"{path}: unknown table or key {strange[0]!r}", mend)
    layers: list[dict[str, Any]] = []
    for command in commands:
        table = table.get(command, {})
        if not isinstance(table, dict):
            raise UsageError(f"{path}: {command} is not a table", f"write [{'.'.join(commands)}] and the settings below it")
        layers.insert(0, {key: value for key, value in table.items() if not isinstance(value, dict)})
    for layer in layers:
        fill(app, commands, arguments, layer, str(path))


def from_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fills in from --preset NAME|FILE. Its key ``method`` must be the method that is trained."""
    name = given(arguments, "--preset")
    if name is None or commands[0] != "train":
        return
    settings = presets.load(name)
    method = settings.pop("method", commands[-1])
    if method != commands[-1]:
        raise UsageError(f"preset {name} is for {method}", f"use it with ganvas train {method}")
    fill(app, commands, arguments, settings, f"preset {name}")


def fill(app: App, commands: tuple[str, ...], arguments: ArgumentCollection, settings: dict[str, Any], source: str) -> None:
    """Gives ``settings`` (flags as keys, with _ or -) to the arguments that have no value yet."""
    known = {name.removeprefix("--").replace("-", "_") for argument in arguments for name in argument.names}
    for key in settings:
        if key.replace("-", "_") not in known:
            near = difflib.get_close_matches(key.replace("-", "_"), sorted(known), n=1)
            mend = f"did you mean {near[0]}?" if near else "see --help for the flags"
            raise UsageError(f"{source}: unknown key {key!r}", mend)
    for command in reversed(commands):  # where cyclopts looks for them; at the top, a key named like a command is passed over
        settings = {command: settings}
    Dict(settings, source=source)(app, commands, arguments)


def given(arguments: ArgumentCollection, flag: str) -> str | None:
    """The value that an earlier source gave a text flag, or None."""
    argument = arguments.get(flag, None)
    return argument.tokens[0].value if argument is not None and argument.tokens else None


class Origins:
    """The last source: fills in nothing, but notes what each argument got and from where, for ``config show``."""

    def __init__(self) -> None:
        self.arguments: list[Argument] = []

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        self.arguments = arguments

    def __iter__(self) -> Iterator[tuple[str, Any, str]]:
        """(flag, value, origin) of each flag of the command that was parsed last."""
        for argument in self.arguments:
            if argument.children or argument.parse is False:
                continue
            token = argument.tokens[0] if argument.tokens else None
            if token is None:
                value, origin = argument.field_info.default, "default"
            else:
                value = token.implicit_value if not token.value else token.value
                origin = {"cli": "flag", "env": f"environment, {token.keyword}"}.get(token.source, token.source)
            yield argument.name, value, origin


def whole_numbers(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuses 2.5 for a whole number, which cyclopts would round without a word. Fills in nothing."""
    for argument in arguments:
        kinds = {argument.hint, *get_args(argument.hint)}
        if int not in kinds or float in kinds:
            continue
        for token in argument.tokens:
            with suppress(ValueError):
                if not float(token.value).is_integer():
                    cause = f"{token.keyword or argument.name} {token.value} is not a whole number"
                    raise UsageError(cause, "leave the fraction out")


SOURCES = (Env("GANVAS_", command=False, show=False), from_file, from_preset, whole_numbers)
