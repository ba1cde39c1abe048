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
    app: Literal["translate", "colourise", "upscale", "restore", "edit", "age"],
    model: str,
    source: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    mask: Path | None = None,
    times: Annotated[int | None, Parameter(validator=positive)] = None,
    back: Annotated[bool, Parameter(negative="")] = False,
    to: str | None = None,
    settings: Annotated[str | None, Parameter(name="--set")] = None,
    strength: float | None = None,
    tile: Annotated[int | None, Parameter(validator=positive)] = None,
    device: str = "auto",
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Send a picture, a folder of pictures, or a film through a trained translator. The originals are never overwritten.

    For example:

        ganvas apply translate seasons summer.jpg -o winter.png
        ganvas apply colourise colours album/ -o coloured/
        ganvas apply upscale twice small.png -o large.png
        ganvas apply restore mending torn.png -o mended.png --mask tear.png
        ganvas apply edit faces me.jpg -o smiling.png --set smile,glasses=0 --strength 0.7
        ganvas apply age faces me.jpg -o older.png --to 60+
        ganvas apply colourise colours old.mp4 -o coloured.mp4

    Pictures of any size: large ones are translated in tiles that overlap. They are turned upright by their EXIF orientation,
    16 bits become 8, alpha is kept. A folder keeps its tree, and its results are PNGs. Films (needs ganvas[video]; animated GIF
    and WebP need nothing) go frame by frame and keep their sound.

    Args:
        app: translate: from the source domain to the target domain. colourise: colour for grey pictures, which keep their
            lightness exactly. upscale: larger, with details. restore: damage mended; with --mask nothing else is touched.
            edit: expressions and attributes. age: a face at another age. `ganvas train APP --data FOLDER` trains a model.
        model: a run's name, or the path of a run or model folder.
        source: a picture, a folder, a video, or an animated GIF or WebP.
        out: a picture file, a video (.mp4, .mkv, .mov, .webm), a .gif or .webp; a folder for a folder.
        mask: restore: a picture, white where the damage is, of the same size; for a folder also a folder of such, named alike.
        times: upscale: how much larger, where the model does not say.
        back: translate: from the target domain to the source domain, for methods that learn both.
        to: translate, edit: the class that it is to become. age: a range, 0-18, 19-29, 30-39, 40-49, 50-59 or 60+, or years.
        settings: edit, translate: attributes by name with 1 (with) to 0 (without), joined by commas; a name alone is 1.
        strength: edit, age: how far the picture goes there, 0 to 1; 1 unless said.
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
    options = Options(times=times, back=back, to=to, settings=settings, strength=strength, tile=tile)
    made = []
    for result in chain(problems, performed(chosen, loaded, tasks, options, output.say)):
        made.append(result)
        if result.remark:
            output.say(f"{result.task.name}: {result.remark}", "yellow")
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
        "made": [
            {"source": r.task.name, "file": str(r.task.target), "before": r.before, "after": r.after}
            | ({"frames": r.frames} if r.frames else {})
            for r in done
        ],
        "left_out": [{"source": r.task.name, "why": r.problem} for r in made if r.problem],
    }
    (rows, columns), (high, wide) = done[0].before, done[0].after
    size = (f"{done[0].frames} frames, " if done[0].frames else "") + f"{columns}x{rows}"
    size += "" if done[0].before == done[0].after else f" -> {wide}x{high}"
    left = f", {len(made) - len(done)} left out" if len(made) > len(done) else ""
    what = f"{done[0].task.target} ({size})" if not source.is_dir() else f"{len(done)} pictures in {out}{left}"
    output.result(document, what)
