"""The default recipe beside fixed ones: each set, the same minutes, how far the samples end from real pictures.

python benchmarks/auto.py --minutes 10
python benchmarks/auto.py --minutes 3 --threads 1 --sets emoji folder --recipes auto dcgan

On an idle machine, since auto measures its speed. Digits and clothing are judged by the Frechet distance on LeNet features over
that of other real pictures (10,000 samples against 10,000); coloured pictures by KID on EfficientNet features, 400 samples:
its bias does not depend on the count. Scoring takes none of the training's time. The fixed recipes are those of row F5.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ganvas.data import Data, faces, fashion_mnist, mnist, open_source
from ganvas.data.emoji import emoji
from ganvas.evaluation.accept.rivals import SETTINGS
from ganvas.evaluation.accept.trial import draw
from ganvas.evaluation.evaluate import evaluate
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.auto import recipe_for
from ganvas.training.budget import Budget

FEW = 300
FIXED = SETTINGS


def few_pictures() -> Data:
    """A folder of 300 faces, read as anybody's folder is."""
    folder = Path(tempfile.mkdtemp(prefix="ganvas-few-"))
    for number, picture in enumerate(faces(size=64).real(FEW, seed=1).image):
        pixels = ((picture + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return open_source(str(folder), size=64)


SETS: dict[str, Callable[[], Data]] = {
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "faces": lambda: faces(size=64),
    "emoji": lambda: emoji(size=64),
    "folder": few_pictures,
}
JUDGED_AGAINST: dict[str, Callable[[], Data]] = {"folder": lambda: faces(size=64)}
"""Where the set itself holds out too few."""


def trained(key: str, recipe: str, minutes: float, seed: int) -> dict[str, Any]:
    """One training, its samples kept as a sheet, and their score."""
    data = SETS[key]()
    method, settings = recipe, FIXED.get(recipe, {})
    if recipe == "auto":
        chosen = recipe_for(data, Budget(minutes=minutes))
        method, settings = chosen.method, chosen.settings
        print("\n".join(chosen.why), flush=True)
    torch.manual_seed(seed)
    game = METHODS[method](METHODS[method].Config(**settings), data.spec)
    busy = time.process_time()
    with tempfile.TemporaryDirectory(prefix="ganvas-auto-") as folder:
        run = Run(Path(folder) / "run", seed=seed, keep=1)
        (progress,) = deque(train(game, data, run, minutes=minutes, save_seconds=1e6), maxlen=1)
        busy = time.process_time() - busy
        grey = data.spec.shape[0] == 1
        samples = draw(progress, 10_000 if grey else 400, seed + 1)
    real = JUDGED_AGAINST.get(key, lambda: data)()
    metric, features = ("frechet", "lenet") if grey else ("kid", "efficientnet")
    judged = evaluate(samples, [metric], against=real, features=features, count=len(samples), seed=seed)
    score = judged[metric]
    value = score.value / judged.floors[metric].value if grey else score.value
    sheet(samples[:64], key, recipe)
    return {
        "set": key, "recipe": recipe, "method": method, "score": value, "error": None if grey else score.standard_error,
        "step": progress.step, "images": progress.images, "processor_seconds": round(busy), "minutes": minutes, "seed": seed,
        "settings": settings, "stamp": score.stamp.to_json(),
    }  # fmt: skip


OUT = Path("auto-sheets")


def sheet(samples: torch.Tensor, key: str, recipe: str) -> None:
    """64 samples as one PNG."""
    OUT.mkdir(exist_ok=True)
    _, channels, rows, columns = samples.shape
    grid = samples.view(8, 8, channels, rows, columns).permute(0, 3, 1, 4, 2).reshape(8 * rows, 8 * columns, channels)
    pixels = ((grid + 1) * 127.5).round().byte().numpy()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(OUT / f"{key}-{recipe}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--recipes", nargs="+", choices=["auto", *FIXED], default=["auto", *FIXED])
    parser.add_argument("--json", type=Path, help="append a record a line")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    for key in arguments.sets:
        for recipe in arguments.recipes:
            found = trained(key, recipe, arguments.minutes, arguments.seed)
            error = "" if found["error"] is None else f" +- {found['error']:.4f}"
            print(
                f"{key} {recipe}: {found['score']:.4g}{error} at step {found['step']:,}, {found['images']:,} pictures",
                flush=True,
            )
            if arguments.json:
                with arguments.json.open("a") as file:
                    file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
