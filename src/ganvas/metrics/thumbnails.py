"""Small rows for pictures, in which copies are looked for: through noise, compression and a shift of a pixel."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganvas.data import ArrayData, Data
from ganvas.data.dataset import SUBSET, permutation, to_float

THUMBNAIL = 14
"""Side to which pictures are averaged."""


def thumbnails(data: Data, seed: int) -> Tensor:
    """All samples of a set as rows (N, d) in random order, pictures averaged to a small size; never all in full at once."""
    if not isinstance(data, ArrayData):
        return thumbnail(data.real(len(data), seed).image)
    rows = torch.arange(len(data.images)) if data.rows is None else data.rows
    rows = rows[permutation(len(rows), seed, SUBSET, 2)]
    return torch.cat([thumbnail(to_float(data.images[part])) for part in rows.split(1000)])


def thumbnail(image: Tensor) -> Tensor:
    """Pictures (N, C, H, W) as rows of at most C * 14 * 14 values; points as they are."""
    if image.dim() != 4:
        return image
    side = (min(THUMBNAIL, image.shape[2]), min(THUMBNAIL, image.shape[3]))
    return torch.cat([adaptive_avg_pool2d(batch, side).flatten(1) for batch in image.split(1000)])
