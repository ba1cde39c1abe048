"""The training pictures that are nearest to samples: whether a generator invents, or remembers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.data import ArrayData, Data, open_source
from ganvas.data.dataset import to_float
from ganvas.data.folder import reshaped
from ganvas.data.wanted import Wanted
from ganvas.errors import UsageError
from ganvas.metrics.neighbours import nearest
from ganvas.metrics.networks import FeatureNetwork
from ganvas.metrics.networks.raw import Raw
from ganvas.runs import Model

BLOCK = 500
"""Training pictures that are looked at together."""
USUAL = 100
"""Held-out pictures that say how near is usual."""


@dataclass(frozen=True)
class Neighbours:
    """What was found.

    Args:
        pictures: the nearest training pictures (N, k, C, H, W) in [-1, 1], nearest first.
        distance: to each of them, (N, k), between features.
        index: which rows of the training set they are, (N, k).
        usual: the median distance of held-out pictures to their nearest; None where there are too few of them.
        searched: how many training pictures there are.
        measure: between what the distances are, in words.
    """

    pictures: Tensor
    distance: Tensor
    index: Tensor
    usual: float | None
    searched: int
    measure: str

    @property
    def nearer_than_usual(self) -> float | None:
        """The share of samples that lie nearer to a training picture than half of the held-out ones do: 1/2 is no sign."""
        return None if self.usual is None else float((self.distance[:, 0] < self.usual).double().mean())


def neighbours(samples: Tensor, data: ArrayData, *, k: int = 3, network: FeatureNetwork | None = None) -> Neighbours:
    """Finds the ``k`` training pictures nearest to each of ``samples`` (N, C, H, W), by Euclidean distance.

    Args:
        data: pictures of the samples' shape; all of it is searched, and its held-out part says how near is usual.
        network: of whose features; None compares pixels, to which a shifted copy is far away.

    Raises:
        UsageError: pictures of another shape, or fewer than ``k``.
    """
    if tuple(samples.shape[1:]) != data.spec.shape:
        raise UsageError(f"samples of {tuple(samples.shape[1:])} and pictures of {data.spec.shape}", "bring them to one shape")
    if not 1 <= k <= len(data):
        raise UsageError(f"there are no {k} nearest of {len(data)} pictures", f"ask for 1 to {len(data)}")
    features = Raw() if network is None else network
    held_out = held_out_of(data)
    decoys = samples[:0] if held_out is None or len(held_out) < USUAL else held_out.real(USUAL).image
    asked = features.features(torch.cat([samples, decoys])).double()
    best = torch.full((len(asked), k), torch.inf, dtype=torch.float64)
    index = torch.zeros(len(asked), k, dtype=torch.int64)
    for rows, pictures in blocks(data):
        distance, place = nearest(asked, features.features(pictures).double(), min(k, len(rows)))
        all_distances, all_rows = torch.cat([best, distance], 1), torch.cat([index, rows[place]], 1)
        best, order = all_distances.topk(k, dim=1, largest=False)
        index = all_rows.gather(1, order)
    count = len(samples)
    found = to_float(data.images[index[:count].flatten()]).unflatten(0, (count, k))
    usual = float(best[count:, 0].median()) if len(decoys) else None
    return Neighbours(found, best[:count], index[:count], usual, len(data), features.name)


def held_out_of(data: ArrayData) -> ArrayData | None:
    """What training did not see of the data; None where nothing was held out."""
    try:
        return data.held_out()
    except UsageError:
        return None


def blocks(data: ArrayData) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows and pictures of a whole set, a part at a time."""
    rows = torch.arange(len(data.images)) if data.rows is None else data.rows
    for part in rows.split(BLOCK):
        yield part, to_float(data.images[part])


def data_for(model: Model, source: str | Data) -> ArrayData:
    """A source of pictures, as ``--data`` names it, at the model's size and channels, with its held-out part.

    Raises:
        UsageError: it has no pictures of one kind. DataError: it cannot be had.
    """
    data = open_source(source) if isinstance(source, str) else source
    if not isinstance(data, ArrayData):
        raise UsageError(f"{data.name} is no finite set of pictures of one kind", "name a folder, mnist, faces, ...")
    channels, rows, columns = model.spec.shape
    if data.spec.shape == model.spec.shape:
        return data
    if channels not in (1, 3, 4):
        raise UsageError(f"{data.name} cannot be read with {channels} channels", "name data of the model's own shape")
    return reshaped(data, Wanted((rows, columns), channels))
