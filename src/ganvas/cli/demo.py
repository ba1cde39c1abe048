"""``ganvas demo``: from nothing to a Wasserstein GAN that draws digits, in a few minutes."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Speaking


def demo(
    *,
    minutes: Annotated[float | None, Parameter(validator=positive)] = None,
    preset: str = "demo",
    output: Speaking = NORMAL,
) -> None:
    """Watch a Wasserstein GAN learn real handwritten digits; pictures, numbers and a model to keep.

    For example:

        ganvas demo
        ganvas demo --minutes 10

    Args:
        minutes: of training; the preset's by default.
        preset: the recipe.
    """
    from ganvas.cli import names, presets
    from ganvas.cli.app import build
    from ganvas.cli.session import follow, prepare

    recipe = presets.load(preset)
    folder = names.numbered(names.RUNS, "demo")
    words = ["train", str(recipe.get("method", "")), "--preset", preset, "--run", folder.name]
    if minutes is not None:
        words += ["--minutes", str(minutes)]
    output.say(f"the same as: ganvas {' '.join(words)}")
    _, bound, _ = build().parse_args(words)
    bound.apply_defaults()
    outcome = follow(prepare(recipe["method"], **{**bound.arguments, "output": output}), output)
    output.result(outcome.document, outcome.shown)
