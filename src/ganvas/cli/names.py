"""Names of runs: what is a name, where its folder lies, and which name is free."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from ganvas.errors import ModelError, UsageError

RUNS = Path("runs")
"""Runs that are named without a path live here, below the current folder."""

LONGEST = 100
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # as a file name, Windows opens a device
FORBIDDEN = set('<>:"|?*')  # on Windows


def folder_of(run: str) -> Path:
    """The folder of a run that a user names: ``NAME`` is runs/NAME, anything with a separator is a path.

    Raises:
        UsageError: the name is empty, too long, climbs out with "..", or holds characters that some system refuses.
    """
    path = Path(run)
    mend = "use letters, digits, - and _"
    if not run.strip() or path == Path():
        raise UsageError("the run's name is empty", mend)
    if not run.isprintable():
        raise UsageError(f"the run's name {run!a} holds control characters", mend)
    if path == Path(path.anchor):
        raise UsageError(f"{run} is the root of a disk", "name a folder for the run")
    if ".." in path.parts:
        raise UsageError(f"the run's name {run!r} climbs out of its folder", "give a name without .., or an absolute path")
    for part in (
        path.parts[-1:] if path.is_absolute() else path.parts
    ):  # what stands above an absolute path is not ours to judge
        if len(part.encode(errors="surrogateescape")) > LONGEST:
            raise UsageError(f"the run's name is {len(part)} characters long", f"keep it below {LONGEST}")
        if RESERVED.fullmatch(part) or FORBIDDEN & set(part) or part != part.rstrip(". "):
            raise UsageError(f"{part!r} cannot be a folder's name on every system", mend)
    return path if len(path.parts) > 1 or path.is_absolute() else RUNS / path


def existing(run: str) -> Path:
    """The folder of a run or model (or an exported file) that must be there: a path, or a name below runs/.

    Raises:
        ModelError: there is none; names the most similar run.
    """
    named = Path(run)
    if run.isprintable() and (named.is_file() or any((named / own).exists() for own in ("config.json", "model.json"))):
        return named
    folder = folder_of(run)
    if folder.exists():
        return folder
    import difflib

    near = difflib.get_close_matches(folder.name, [path.name for path in all_runs()], n=1)
    raise ModelError(
        f"there is no run or model {run}", f"did you mean {near[0]}?" if near else "`ganvas runs` lists what there is"
    )


def model_of(run: str, *, last: bool) -> Path:
    """Where the model lies that a user means by ``run``: its best, or with ``last`` the last one of a run.

    Raises:
        ModelError: there is no such run or model.
    """
    folder = existing(run)
    return folder / "model" if last and (folder / "config.json").is_file() else folder


def all_runs(root: Path = RUNS) -> list[Path]:
    """The run folders below ``root``, by name."""
    return sorted(path.parent for path in root.glob("*/config.json"))


def free_name(method: str, data: str) -> Path:
    """runs/<method>-<data>-NNN with the first number above all that are taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", f"{method}-{data}".lower()).strip("-")[: LONGEST - 10] or "run"
    return numbered(RUNS, stem)


def free_like(folder: Path) -> Path:
    """A free folder beside ``folder``, named like it with another number."""
    return numbered(folder.parent, re.sub(r"-\d+$", "", folder.name))


def numbered(parent: Path, stem: str) -> Path:
    taken = [int(match[1]) for path in parent.glob("*") if (match := re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name))]
    return parent / f"{stem}-{max(taken, default=0) + 1:03d}"


def spoken(folder: Path) -> str:
    """How a command names the run: its name below runs/, else its path; quoted for a shell where needed."""
    return shlex.quote(folder.name if folder.parent == RUNS else str(folder))
