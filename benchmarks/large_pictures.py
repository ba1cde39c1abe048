"""A 30-megapixel picture through every app where 2 GiB are free: peak memory and seconds, each in a process of its own.

python benchmarks/large_pictures.py [APP ...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from ganvas.apps import APPS, Options
from ganvas.apps.files import performed, planned
from ganvas.data.batches import Spec
from ganvas.methods import METHODS
from ganvas.runs import Model, load
from ganvas.runs.model import own_tensors, write_model

ROWS, COLUMNS = 5000, 6000
FREE = 2 << 30
AGES = ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")
PAIR = Spec((3, 64, 64), source=(3, 64, 64), paired=True)
WORK: dict[str, tuple[str, Spec, dict[str, Any], Options]] = {
    "translate": ("pix2pix", PAIR, {"width": 16}, Options()),
    "translate by cyclegan": ("cyclegan", Spec((3, 64, 64), source=(3, 64, 64)), {"width": 8, "blocks": 2}, Options()),
    "translate by stargan": ("stargan", Spec((3, 64, 64), AGES), {"width": 8, "blocks": 2}, Options(to="60+")),
    "colourise": ("pix2pix", Spec((3, 64, 64), source=(1, 64, 64), paired=True), {"width": 16}, Options()),
    "upscale": ("pix2pix", Spec((3, 64, 64), source=(3, 32, 32), paired=True), {"width": 8, "blocks": 2}, Options()),
    "restore": ("pix2pix", PAIR, {"width": 16}, Options()),
    "edit": ("stargan", Spec((3, 64, 64), attributes=(("smile",), ("glasses",))), {"width": 16}, Options(settings="smile")),
    "age": ("stargan", Spec((3, 64, 64), AGES), {"width": 16}, Options(to="60+")),
}
"""Row, method, what it learnt from, settings, what is asked for. Narrow networks: memory for a wide one's maps is a tile's."""


def model_of(method: str, spec: Spec, settings: dict[str, Any], folder: Path) -> Model:
    """An untrained model."""
    torch.manual_seed(0)
    kind = METHODS[method]
    made = kind(kind.Config(**settings), spec)
    return load(write_model(folder / "model", made, {k: v.clone() for k, v in own_tensors(made).items()}, {"step": 0}))


def draw(path: Path) -> None:
    """A soft picture of 30 megapixels."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.uint16)
    Image.fromarray(np.stack([x // 24, y // 20, (x + y) // 44], -1).astype(np.uint8)).save(path, quality=90)


def measure(row: str, picture: Path) -> None:
    """Prints what one row took."""
    method, spec, settings, options = WORK[row]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model, app = model_of(method, spec, settings, folder), APPS[row.split()[0]]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        tasks, _ = planned(app, picture, folder / "out.png")
        start = time.perf_counter()
        with patch("ganvas.runs.memory.psutil.virtual_memory") as memory:
            memory.return_value.available = FREE
            (made,) = performed(app, model, tasks, options)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = f"{made.after[1]}x{made.after[0]}"
        print(
            f"{row:22} {size:12} peak {peak:6.0f} MiB ({before:.0f} before it) {seconds:6.1f} s",
            flush=True,
        )


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--draw"]:
        draw(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "in.jpg"
        # In a process of its own: on Linux one begins with the peak of the process that started it.
        subprocess.run([sys.executable, __file__, "--draw", str(picture)], check=True)
        for row in WORK:
            if not sys.argv[1:] or row.split()[0] in sys.argv[1:]:
                subprocess.run([sys.executable, __file__, "--one", row, str(picture)], check=True)


if __name__ == "__main__":
    main()
