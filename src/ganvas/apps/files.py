"""An app over picture files: one picture, or a folder of them with its tree; originals are never touched."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.apps import App, Options
from ganvas.apps.animations import ANIMATIONS, animated
from ganvas.apps.asked import recognised
from ganvas.apps.colourise import luma
from ganvas.apps.films import ENDINGS as FILMS
from ganvas.apps.films import VIDEOS, Film, is_film, through_film
from ganvas.apps.photographs import ENDINGS, LOSSLESS, Photograph, read, write
from ganvas.apps.upscale import enlarged
from ganvas.data.listing import listing
from ganvas.errors import DataError, ResourceError, UsageError
from ganvas.runs import Model
from ganvas.runs.memory import free_bytes

TELL_SECONDS = 10.0
"""How often it is said how far a film is."""
COPIES = 3
"""Of the result's bytes that are in memory while it is made and written."""


class Task(NamedTuple):
    """A picture to be made, or a film: ``name`` says which (its place below a folder), ``mask`` is a file or None."""

    name: str
    source: Path
    target: Path
    mask: Path | None = None
    film: bool = False


class Made(NamedTuple):
    """A task's end: the sizes (rows, columns) before and after, or in ``problem`` why nothing was made; of films the frames."""

    task: Task
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    problem: str = ""
    frames: int = 0
    remark: str = ""


def endings_of(app: App) -> set[str]:
    """The endings that an app's results may have: of pictures those without loss where it promises exact pixels."""
    return ({*LOSSLESS, ".webp"} if app.exact else ENDINGS) | FILMS


def planned(app: App, source: Path, out: Path, *, mask: Path | None = None) -> tuple[list[Task], list[Made]]:
    """What is to be done, and what of a folder cannot be, with the reason.

    A folder's pictures are named as before, but end in .png, under ``out``; a single picture takes the name ``out``, or its
    own with .png in the folder ``out``. A folder's masks are a folder of pictures of the same names, or one picture for all.

    Raises:
        UsageError: the output is the original or lies among the originals, or a film shall become a picture or the reverse.
        DataError: there is no such picture or folder, or no picture in it.
    """
    if mask is not None and not mask.exists():
        raise DataError(f"there is no mask {mask}", "name a picture, or a folder of pictures with the same names")
    if not source.is_dir():
        if not source.exists():
            raise DataError(f"there is no picture {source}", "name a picture or a folder of pictures")
        film = is_film(source)
        target = out / f"{source.stem}{ending_for(source, film, app)}" if out.suffix == "" or out.is_dir() else out
        if target.suffix.lower() in ENDINGS - ANIMATIONS and animated(source):
            film = False  # its first frame
        if film != (target.suffix.lower() in FILMS) and target.suffix.lower() != ".webp":
            what, other = ("a film", "a picture") if film else ("a picture", "a film")
            endings = sorted(FILMS if film else endings_of(app) - FILMS)
            raise UsageError(f"{source} is {what}, {target} would be {other}", f"end its name in {', '.join(endings)}")
        if target.exists() and target.samefile(source):
            raise UsageError(f"{target} is the original, which is never overwritten", "name another output")
        if mask is not None and mask.is_dir():
            mask = counterparts(mask).get(source.stem)
        return [Task(source.name, source, target, mask, film)], []
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


def ending_for(source: Path, film: bool, app: App) -> str:
    """What a result is called in a folder: pictures are PNGs, animations stay what they are, videos are as good as promised."""
    if not film:
        return ".png"
    ending = source.suffix.lower()
    if ending not in VIDEOS:
        return ending if ending in ANIMATIONS else ".webp"
    return ".mkv" if app.exact else ".mp4"


def counterparts(folder: Path) -> dict[str, Path]:
    """A folder's pictures by their names without endings."""
    return {str(PurePosixPath(picture.name).with_suffix("")): picture.path for picture in listing(folder).pictures}


def performed(
    app: App, model: Model, tasks: Sequence[Task], options: Options, report: Callable[[str], None] = lambda words: None
) -> Iterator[Made]:
    """Does the tasks one by one and yields each as it ends; a picture that cannot be read or has no fitting mask is told, and
    the others go on. ``report`` is told how far a film is.

    Raises:
        UsageError: the app has no use for the model or an option. ResourceError: memory or disk will not do.
    """
    for task in tasks:
        own = options._replace(mask=None if task.mask is None else read(task.mask, 1).pixels)
        channels = app.channels(model, own)
        if task.film:
            film = filmed(app, model, task, own, channels, report)
            yield Made(task, film.before, film.after, frames=film.frames, remark=film.remark)
            continue
        try:
            photograph = read(task.source, channels)
            refuse_other_mask(own.mask, photograph.pixels)
        except DataError as error:
            if len(tasks) == 1:
                raise
            yield Made(task, problem=error.cause)
            continue
        result = result_of(app, model, photograph, own)
        write(task.target, result)
        before, after = (side.pixels.shape[1:] for side in (photograph, result))
        yield Made(task, (before[0], before[1]), (after[0], after[1]))


def refuse_other_mask(mask: Tensor | None, pixels: Tensor) -> None:
    """Raises DataError unless the mask has the picture's size."""
    if mask is not None and mask.shape[1:] != pixels.shape[1:]:
        sizes = [f"{side.shape[2]}x{side.shape[1]}" for side in (mask, pixels)]
        raise DataError(f"the mask is {sizes[0]}, the picture {sizes[1]}", "give a mask of the picture's size")


def filmed(app: App, model: Model, task: Task, options: Options, channels: int, report: Callable[[str], None]) -> Film:
    """A film through the app. What the model takes its first frame for, it takes all of them for: nothing flickers.

    Raises:
        DataError: it cannot be decoded, or has no frames, or a mask of another size.
    """
    count, told, own = 0, time.monotonic(), options

    def make(pixels: Tensor) -> Tensor:
        nonlocal count, told, own
        shown = luma(pixels) if channels == 1 else pixels
        shown = torch.cat([pixels, torch.full_like(pixels[:1], 255)]) if channels == 4 else shown
        refuse_other_mask(own.mask, shown)
        if model.method.conditional and own.own is None:
            own = own._replace(own=recognised(model, shown))
        result = result_of(app, model, Photograph(shown), own).pixels
        count += 1
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            report(f"{task.name}: {count} frames")
        return result

    return through_film(task.source, task.target, make, exact=app.exact)


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
