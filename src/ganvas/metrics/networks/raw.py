"""The identity: points, or pixels, are their own features."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganvas.metrics.batched import BATCH_SIZE, through


@dataclass(frozen=True)
class Raw:
    """Coordinates as they are: the honest choice for points, where a Frechet distance compares means and covariances.

    Of pixels it sees colours and layout and no more.
    """

    name: str = "raw values"
    weights: str = ""
    resizer: str = "none"
    score_name: str = "FD-raw"

    def features(self, image: Tensor, batch_size: int = BATCH_SIZE) -> Tensor:
        """Points (N, d) unchanged, pictures (N, C, H, W) as rows of C H W values."""
        return through(lambda batch: batch.flatten(1), image, batch_size)

    def probabilities(self, image: Tensor, batch_size: int = BATCH_SIZE) -> None:
        """None: there are no classes."""
