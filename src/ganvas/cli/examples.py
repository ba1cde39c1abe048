"""``ganvas examples NAME``: the worked examples, each one figure with its numbers beside it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli import display
from ganvas.cli.flags import not_negative
from ganvas.cli.output import NORMAL, Output, Speaking
from ganvas.examples import EXAMPLES

if TYPE_CHECKING:
    from ganvas.training import Progress


def examples(
    name: Annotated[str | None, Parameter(choices=tuple(EXAMPLES))] = None,
    /,
    *,
    fast: Annotated[bool, Parameter(negative="")] = False,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("examples"),
    data: Path | None = None,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    output: Speaking = NORMAL,
) -> None:
    """Run a worked example: one figure PNG and the numbers beside it; the list of them without a name.

    For example:

        ganvas examples x-squared
        ganvas examples mnist-gan --fast

    Args:
        name: of the example.
        fast: fewer iterations, minutes instead of hours.
        out: the folder for figure and numbers.
        data: your own folder of pictures, for surprised-faces.
        seed: of all randomness.
    """
    if name is None:
        listed = {key: {"title": example.title, "cost": example.cost} for key, example in EXAMPLES.items()}
        output.result(listed, "\n".join(f"{key:16} {example.title} ({example.cost})" for key, example in EXAMPLES.items()))
        return
    from ganvas.cli.failures import one_line

    with ExitStack() as stack:
        teller = Teller(output, f"{name}: {EXAMPLES[name].title}", stack)
        result = EXAMPLES[name](out, fast=fast, seed=seed, data=data, report=teller)
    document = {"figure": str(result.figure), "record": str(result.record), "numbers": result.numbers}
    output.result(document, f"figure   {one_line(str(result.figure))}\nnumbers  {one_line(str(result.record))}")


class Teller:
    """Shows what an example reports: sentences as messages, progress on the live display, which begins with it."""

    def __init__(self, output: Output, title: str, stack: ExitStack) -> None:
        self.output, self.title, self.stack = output, title, stack
        self.view: display.Display | None = None

    def __call__(self, news: Progress | str) -> None:
        if isinstance(news, str):
            self.output.say(news)
            return
        if self.view is None:
            self.view = self.stack.enter_context(display.choose(self.output, self.title))
        self.view.show(news)
