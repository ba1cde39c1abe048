"""``ganvas apply APP MODEL INPUT -o OUTPUT``: pictures through a trained translator."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import DataError, UsageError


def apply(
    app: Literal["translate", "colourise", "upscale", "restore"],
    model: str,
    source: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    mask: Path | None = None,
    times: Annotated[int | None, Parameter(validator=positive)] = None,
    back: Annotated[bool, Parameter(negative="")] = False,
    tile: Annotated[int | None, Parameter(validator=positive)] = None,
    device: str = "auto",
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Send a picture, or a folder of pictures, through a trained translator. The originals are never overwritten.

    For example:

        ganvas apply translate seasons summer.jpg -o winter.png
        ganvas apply colourise colours album/ -o coloured/
        ganvas apply upscale twice small.png -o large.png
        ganvas apply restore mending torn.png -o mended.png --mask tear.png

    Pictures of any size: large ones are translated in tiles that overlap. They are turned upright by their EXIF orientation,
    16 bits become 8, alpha is kept. A folder keeps its tree, and its results are PNGs.

    Args:
        app: translate: from the source domain to the target domain. colourise: colour for grey pictures, which keep their
            lightness exactly. upscale: larger, with details. restore: damage mended; with --mask nothing else is touched.
        model: a run's name, or the path of a run or model folder.
        source: a picture, or a folder.
        out: a picture file; a folder for a folder.
        mask: restore: a picture, white where the damage is, of the same size; for a folder also a folder of such, named alike.
        times: upscale: how much larger, where the model does not say.
        back: translate: from the target domain to the source domain, for methods that learn both.
        tile: side of the tiles in pixels; by default as memory allows.
        device: auto, cpu, cuda, cuda:1 or mps.
        force: overwrite results that are there.
    """
    from ganvas.apps import APPS, Options
    from ganvas.apps.files import endings_of, performed, planned
    from ganvas.cli import names
    from ganvas.cli.files import claim
    from ganvas.runs import load
    from ganvas.training.precision import choose_device

    chosen = APPS[app]
    if source.is_dir() and out.suffix and not out.is_dir():
        raise UsageError(f"{source} is a folder, {out} is not", "name a folder with --out")
    tasks, problems = planned(chosen, source, out, mask=mask)
    claim(out, endings_of(chosen), force=force)
    loaded = load(names.existing(model)).to(choose_device(device))
    made = []
    for result in chain(problems, performed(chosen, loaded, tasks, Options(times=times, back=back, tile=tile))):
        made.append(result)
        if result.problem:
            output.say(f"left out: {result.task.name}: {result.problem}", "yellow")
        else:
            output.detail(f"{result.task.name} -> {result.task.target}")
    done = [result for result in made if not result.problem]
    if not done:
        raise DataError(f"none of the {len(made)} pictures could be used", f"the first: {made[0].problem}")
    document = {
        "app": app,
        "model": model,
        "out": str(out),
        "made": [{"source": r.task.name, "file": str(r.task.target), "before": r.before, "after": r.after} for r in done],
        "left_out": [{"source": r.task.name, "why": r.problem} for r in made if r.problem],
    }
    (rows, columns), (high, wide) = done[0].before, done[0].after
    size = f"{columns}x{rows}" + ("" if done[0].before == done[0].after else f" -> {wide}x{high}")
    left = f", {len(made) - len(done)} left out" if len(made) > len(done) else ""
    what = f"{done[0].task.target} ({size})" if not source.is_dir() else f"{len(done)} pictures in {out}{left}"
    output.result(document, what)
