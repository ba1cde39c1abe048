"""Row A8: our resizing against Pillow's."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganvas.evaluation.accept.rows import Outcome
from ganvas.metrics.resize import FILTERS, resize

SIZES = [(28, 28, 299, 299), (512, 384, 224, 224), (60, 70, 9, 90), (33, 47, 64, 20)]
"""Height and width, before and after: up, down, and both at once."""
RANDOM_SIZES = 60


def by_pillow(pixels: Tensor, rows: int, columns: int, filter: str, quantised: bool) -> Tensor:  # noqa: A002
    """One picture (C, H, W) uint8 by Pillow, channel by channel in mode "L" or "F"."""
    kind = np.uint8 if quantised else np.float32
    method = Image.Resampling[filter.upper()]
    channels = [Image.fromarray(channel.numpy().astype(kind)).resize((columns, rows), method) for channel in pixels]
    return torch.stack([torch.from_numpy(np.asarray(channel).copy()) for channel in channels])


def equals_pillow(seed: int) -> Outcome:
    """A8: equal to the last bit for every filter, quantised or not, at usual and at random sizes."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [*SIZES, *torch.randint(1, 100, (RANDOM_SIZES, 4), generator=generator).tolist()]
    unequal, tried = [], 0
    for height, width, rows, columns in sizes:
        pixels = torch.randint(0, 256, (1, 3, height, width), generator=generator).to(torch.uint8)
        for name in FILTERS:
            for quantised in (True, False):
                ours = resize(pixels, rows, columns, filter=name, quantised=quantised)[0]
                tried += 1
                if not torch.equal(ours, by_pillow(pixels[0], rows, columns, name, quantised)):
                    unequal.append(f"{name} {height}x{width} to {rows}x{columns}")
    words = f"{tried - len(unequal)} of {tried} equal" + (f" (not {unequal[0]})" if unequal else "")
    return Outcome(not unequal, words, {"tried": tried, "unequal": unequal})
