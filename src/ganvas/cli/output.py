"""What commands say and to whom: results to stdout, messages to stderr, one JSON document with --json."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass(frozen=True)
class Output:
    """How a command speaks. rich obeys NO_COLOR, FORCE_COLOR and TERM=dumb by itself.

    Args:
        json: print one JSON document of results on stdout.
        quiet: say nothing but results and errors.
        verbose: say more.
        debug: show the traceback of an error.
    """

    json: Annotated[bool, Parameter(negative="")] = False
    quiet: Annotated[bool, Parameter(alias="-q", negative="")] = False
    verbose: Annotated[bool, Parameter(alias="-v", negative="")] = False
    debug: Annotated[bool, Parameter(negative="")] = False

    @cached_property
    def messages(self) -> Console:
        """stderr. Markup is off: names of files and runs are shown as they are."""
        from rich.console import Console

        return Console(stderr=True, quiet=self.quiet or not speaks(), markup=False, highlight=False, emoji=False)

    def say(self, message: str, style: str = "") -> None:
        """One message on stderr; --quiet silences it."""
        self.messages.print(printable(message), style=style or None, soft_wrap=True)

    def detail(self, message: str) -> None:
        """A message that only --verbose shows."""
        if self.verbose:
            self.say(message, "dim")

    def result(self, document: dict[str, Any], shown: RenderableType) -> None:
        """The command's result on stdout: ``document`` with --json, else ``shown`` (text without markup, or a rich table)."""
        if not speaks():
            return
        if self.json:
            sys.stdout.write(jsonlib.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
            sys.stdout.flush()
            return
        from rich.console import Console

        console = Console(markup=False, highlight=False, emoji=False)
        console.print(printable(shown) if isinstance(shown, str) else shown, soft_wrap=isinstance(shown, str))


NORMAL = Output()
"""The output flags when none is given."""

Speaking = Annotated[Output, Parameter(name="*", group=Group("Output", sort_key=90))]
"""The annotation by which every command takes the output flags."""


def speaks() -> bool:
    """Whether this process talks and writes: alone, or the first that torchrun launched."""
    return os.environ.get("RANK", "0") == "0"


def printable(text: str) -> str:
    """``text`` with control characters (ANSI escapes, newlines in file names) and lone surrogates made visible, not obeyed."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def plain(value: Any) -> Any:
    """``value`` as strict JSON has it: NaN and infinities become null, paths and other objects their text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable(str(value))
