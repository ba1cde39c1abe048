"""Mean and covariance of features that stream by, in float64, merged over batches and ranks."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metrics.features import as_features
from ganvas.metrics.frechet import frechet_between_gaussians


class Moments:
    """All that a Frechet distance needs of a sample: d (d + 1) numbers instead of N d.

    Batches enter by ``update``; parts made elsewhere (another rank, a file) by ``merge``, through ``to_tensors``. Any order
    and any split give the same up to rounding, which the pairwise update of Chan, Golub and LeVeque (1983) keeps near 1e-16:
    it never subtracts large sums of squares.

    Attributes:
        count: samples so far.
        mean: (d,) float64.
        scatter: (d, d) float64, the sum of (x - mean)(x - mean)^T.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = torch.zeros(size, dtype=torch.float64)
        self.scatter = torch.zeros(size, size, dtype=torch.float64)

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """The moments of features (N, d)."""
        moments = cls(features.shape[-1])
        moments.update(features)
        return moments

    def update(self, features: Tensor) -> None:
        """Takes in a batch (N, d), N >= 1; raises UsageError for another d or for what is not finite."""
        (batch,) = as_features(features, at_least=1)
        part = Moments(batch.shape[1])
        part.count, part.mean = len(batch), batch.mean(0).cpu()
        centred = batch - batch.mean(0)
        part.scatter = (centred.T @ centred).cpu()
        self.merge(part)

    def merge(self, other: Moments) -> None:
        """Takes in all that ``other`` has seen."""
        if other.mean.shape != self.mean.shape:
            sizes = f"{len(self.mean)} and {len(other.mean)}"
            raise UsageError(f"moments of {sizes} components", "use one feature network for both sides")
        if other.count == 0:
            return
        count = self.count + other.count
        shift = other.mean - self.mean
        self.mean = self.mean + shift * (other.count / count)
        self.scatter = self.scatter + other.scatter + torch.outer(shift, shift) * (self.count * other.count / count)
        self.count = count

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance (d, d); needs two samples."""
        if self.count < 2:
            raise UsageError(f"{self.count} samples have no covariance", "give more samples")
        return self.scatter / (self.count - 1)

    def frechet(self, other: Moments) -> float:
        """The Frechet distance between the two samples: see ``frechet_distance``."""
        return frechet_between_gaussians(self.mean, self.covariance, other.mean, other.covariance)

    def to_tensors(self) -> dict[str, Tensor]:
        """For safetensors, and for what gathers over ranks."""
        return {"count": torch.tensor(self.count), "mean": self.mean, "scatter": self.scatter}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Moments:
        moments = cls(len(tensors["mean"]))
        moments.count = int(tensors["count"])
        moments.mean, moments.scatter = tensors["mean"].double().cpu(), tensors["scatter"].double().cpu()
        return moments
