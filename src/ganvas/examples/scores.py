"""How an example scores the pictures of a panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganvas.data import Data, mnist
from ganvas.examples.registry import Report
from ganvas.metrics import Stamp, frechet_distance, sharpness
from ganvas.metrics.lenet import lenet

THUMBNAIL = 7
"""Side of the thumbnails whose pixels are the features of pictures that no classifier was trained for."""


class PictureScores:
    """Sharpness and Frechet distance of generated pictures against a fixed sample of real ones.

    Args:
        data: whose training pictures the samples are held against.
        features: pictures -> (N, d); ``stamp`` names them.
        count: pictures on each side.
        seed: of the choice of real pictures.

    Attributes:
        real: {"sharpness", "frechet"} of real pictures: the second is between two disjoint halves of ``count`` each where
            there are so many, else between smaller halves, whose bias is larger.
    """

    def __init__(
        self, data: Data, features: Callable[[Tensor], Tensor], name: str, weights: str, *, count: int, seed: int
    ) -> None:
        self._features = features
        pictures = data.real(2 * count, seed).image
        half = len(pictures) // 2
        reference = pictures[: min(count, len(pictures))]
        self._real = features(reference)
        self.real = {
            "sharpness": sharpness(reference),
            "frechet": frechet_distance(features(pictures[:half]), features(pictures[half:])),
        }
        self.stamp = Stamp(name, weights, "none", real=len(reference), generated=count, split="train", seed=seed)

    def __call__(self, samples: Tensor) -> dict[str, float]:
        return {"frechet": frechet_distance(self._features(samples), self._real), "sharpness": sharpness(samples)}

    def to_json(self) -> dict[str, Any]:
        """What the numbers were measured with, and what real pictures score."""
        return {"real": self.real, "stamp": self.stamp.to_json(), "metrics": METRICS}


METRICS = {
    "frechet": "squared Frechet distance between Gaussians of features; lower is better, the real value is its floor",
    "sharpness": "mean variance of the Laplacian of pictures in [-1, 1]; best at the real value",
    "wasserstein_estimate": "critic's E[f(x)] - E[f(G(z))], signed; a distance only once divided by its Lipschitz constant",
}


def lenet_scores(data: Data, *, count: int, seed: int, report: Report) -> PictureScores:
    """Scores of MNIST pictures on the features of a LeNet trained on all ten digits."""
    network = lenet(mnist(), report=report)
    return PictureScores(data, network.features, network.name, network.weights, count=count, seed=seed)


def thumbnail_scores(data: Data, *, count: int, seed: int) -> PictureScores:
    """Scores of any pictures on the colours of thumbnails: layout and colour count, fine detail does not."""

    def features(pictures: Tensor) -> Tensor:
        return torch.cat([adaptive_avg_pool2d(batch, THUMBNAIL).flatten(1) for batch in pictures.split(500)])

    return PictureScores(data, features, f"colours of {THUMBNAIL}x{THUMBNAIL} thumbnails", "", count=count, seed=seed)
