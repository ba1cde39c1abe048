"""``ganvas compare RUN...``: runs side by side: settings, scores with their errors, speed, curves, samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ganvas.cli.output import NORMAL, Speaking

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ganvas.evaluation.account import Account
    from ganvas.evaluation.compare import Comparison, ScoreRow


def compare(
    *runs: str,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    output: Speaking = NORMAL,
) -> None:
    """Put runs side by side: what differs in their settings, scores with their errors, speed, curves, samples.

    Scores that were measured differently are never put in one row. The folder gets compare.png (scores over images and over
    time), grids.png (samples of the same latents) and compare.json.

    For example:

        ganvas compare wgan-gp-mnist-001 r3gan-mnist-001
        ganvas compare runs/a runs/b runs/c --out comparison --json

    Args:
        runs: names or paths of 1 to 8 runs.
        out: the folder for figures and numbers; by default runs/compare-NNN.
    """
    import json

    from ganvas.cli import names
    from ganvas.cli.files import claim
    from ganvas.cli.output import plain, printable
    from ganvas.evaluation import account, compare_figures
    from ganvas.evaluation.compare import compare as side_by_side
    from ganvas.runs.durable import replace_file

    comparison = side_by_side([account.read(names.existing(run)) for run in runs])
    folder = names.numbered(names.RUNS, "compare") if out is None else claim(out, set(), force=False)
    curves = compare_figures.draw_curves(comparison)
    grids, lacking = compare_figures.draw_samples(comparison)
    figures = {"compare.png": curves, "grids.png": grids}
    written = [folder / name for name, figure in figures.items() if figure is not None]
    for name, figure in figures.items():
        if figure is not None:
            replace_file(folder / name, figure)
    document = comparison.to_json() | {"lacking": lacking, "out": str(folder), "figures": [str(path) for path in written]}
    text = json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    replace_file(folder / "compare.json", text.encode() + b"\n")
    if curves is None:
        lacking = [*lacking, "no run has two scores or estimates over time: there are no curves"]
    for words in lacking:
        output.say(words, "yellow")
    places = printable(", ".join(str(path) for path in written))
    output.result(document, shown(comparison, f"figures   {places}"))


def shown(comparison: Comparison, last: str) -> RenderableType:
    """The tables and sentences of a comparison."""
    from rich.console import Group
    from rich.text import Text

    from ganvas.cli.output import printable

    parts: list[RenderableType] = [facts_table(comparison), Text()]
    if comparison.settings:
        parts += [settings_table(comparison), Text()]
    for row in comparison.scores:
        parts += score_block(row)
    notes = [Text(printable(f"note: {words}")) for words in comparison.caveats]
    return Group(*parts, *notes, Text(last))


def facts_table(comparison: Comparison) -> RenderableType:
    """What each run is, how far and how fast it came, what the doctor says."""
    from rich.table import Table

    from ganvas.cli.output import printable
    from ganvas.evaluation.compare import LETTERS

    table = Table("", *LETTERS[: len(comparison.accounts)], box=None)
    columns = [facts_cells(account) for account in comparison.accounts]
    for name in columns[0]:
        table.add_row(name, *(printable(column[name]) for column in columns))
    return table


def facts_cells(account: Account) -> dict[str, str]:
    from ganvas.cli import display, names
    from ganvas.evaluation.compare import facts

    told = facts(account)
    speed = told["images_per_second"]
    found = ", ".join(f"{f.severity}: {f.name}" for f in account.findings) or "nothing wrong"
    return {
        "run": names.spoken(account.folder),
        "method": told["method"],
        "data": str(told["data"]),
        "step": f"{told['step']:,}",
        "images": f"{told['images']:,}",
        "time": display.clock(told["seconds"]),
        "images/s": "-" if speed is None else f"{speed:,.0f}",
        "parameters": f"{sum(told['parameters'].values()):,}" if told["parameters"] else "-",
        "best at step": "-" if told["best_step"] is None else f"{told['best_step']:,}",
        "doctor": found if account.stats else "no records",
        "ended": told["ended"] or "-",
    }


def settings_table(comparison: Comparison) -> RenderableType:
    """The settings in which the runs differ; a method's defaults are marked."""
    from rich.table import Table

    from ganvas.cli.output import printable
    from ganvas.evaluation.compare import LETTERS, brief

    table = Table("differs (* default)", *LETTERS[: len(comparison.accounts)], box=None)
    for setting in comparison.settings:
        pairs = zip(setting.values, setting.default, strict=True)
        cells = ["-" if value is None else f"{cell(value, brief)}{'*' if default else ''}" for value, default in pairs]
        table.add_row(printable(setting.name), *(printable(text) for text in cells))
    return table


def cell(value: Any, brief: Any) -> str:
    if isinstance(value, list):
        return (
            "x".join(str(part) for part in value)
            if value and all(isinstance(n, int) for n in value)
            else ", ".join(map(str, value))
        )
    return f"{value:g}" if isinstance(value, float) else brief(value)


def score_block(row: ScoreRow) -> list[RenderableType]:
    """One score of the runs that have it: how it was measured, each run's value, and who is ahead."""
    from rich.table import Table
    from rich.text import Text

    from ganvas.cli.output import printable
    from ganvas.evaluation.compare import LETTERS, lead

    better = row.example.score.better
    parts: list[RenderableType] = [Text(printable(f"{row.name}, {row.source} ({better} is better)"), style="bold")]
    parts.append(Text(printable(str(row.stamp)), style="dim"))
    if row.apart:
        parts.append(Text(printable(f"measured differently from the one above: {row.apart}"), style="yellow"))
    table = Table(show_header=False, box=None)
    for index, moment in row.moments.items():
        score = moment.score
        error = "" if score.standard_error is None else f"± {score.standard_error:.1g}"
        floor = "" if moment.floor is None else f"real data {moment.floor:.4g}"
        table.add_row(LETTERS[index], f"{score.value:.4g}", error, floor, f"step {moment.step:,}" if moment.step else "")
    ahead = lead(row)
    return [*parts, table, *([Text(printable(ahead))] if ahead else []), Text()]
