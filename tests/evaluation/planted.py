"""Runs to be judged: tiny trainings, and scores planted into them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ganvas.data import ArrayData, Data
from ganvas.methods import METHODS
from ganvas.metrics import Score, Stamp
from ganvas.runs import Run, grids
from ganvas.training import train


def pictures(count: int = 96, *, labels: bool = False, name: str = "squares") -> ArrayData:
    """Grey 8x8 pictures: a bright square somewhere on black, its class the half of the picture it is in."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(count, 1, 8, 8, dtype=torch.uint8)
    places = torch.randint(0, 6, (count, 2), generator=generator)
    for image, (top, left) in zip(images, places.tolist(), strict=True):
        image[0, top : top + 3, left : left + 3] = 255
    kinds = (places[:, 1] >= 3).long() if labels else None
    whole = ArrayData(images, kinds, classes=("left", "right") if labels else (), name=name, licence="CC0")
    return whole.split(0.25)


def train_tiny(folder: Path, method: str, data: Data, *, steps: int = 25, seed: int = 0, **settings: Any) -> Path:
    """A run of a few steps, with the pictures that the command line would draw."""
    torch.manual_seed(seed)
    kind = METHODS[method]
    settings = {"width": 4, "batch_size": 16, "latent_size": 4} | settings
    run = Run(folder, seed=seed)
    for progress in train(kind(kind.Config(**settings), data.spec), data, run, steps=steps, log_steps=5, device="cpu"):
        if progress.done:
            latent = torch.randn(16, settings["latent_size"])
            label = torch.arange(16) % len(data.spec.classes) if kind.conditional else None
            samples = progress.sample(latent, label)
            grids.save_grid(folder / "samples" / f"step-{progress.step:09d}.png", samples)
            grids.append_to_strip(folder / "samples" / "progress.png", samples, progress.step)
    return folder


def score(value: float, *, error: float | None = 0.01, name: str = "kid", **stamp: Any) -> Score:
    """A score as training would take it."""
    fields = {"features": "lenet, 84-d", "weights": "a" * 64, "resizer": "none", "real": 500, "generated": 500}
    whole = Stamp(**{**fields, "split": "test", "seed": 2, "data": "d" * 64, **stamp})
    return Score(name, value, whole, standard_error=error)


def plant_scores(folder: Path, values: Sequence[float], *, floor: float | None = None, **how: Any) -> None:
    """Scores over training, and the best marked."""
    run = Run(folder)
    last = run.stats()[-1]
    moments = [round(last["step"] * n / (len(values) - 1)) if len(values) > 1 else last["step"] for n in range(len(values))]
    for step, value in zip(moments, values, strict=True):
        share = step / last["step"]
        record = {"step": step, "images": round(last["images"] * share), "seconds": last["seconds"] * share}
        run.log_score({**record, "score": score(value, **how).to_json(), "floor": floor})
    best = min(range(len(values)), key=lambda n: values[n])
    run.mark_best(moments[best], score(values[best], **how).to_json())
