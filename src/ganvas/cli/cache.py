"""``ganvas cache list|clear``: what was fetched and made, and how much room it takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

app = App(name="cache", help="Show or clear what ganvas keeps of downloads and decoded pictures.")


def entries(folder: Path) -> dict[str, int]:
    """The top entries of the cache with their size in bytes."""
    if not folder.is_dir():
        return {}
    return {entry.name: size_of(entry) for entry in sorted(folder.iterdir())}


def size_of(entry: Path) -> int:
    if entry.is_symlink() or entry.is_file():
        return entry.lstat().st_size
    return sum(file.lstat().st_size for file in entry.rglob("*") if file.is_file() and not file.is_symlink())


@app.command(name="list")
def show(*, output: Speaking = NORMAL) -> None:
    """List what the cache holds.

    For example:

        ganvas cache list
        GANVAS_CACHE=/data/ganvas ganvas cache list
    """
    from ganvas.data import cache_dir

    folder, held = cache_dir(), entries(cache_dir())
    total = sum(held.values())
    lines = [f"{folder}: {total / 1e6:,.1f} MB", *(f"  {size / 1e6:10,.1f} MB  {name}" for name, size in held.items())]
    output.result({"folder": str(folder), "entries": held, "bytes": total}, "\n".join(lines))


@app.command
def clear(
    name: str | None = None, /, *, yes: Annotated[bool, Parameter(alias="-y", negative="")] = False, output: Speaking = NORMAL
) -> None:
    """Delete what the cache holds; it is fetched again when needed.

    For example:

        ganvas cache clear            all of it, after a question
        ganvas cache clear mnist -y   one entry, without

    Args:
        name: one entry of `ganvas cache list`; all of them by default.
        yes: do not ask.
    """
    from ganvas.data import cache_dir

    folder, held = cache_dir(), entries(cache_dir())
    if name is not None and name not in held:
        raise UsageError(f"the cache has no entry {name!r}", "`ganvas cache list` shows them")
    chosen = held if name is None else {name: held[name]}
    size = f"{sum(chosen.values()) / 1e6:,.1f} MB"
    if chosen and not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{size} would be deleted from {folder}", "pass --yes to do it")
        output.messages.print(f"delete {size} ({', '.join(chosen)}) from {folder}? [y/N] ", end="")
        if input().strip().lower() not in {"y", "yes"}:
            output.result({"folder": str(folder), "deleted": [], "bytes": 0}, "nothing deleted")
            return
    import shutil

    for entry in chosen:
        path = folder / entry
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    document = {"folder": str(folder), "deleted": list(chosen), "bytes": sum(chosen.values())}
    output.result(document, f"deleted {size} from {folder}")
