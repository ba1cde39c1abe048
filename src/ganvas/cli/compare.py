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
    figures_lie = f"figures   {', '.join(printable(str(path)) for path in written)}"
    output.result(document, shown(comparison, figures_lie))


def shown(comparison: Comparison, last: str) -> RenderableType:
    """The tables and sentences of a comparison."""
    from rich.console import Group
    from rich.text import Text

    from ganvas.cli.output import printable

    parts: list[RenderableType] = [facts_table(comparison), Text()]
    if comparison.settings:
        parts += [settings_table(comparison), Text()]
    if comparison.scores:
        parts += [scores_table(comparison), Text()]
    sentences = [*comparison.leads, *(f"note: {words}" for words in comparison.caveats)]
    return Group(*parts, *(Text(printable(words)) for words in [*sentences, last]))


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


def scores_table(comparison: Comparison) -> RenderableType:
    """Scores that compare share a row; how each row was measured stands below by its number."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from ganvas.cli.output import printable
    from ganvas.evaluation.compare import LETTERS

    table = Table("score", *LETTERS[: len(comparison.accounts)], box=None)
    notes: list[Text] = []
    for number, row in enumerate(comparison.scores, 1):
        arrow = "lower" if row.example.score.better == "lower" else "higher"
        cells = [value_of(row, index) for index in range(len(comparison.accounts))]
        table.add_row(printable(f"{row.name}, {row.source} [{number}], {arrow} is better"), *cells)
        notes.append(Text(printable(f"[{number}] {row.stamp}"), style="dim"))
        if row.apart:
            notes.append(Text(printable(f"    measured differently from the row above: {row.apart}"), style="yellow"))
    return Group(table, *notes)


def value_of(row: ScoreRow, index: int) -> str:
    """ "0.0123 ± 0.0004, 1.3x floor, step 1,234"."""
    if index not in row.moments:
        return "-"
    moment = row.moments[index]
    text = f"{moment.score.value:.4g}"
    text += "" if moment.score.standard_error is None else f" ± {moment.score.standard_error:.1g}"
    text += f", {moment.score.value / moment.floor:.2g}x floor" if moment.floor else ""
    return text + (f", step {moment.step:,}" if moment.step else "")
