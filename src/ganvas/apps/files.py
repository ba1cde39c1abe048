"""An app over picture files: one picture, or a folder of them with its tree; originals are never touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from torch import Tensor

from ganvas.apps import App, Options
from ganvas.apps.photographs import ENDINGS, LOSSLESS, Photograph, read, write
from ganvas.apps.upscale import enlarged
from ganvas.data.listing import listing
from ganvas.errors import DataError, ResourceError, UsageError
from ganvas.runs import Model
from ganvas.runs.memory import free_bytes

VIDEO = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"}
COPIES = 3
"""Of the result's bytes that are in memory while it is made and written."""


class Task(NamedTuple):
    """A picture to be made: ``name`` says which (its place below a folder), ``mask`` is a file or None."""

    name: str
    source: Path
    target: Path
    mask: Path | None = None


class Made(NamedTuple):
    """A task's end: the sizes (rows, columns) before and after, or in ``problem`` why nothing was made."""

    task: Task
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    problem: str = ""


def endings_of(app: App) -> set[str]:
    """The endings that an app's results may have: those without loss where it promises exact pixels."""
    return {*LOSSLESS, ".webp"} if app.exact else ENDINGS


def planned(app: App, source: Path, out: Path, *, mask: Path | None = None) -> tuple[list[Task], list[Made]]:
    """What is to be done, and what of a folder cannot be, with the reason.

    A folder's pictures are named as before, but end in .png, under ``out``; a single picture takes the name ``out``, or its
    own with .png in the folder ``out``. A folder's masks are a folder of pictures of the same names, or one picture for all.

    Raises:
        UsageError: the output is the original or lies among the originals, or the input is a video.
        DataError: there is no such picture or folder, or no picture in it.
    """
    if source.suffix.lower() in VIDEO and not source.is_dir():
        raise UsageError(
            f"{source} is a video, which needs a decoder that Ganvas does not bring",
            "split it into pictures, name their folder",
        )
    if mask is not None and not mask.exists():
        raise DataError(f"there is no mask {mask}", "name a picture, or a folder of pictures with the same names")
    if not source.is_dir():
        if not source.exists():
            raise DataError(f"there is no picture {source}", "name a picture or a folder of pictures")
        target = out / f"{source.stem}.png" if out.suffix == "" or out.is_dir() else out
        if target.exists() and target.samefile(source):
            raise UsageError(f"{target} is the original, which is never overwritten", "name another output")
        if mask is not None and mask.is_dir():
            mask = counterparts(mask).get(source.stem)
        return [Task(source.name, source, target, mask)], []
    inside, outside = source.resolve(), out.resolve()
    if outside.is_relative_to(inside):
        raise UsageError(f"{out} lies in the folder of the originals", "name a folder beside it")
    found = listing(source)
    stems = Counter(str(PurePosixPath(picture.name).with_suffix("")) for picture in found.pictures)
    masks = counterparts(mask) if mask is not None and mask.is_dir() else None
    tasks, problems = [], [Made(Task(name, source / name, out), problem=reason) for name, reason in found.skipped]
    for picture in found.pictures:
        stem = str(PurePosixPath(picture.name).with_suffix(""))
        target = out / f"{stem if stems[stem] == 1 else picture.name}.png"  # a.jpg and a.png become a.jpg.png and a.png.png
        task = Task(picture.name, picture.path, target, mask if masks is None else masks.get(stem))
        if masks is not None and task.mask is None:
            problems.append(Made(task, problem=f"there is no mask of its name in {mask}"))
        else:
            tasks.append(task)
    return tasks, problems


def counterparts(folder: Path) -> dict[str, Path]:
    """A folder's pictures by their names without endings."""
    return {str(PurePosixPath(picture.name).with_suffix("")): picture.path for picture in listing(folder).pictures}


def performed(app: App, model: Model, tasks: Sequence[Task], options: Options) -> Iterator[Made]:
    """Does the tasks one by one and yields each as it ends; a picture that cannot be read or has no fitting mask is told, and
    the others go on.

    Raises:
        UsageError: the app has no use for the model or an option. ResourceError: memory or disk will not do.
    """
    for task in tasks:
        own = options._replace(mask=None if task.mask is None else read(task.mask, 1).pixels)
        channels = app.channels(model, own)
        try:
            photograph = read(task.source, channels)
            if own.mask is not None and own.mask.shape[1:] != photograph.pixels.shape[1:]:
                sizes = [f"{side.shape[2]}x{side.shape[1]}" for side in (own.mask, photograph.pixels)]
                raise DataError(f"the mask is {sizes[0]}, the picture {sizes[1]}", "give a mask of the picture's size")
        except DataError as error:
            if len(tasks) == 1:
                raise
            yield Made(task, problem=error.cause)
            continue
        result = result_of(app, model, photograph, own)
        write(task.target, result)
        before, after = (side.pixels.shape[1:] for side in (photograph, result))
        yield Made(task, (before[0], before[1]), (after[0], after[1]))


def result_of(app: App, model: Model, photograph: Photograph, options: Options) -> Photograph:
    """What the app makes of one picture; its alpha and its colour profile are kept where they still fit.

    Raises:
        ResourceError: the result would not fit into memory.
    """
    source, target = model.spec.source, model.spec.shape
    times = (options.times or 1) * (target[1] // source[1] if source else 1)
    needed = photograph.pixels[0].numel() * times**2 * max(target[0], 3) * COPIES
    free = free_bytes(model.device) if model.device.type == "cpu" else needed
    if needed > free:
        raise ResourceError(
            f"the result needs {needed / 2**30:.1f} GiB, {free / 2**30:.1f} are free", "make the picture smaller"
        )
    pixels = app.apply(model, photograph.pixels, options)
    alpha = None if photograph.alpha is None or len(pixels) == 4 else fitted(photograph.alpha, pixels)
    profile = photograph.profile if len(pixels) == len(photograph.pixels) else None
    return Photograph(pixels, alpha, profile)


def fitted(alpha: Tensor, pixels: Tensor) -> Tensor:
    """The alpha at the size of the pixels that were made."""
    times = pixels.shape[1] // alpha.shape[1]
    return enlarged(alpha, times)
