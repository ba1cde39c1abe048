"""Presets: recipes that a flag names. One TOML file each, its keys the flags, its header the command, cost and result."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganvas.errors import UsageError

FOLDER = Path(__file__).parents[1] / "presets"


def names() -> list[str]:
    """The presets that come with ganvas."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


@dataclass(frozen=True)
class Recipe:
    """A preset's header.

    Args:
        name: what --preset takes.
        title: what it is for.
        command, cost, result: how to run it, how long it takes, and what was measured.
        text: the whole file.
    """

    name: str
    title: str
    command: str
    cost: str
    result: str
    text: str


def recipe(name: str) -> Recipe:
    """The header of a preset that comes with ganvas: its title, and the paragraphs Command, Cost and Result."""
    text = known(name).read_text(encoding="utf-8")
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    told: dict[str, str] = {}
    key = ""
    for line in lines[1:]:
        word, colon, rest = line.partition(":")
        if colon and word in {"Command", "Cost", "Result"}:
            key = word
            told[key] = rest.strip()
        elif line and key:
            told[key] += f" {line}"
        else:
            key = ""
    return Recipe(name, lines[0], told["Command"], told["Cost"], told["Result"], text)


def load(name: str) -> dict[str, Any]:
    """The settings of a preset: one that comes with ganvas, or a TOML file of the user's.

    Raises:
        UsageError: there is no such preset or file, or it is not TOML.
    """
    if name.endswith(".toml") or "/" in name or "\\" in name:
        return read(Path(name))
    return read(known(name))


def known(name: str) -> Path:
    """The file of a preset that comes with ganvas; UsageError when there is none of that name."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        raise UsageError(f"no preset {name!r}", f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}")
    return FOLDER / f"{name}.toml"


def read(path: Path) -> dict[str, Any]:
    """The content of a TOML file; UsageError when it is missing or is none."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file", "write it as TOML in UTF-8") from error
    except OSError as error:
        reason = (error.strerror or "refused").lower()
        raise UsageError(f"{path} cannot be read, {reason}", "name a TOML file that exists") from error


def parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{source} is not TOML, {error}", "mend that place") from error
