"""``ganvas data list|fetch|check``: what there is to learn from, and whether a folder is fit for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ganvas.cli.output import NORMAL, Speaking, printable

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
    labels: Path | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Examine a folder of pictures: corrupt, tiny, duplicate, odd-sized and mislabelled files, and what is done about each.

    For example:

        ganvas data check photos/
        ganvas data check photos/ --labels labels.csv --json

    Args:
        path: the folder.
        labels: a CSV file of file name and label.
        strict: end with exit code 3 when anything was found.
    """
    from ganvas.data import check as examine
    from ganvas.errors import DataError

    report = examine(path, labels=labels) if labels is not None else examine(path)
    output.result(report.to_json(), printable(str(report)))
    if strict and report.findings:
        raise DataError(f"{path} has {len(report.findings)} kinds of problem", "mend them, or train without --strict")
