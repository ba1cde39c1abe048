"""Pictures of a run inside its report: progress strip, grids, and the training pictures nearest to samples."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ganvas.data import Data
from ganvas.errors import GanvasError
from ganvas.evaluation.report.page import Child, Html, element
from ganvas.metrics.neighbours import nearest
from ganvas.runs import Model, grids

BUDGET = 550_000
"""Bytes of one picture before base64: a report holds at most four, and stays below 3 MB."""
CLOSEST, YARDSTICK = 8, 64
"""Samples whose nearest training picture is shown, and held-out pictures that say how near is usual."""
MOST_VALUES = 50_000_000
"""Training values that are held as float32 at once: MNIST's 60,000 pictures, or a random part of larger data."""
ROWS = 4096


class Neighbours(NamedTuple):
    """Samples (K, C, H, W), their nearest training pictures, and distances (K,); ``usual`` is that of held-out pictures."""

    samples: Tensor
    found: Tensor
    distances: Tensor
    searched: int
    usual: float | None


def figure(picture: Image.Image, alt: str, *caption: Child) -> Html:
    """A picture inside the page."""
    kind, data = encoded(picture)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    image = element("img", src=source, alt=alt, width=picture.width, height=picture.height)
    return element("figure", image, element("figcaption", *caption))


def encoded(picture: Image.Image, budget: int = BUDGET) -> tuple[str, bytes]:
    """The picture as a PNG or, where that takes more than ``budget`` bytes, as a JPEG, smaller until it fits."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    kind = "png"
    while buffer.tell() > budget:
        if kind == "jpeg":
            picture = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.BOX)
        kind, buffer = "jpeg", io.BytesIO()
        picture.convert("RGB").save(buffer, "JPEG", quality=85)
    return kind, buffer.getvalue()


def read_picture(path: Path) -> Image.Image | None:
    """A PNG of the run folder; None when it is missing or damaged."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.load()
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def drawn(samples: Tensor, data: Data | None) -> Image.Image:
    """A grid of pictures, or a cloud of points over the data."""
    if samples.dim() == 4:
        return grids.grid(samples)
    return grids.scatter(samples, None if data is None else data.real(len(samples)).image)


def sampled(model: Model) -> Tensor:
    """64 pictures or 1,000 points of seed 0: those that ``ganvas sample --seed 0`` draws."""
    return model.sample(64 if model.spec.is_image else 1000, seed=0)


def neighbours(samples: Tensor, data: Data) -> Neighbours | None:
    """The training pictures that are nearest to the first samples, by Euclidean distance of raw pixels.

    Args:
        samples: pictures (N, C, H, W) in [-1, 1].
        data: what the run was trained on; None is returned when it is endless.
    """
    own = samples[:CLOSEST]
    count = min(len(data), max(ROWS, MOST_VALUES // own[0].numel()))
    if not count:
        return None
    training = data.real(count).image
    try:
        unseen = data.held_out().real(YARDSTICK).image
    except GanvasError:  # no part of it was held out
        unseen = own[:0]
    asked = torch.cat([own, unseen]).flatten(1).double()
    distance, index = torch.full((len(asked),), torch.inf, dtype=torch.float64), torch.zeros(len(asked), dtype=torch.int64)
    for start in range(0, count, ROWS):
        near, where = nearest(asked, training[start : start + ROWS].flatten(1).double())
        closer = near[:, 0] < distance
        distance[closer], index[closer] = near[closer, 0], where[closer, 0] + start
    usual = float(distance[len(own) :].median()) if len(unseen) else None
    return Neighbours(own, training[index[: len(own)]], distance[: len(own)], count, usual)
