"""E3: faces of surprised people with a GAN at 28 x 28 x 3. Grids from iteration 420 to 65,600."""

from __future__ import annotations

from pathlib import Path

from ganvas.data import ArrayData, folder
from ganvas.data.faces import faces
from ganvas.errors import DataError
from ganvas.examples.pictures import Story, tell
from ganvas.examples.registry import Report, Result, unheard
from ganvas.examples.scores import thumbnail_scores
from ganvas.methods import GANConfig

ITERATIONS = (420, 19_024, 46_576, 51_168, 60_352, 65_600)
"""After the first, these are whole epochs of 656 batches: 29, 71, 78, 92 and 100 of them."""
FAST = tuple(iteration // 30 for iteration in ITERATIONS)
CONFIG = GANConfig(batch_size=32)
PICTURES, FAST_PICTURES = 656 * CONFIG.batch_size, 2_048
SIDE = 28


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Trains the GAN on drawn faces of surprised people, or on the pictures in the folder ``data``."""
    pictures = open_faces(data, FAST_PICTURES if fast else PICTURES, report)
    iterations = FAST if fast else ITERATIONS
    what = "faces of surprised people" if data is None else f"the pictures in {data.name}"
    name = "surprised-faces" if data is None else f"faces-{data.name}"
    story = Story(
        name=f"{name}-fast" if fast else name,
        title=f"A GAN learns {what}" + (f" (fast: {iterations[-1]} of {ITERATIONS[-1]:,} iterations)" if fast else ""),
        subtitle=f"The thesis's reference pair at 28x28x3 on {len(pictures):,} pictures, batches of {CONFIG.batch_size}",
        method="gan",
        config=CONFIG,
        data=pictures,
        iterations=iterations,
        labels=[f"iteration {iteration:,}" for iteration in iterations],
        scores=lambda data, count, seed: thumbnail_scores(data, count=count, seed=seed),
        columns=4,
    )
    return tell(story, out, fast=fast, seed=seed, report=report)


def open_faces(path: Path | None, count: int, report: Report) -> ArrayData:
    """At least ``count`` drawn faces of surprised people to train on, or a folder of pictures, at 28 x 28 x 3.

    Raises:
        DataError: the folder holds too few pictures for two batches.
    """
    if path is not None:
        pictures = folder(path, size=SIDE, channels=3)
        if len(pictures) < 2 * CONFIG.batch_size:
            raise DataError(f"{path} has {len(pictures)} pictures", f"this example needs {2 * CONFIG.batch_size} or more")
        return pictures
    total = -(-count * 10 // 9)  # a tenth of them is held out
    report(f"drawing {total:,} faces (once, they are kept in the cache)")
    return faces("surprised", count=total, size=SIDE)
