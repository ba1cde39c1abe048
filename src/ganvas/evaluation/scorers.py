"""What gives a moment of a training its score: the distance of samples to held-out data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.errors import UsageError
from ganvas.evaluation.fixed import BATCH, FixedInputs
from ganvas.metrics.manifold import manifold_scores
from ganvas.metrics.moments import Moments
from ganvas.metrics.networks import FeatureNetwork, feature_network
from ganvas.metrics.psnr_ssim import l1
from ganvas.metrics.sliced import sliced_wasserstein
from ganvas.training import Progress

BLOCKS = 4
"""The standard error comes from the score's spread over as many parts of the samples."""
FEWEST = 40
"""Below so many samples the spread of parts of them says nothing, and the score has no standard error."""


@dataclass(frozen=True)
class Found:
    """A score, lower is better; its standard error, that of the outputs alone; and figures that stand beside it, by name."""

    value: float
    error: float | None
    beside: dict[str, float] = field(default_factory=dict)


class Scorer(Protocol):
    """Scores the averaged weights.

    Attributes:
        title: the score's name.
        network, weights, resizer: see ``Stamp``.
        floor: what real pictures score in the place of made ones, where that can be said.
    """

    title: str
    network: str
    weights: str
    resizer: str
    floor: float | None

    def found(self, progress: Progress) -> Found:
        """The score of this moment."""


class Measure(Protocol):
    """How far samples are from held-out data: a distance, lower is better."""

    title: str
    network: str
    weights: str
    resizer: str

    def prepare(self, real: Tensor) -> None:
        """Takes in the real samples, once."""

    def encode(self, samples: Tensor) -> Tensor:
        """What ``distance`` compares, (N, ...), of one batch of samples."""

    def distance(self, encoded: Tensor) -> float:
        """From encoded samples to the real ones."""

    def spread(self, encoded: Tensor) -> dict[str, float]:
        """How encoded samples lie among the real ones, by name; nothing where distances between two samples mean little."""


class Sliced:
    """The sliced Wasserstein distance of raw pixels or coordinates: no network, no labels, no download.

    It falls both when samples are unlike the data and when they lack its variety.
    """

    title, weights, resizer = "sliced Wasserstein distance", "", "none"

    def __init__(self, is_image: bool) -> None:
        self.network = "raw pixels" if is_image else "raw points"

    def prepare(self, real: Tensor) -> None:
        self.real = real

    def encode(self, samples: Tensor) -> Tensor:
        return samples

    def distance(self, encoded: Tensor) -> float:
        return sliced_wasserstein(encoded, self.real[: len(encoded)])

    def spread(self, encoded: Tensor) -> dict[str, float]:
        return {}


class Frechet:
    """The Frechet distance of a network's features."""

    def __init__(self, network: FeatureNetwork) -> None:
        self.extractor = network
        self.title, self.network = network.score_name, network.name
        self.weights, self.resizer = network.weights, network.resizer

    def prepare(self, real: Tensor) -> None:
        self.features = self.extractor.features(real)
        self.real = Moments.of(self.features)

    def encode(self, samples: Tensor) -> Tensor:
        return self.extractor.features(samples)

    def distance(self, encoded: Tensor) -> float:
        return Moments.of(encoded).frechet(self.real)

    def spread(self, encoded: Tensor) -> dict[str, float]:
        if min(len(encoded), len(self.features)) < FEWEST:
            return {}
        found = manifold_scores(self.features, encoded)
        return {name: round(getattr(found, name)[0], 4) for name in ("precision", "recall", "coverage")}


def choose_measure(word: str, data: Data) -> Measure:
    """The measure called "sliced", or the Frechet distance of a feature network: "lenet", "efficientnet", "inception:PATH"."""
    return Sliced(data.spec.is_image) if word == "sliced" else Frechet(feature_network(word, data))


class SampleScorer:
    """The distance of what is made to real data, both as a set: what was made of which input does not count.

    Args:
        measure: of the distance.
        inputs: of which the outputs are scored.
        data: of which as many training samples give the floor.
    """

    def __init__(self, measure: Measure, inputs: FixedInputs, data: Data) -> None:
        self.measure, self.inputs = measure, inputs
        self.title, self.network = measure.title, measure.network
        self.weights, self.resizer = measure.weights, measure.resizer
        measure.prepare(inputs.real)
        self.floor = self.of_real(data, len(inputs.real))

    def of_real(self, data: Data, count: int) -> float | None:
        """What as many training samples score: no generator should be expected to do better. None when there are too few."""
        real = data.real(count).image
        return (
            self.measure.distance(torch.cat([self.measure.encode(part) for part in real.split(BATCH)]))
            if len(real) == count
            else None
        )

    def found(self, progress: Progress) -> Found:
        """Beside the score stand, for pairs, "l1": the mean distance of translations to their targets, 0..2; and of a feature
        network "precision", "recall" and "coverage" in its features, by which the doctor sees modes that are lost.
        """
        encoded, gaps = [], []
        targets = self.inputs.real
        for part in self.inputs.outputs(progress):
            encoded.append(self.measure.encode(part))
            if self.inputs.paired:
                gaps.append(l1(part, targets[: len(part)]))
                targets = targets[len(part) :]
        whole = finite(torch.cat(encoded))
        error = error_of_blocks(whole, self.measure.distance) if len(whole) >= FEWEST else None
        beside = {"l1": round(float(torch.cat(gaps).mean()), 6)} if gaps else {}
        return Found(self.measure.distance(whole), error, beside | self.measure.spread(whole))


def finite(samples: Tensor) -> Tensor:
    """The samples. Raises UsageError where they are not finite."""
    if not bool(torch.isfinite(samples).all()):
        raise UsageError("the samples hold NaN or infinity", "resume from an earlier checkpoint")
    return samples


def error_of_blocks(whole: Tensor, distance: Callable[[Tensor], float]) -> float:
    """The standard error by the spread over parts."""
    blocks = [distance(block) for block in whole.chunk(BLOCKS)]
    return float(torch.tensor(blocks, dtype=torch.float64).std()) / math.sqrt(BLOCKS)
