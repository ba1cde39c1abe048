"""``ganvas data list|fetch|check``: what there is to learn from, and whether a folder is fit for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ganvas.cli.flags import Count, finite, size_of
from ganvas.cli.output import NORMAL, Speaking

app = App(name="data", help="List, fetch and check data.")


@app.command(name="list")
def show(*, output: Speaking = NORMAL) -> None:
    """List the sources that --data takes.

    For example:

        ganvas data list
    """
    from rich.table import Table

    from ganvas.data import SOURCES

    shown = Table("source", "what it is", "licence", box=None)
    for name, source in SOURCES.items():
        shown.add_row(name, source.description, source.licence)
    output.result({"sources": {name: vars(source) for name, source in SOURCES.items()}}, shown)


@app.command
def fetch(source: str, /, *, output: Speaking = NORMAL) -> None:
    """Fetch a source into the cache now, so that training can start without a network.

    For example:

        ganvas data fetch mnist

    Args:
        source: as --data takes it.
    """
    from ganvas.cli.session import describe
    from ganvas.data import cache_dir, open_source

    data = open_source(source)
    document = {"source": source, "name": data.name, "samples": len(data), "origin": data.origin, "licence": data.licence}
    document |= data.spec.to_json() | {"fingerprint": data.fingerprint, "cache": str(cache_dir())}
    output.result(document, f"{describe(data)}\nfrom {data.origin}\nlicence: {data.licence}\nkept in {cache_dir()}")


@app.command
def check(
    path: Path,
    /,
    *,
    size: str | None = None,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    channels: Count = None,
    labels: Path | None = None,
    max_bad: Annotated[float, Parameter(validator=finite)] = 0.05,
    strict: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Examine a folder of pictures: corrupt, tiny, duplicate, odd-sized and mislabelled files, and what is done about each.

    For example:

        ganvas data check photos/
        ganvas data check photos/ --labels labels.csv --json
        ganvas data check paired:maps/

    The exit code is 3 when training would refuse the folder.

    Args:
        path: the folder; paired:FOLDER and unpaired:FOLDER are examined as two sides, attributes:FOLDER with its table.
        size: pixels of a side, or HEIGHTxWIDTH, to which pictures would be brought; chosen from the pictures by default.
        fit: how pictures of another shape would be brought to the size.
        channels: 1 for grey, 3 for colour; by default what the pictures have.
        labels: a CSV file of file name and label.
        max_bad: the share of files that may be unreadable, 0 to 1.
        strict: exit with 3 when there is any problem at all.
    """
    from ganvas.data.check import check as examine
    from ganvas.data.check_sides import check_paired, check_unpaired
    from ganvas.errors import DataError, UsageError

    wanted = None if size is None else size_of(size)
    kind, _, folder = str(path).partition(":")
    if kind == "attributes":
        table(folder, labels, wanted, channels, fit)
        reports = [examine(folder, size=wanted, channels=channels, labels="none", fit=fit, max_bad=max_bad)]
    elif kind not in ("paired", "unpaired"):
        reports = [examine(path, size=wanted, channels=channels, labels=labels, fit=fit, max_bad=max_bad)]
    elif labels is not None:
        raise UsageError(f"{kind} data has no labels", "leave --labels out")
    elif kind == "paired":
        reports = [check_paired(folder, size=wanted, channels=channels, fit=fit, max_bad=max_bad)]
    else:
        reports = [*check_unpaired(folder, size=wanted, channels=channels, fit=fit, max_bad=max_bad)]
    document = reports[0].to_json() if len(reports) == 1 else {"domains": [report.to_json() for report in reports]}
    output.result(document, "\n".join(map(str, reports)))
    for report in reports:
        if report.refusal:
            raise DataError(report.refusal)
    if strict and (problems := sum(len(report.problems) for report in reports)):
        raise DataError(f"{path} has {problems} kinds of problem", "mend them, or leave --strict out")


def table(
    folder: str,
    labels: Path | None,
    size: int | tuple[int, int] | None,
    channels: int | None,
    fit: Literal["crop", "pad", "stretch"],
) -> None:
    """Reads a folder's table of attributes as training would, says what that leaves out, and raises what it would raise."""
    from ganvas.data.attributes import attributes
    from ganvas.data.wanted import Wanted

    attributes(folder, Wanted(size, channels, fit, max_bad=1.0), labels=labels)
