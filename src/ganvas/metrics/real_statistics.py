"""What real data looks like to a feature network: computed once, kept by content, found again whatever the run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganvas.data import Data, cache_dir
from ganvas.data.cache import locked, write_atomically
from ganvas.errors import UsageError
from ganvas.metrics.lenet import hash_of
from ganvas.metrics.moments import Moments
from ganvas.metrics.networks.contract import FeatureNetwork

LAYOUT = 1
"""Of the files; another number for another content, so that no old file is taken for a new one."""
KEPT = 10_000
"""Features that are kept as they are; the moments are over all samples."""


@dataclass(frozen=True)
class RealStatistics:
    """Real samples as features.

    Args:
        moments: mean and covariance of all ``count`` of them.
        features: (min(count, KEPT), d) float32, the first of them, which are a random choice.
        count: samples; fewer than were asked for where the data has no more.
    """

    moments: Moments
    features: Tensor
    count: int


def real_statistics(
    network: FeatureNetwork, data: Data, count: int, seed: int = 0, *, split: Literal["train", "test"] = "train"
) -> RealStatistics:
    """The statistics of ``count`` random samples of the data: from the cache, else computed and cached.

    A cache entry belongs to content: the data's fingerprint and split, the network's name, weights and resizer, count and seed.
    A damaged entry is computed again.

    Args:
        split: "train" for the data itself, "test" for what it holds out.

    Raises:
        UsageError: fewer than two samples, or features that are not finite.
    """
    if count < 2:
        raise UsageError(f"{count} samples have no covariance", "use at least two")
    part = data.held_out() if split == "test" else data
    count = min(count, len(part)) if len(part) else count
    fields = [LAYOUT, part.fingerprint, split, network.name, network.weights, network.resizer, count, seed]
    mark = hashlib.sha256(json.dumps(fields).encode()).hexdigest()
    path = cache_dir() / "statistics" / f"{mark[:32]}.safetensors"
    if found := load(path, mark):
        return found
    with locked(f"statistics-{mark[:32]}"):
        if found := load(path, mark):  # another process has computed them meanwhile
            return found
        features = network.features(part.real(count, seed).image)
        found = RealStatistics(Moments.of(features), features[:KEPT].clone(), len(features))
        save(found, path, mark)
    return found


def save(statistics: RealStatistics, path: Path, mark: str) -> None:
    """Writes the statistics, whole or not at all, with a hash that finds damage later."""
    tensors = {"features": statistics.features, **statistics.moments.to_tensors()}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(tensors, metadata={"mark": mark, "sha256": hash_of(tensors)}))


def load(path: Path, mark: str) -> RealStatistics | None:
    """Reads what ``save`` wrote; None when there is nothing, or it is damaged or another's."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if facts.get("mark") != mark or facts.get("sha256") != hash_of(tensors):
            return None
        moments = Moments.from_tensors(tensors)
        return RealStatistics(moments, tensors["features"], moments.count)
    except (FileNotFoundError, SafetensorError, KeyError):
        return None
