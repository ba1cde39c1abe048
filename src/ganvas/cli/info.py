"""``ganvas info RUN|MODEL`` and ``ganvas runs``: what lies in a run folder, in words."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

from ganvas.cli.output import NORMAL, Speaking

BARS = "▁▂▃▄▅▆▇█"


def info(run: str, /, *, output: Speaking = NORMAL) -> None:
    """Show what a run or model is: how it was trained, how far it came, what its figures mean.

    For example:

        ganvas info wgan-gp-mnist-001
        ganvas info runs/wgan-gp-mnist-001/model --json

    Args:
        run: a run's name, or the path of a run or model folder.
    """
    from ganvas.cli import names

    folder = names.existing(run)
    document = run_facts(folder) if (folder / "config.json").exists() else model_facts(folder)
    output.result(document, "\n".join(lines(document)))


def runs(*, output: Speaking = NORMAL) -> None:
    """List the runs below runs/ in the current folder.

    For example:

        ganvas runs
        ganvas runs --json
    """
    from rich.table import Table

    from ganvas.cli import names
    from ganvas.cli.output import printable
    from ganvas.errors import GanvasError

    rows: list[dict[str, Any]] = []
    for folder in names.all_runs():
        try:
            rows.append(run_facts(folder))
        except GanvasError as error:
            rows.append({"run": str(folder), "trouble": str(error)})
    if not rows and not output.json:
        output.say("no runs here yet: start one with `ganvas train wgan-gp --data mnist`")
    shown = Table("run", "method", "data", "step", "minutes", "last written", box=None)
    for row in rows:
        name = printable(names.spoken(Path(row["run"])))
        if "trouble" in row:
            shown.add_row(name, "", "", "", "", printable(row["trouble"]), style="red")
        else:
            method, data = printable(row["method"]), printable(row["data"]["name"])
            shown.add_row(name, method, data, f"{row['step']:,}", f"{row['minutes']:.1f}", row["written"])
    output.result({"runs": rows}, shown)


def run_facts(folder: Path) -> dict[str, Any]:
    """What config, records and checkpoints of a run say.

    Raises:
        ModelError: the folder's config is damaged.
    """
    from ganvas.evaluation.account import why_ended
    from ganvas.runs import Run

    run = Run(folder)
    config, records = run.config, run.stats()
    last: dict[str, Any] = next((record for record in reversed(records) if "images" in record), {})
    step = max([last.get("step", 0), *run.steps()])
    return {
        "run": str(folder),
        "method": config["method"],
        "config": config["config"],
        "data": config["data"],
        "seed": config["seed"],
        "training": config["training"],
        "provenance": config["provenance"],
        "step": step,
        "images": last["images"] * step // last["step"] if last else 0,
        "minutes": last.get("seconds", 0.0) / 60,
        "terms": {name: value for name, value in last.items() if "/" in name},
        "wasserstein_estimate_signed": last.get("wasserstein"),
        "checkpoints": run.steps(),
        "best": run.best,
        "scores": run.scores(),
        "ended": why_ended(folder) or None,
        "written": written(folder),
    }


def written(folder: Path) -> str:
    """When the run was last written to, local time."""
    files = [folder / "stats.jsonl", folder / "config.json"]
    return datetime.fromtimestamp(max(file.stat().st_mtime for file in files if file.exists())).isoformat(" ", "minutes")


def model_facts(folder: Path) -> dict[str, Any]:
    """What a model folder says of itself."""
    from ganvas.runs import load

    model = load(folder)
    spec = model.spec.to_json()
    return {"model": str(folder), "method": model.method_name, "config": model.config, "spec": spec, "facts": model.facts}


def lines(document: dict[str, Any], indent: str = "") -> list[str]:
    """The document as indented lines, the Wasserstein estimate with what its sign and size may be taken for."""
    shown = []
    for key, value in document.items():
        label = key.replace("_", " ")
        if key == "scores":
            shown += score_lines(value, indent)
        elif isinstance(value, dict) and value:
            shown += [f"{indent}{label}", *lines(value, indent + "  ")]
        elif key == "wasserstein_estimate_signed" and value is not None:
            shown.append(
                f"{indent}{label:18} {value:+.4g}  (E[f(x)] - E[f(G(z))], above 0 when the critic scores reals higher;"
            )
            shown.append(f"{indent}{'':18} not a distance until divided by the critic's Lipschitz constant)")
        elif isinstance(value, float):
            shown.append(f"{indent}{label:18} {value:.5g}")
        elif value not in (None, {}, []):
            shown.append(f"{indent}{label:18} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return shown


def score_lines(records: list[dict[str, Any]], indent: str) -> list[str]:
    """The last score's course over the run as a line of bars, with its ends and its best in figures."""
    from ganvas.evaluation.account import comparable_with_last, moment
    from ganvas.evaluation.judgement import best_of

    trend = comparable_with_last([found for record in records if (found := moment(record, "")) is not None])
    if not trend:
        return []
    first, best, last = trend[0], best_of(trend), trend[-1]
    score = last.score
    bars = sparkline([each.score.value for each in trend])
    return [
        f"{indent}{'score':18} {bars}  {score.name}, {score.better} is better",
        f"{indent}{'':18} {first.score.value:.4g} at step {first.step:,}, best {best.score.value:.4g} at step {best.step:,}, "
        f"last {score.value:.4g} at step {last.step:,}",
    ]


def sparkline(values: list[float], width: int = 40) -> str:
    """Values as bars of eight heights, the lowest value the lowest bar; neighbours are averaged to at most ``width`` bars.

    A logarithmic scale is taken where the largest is more than ten times the smallest, both above 0.
    """
    if min(values) > 0 and max(values) > 10 * min(values):
        values = [math.log(value) for value in values]
    count = min(len(values), width)
    edges = [len(values) * n // count for n in range(count + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in zip(edges, edges[1:], strict=False)]
    low, high = min(means), max(means)
    return "".join(BARS[round((mean - low) / (high - low) * 7) if high > low else 3] for mean in means)
