"""What a score asks of a feature network."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from ganvas.metrics.batched import BATCH_SIZE


class FeatureNetwork(Protocol):
    """A frozen map from samples to the features in which scores are measured."""

    @property
    def name(self) -> str:
        """For stamps: network, weights in words, layer, size."""

    @property
    def weights(self) -> str:
        """sha256 of the weights; empty where there are none."""

    @property
    def resizer(self) -> str:
        """How pictures are brought to the network's size; "none" when they are not."""

    @property
    def score_name(self) -> str:
        """What a Frechet distance between these features is called: "FID" for Inception's alone."""

    def features(self, image: Tensor, batch_size: int = BATCH_SIZE) -> Tensor:
        """Features (N, d) float32 on the CPU of pictures (N, C, H, W) in [-1, 1] or points (N, d).

        Raises:
            UsageError: samples of a shape that the network does not take, or that are not finite.
        """

    def probabilities(self, image: Tensor, batch_size: int = BATCH_SIZE) -> Tensor | None:
        """Class probabilities (N, K) float32 on the CPU, for the Inception Score; None where the network has no classes."""


@runtime_checkable
class StagedNetwork(FeatureNetwork, Protocol):
    """A feature network that also shows what it sees on the way, for perceptual distances."""

    def stages(self, image: Tensor) -> list[Tensor]:
        """Activations (N, C_s, H_s, W_s) at several depths, shallow first, on the network's device, with gradients off."""


@runtime_checkable
class DifferentiableNetwork(StagedNetwork, Protocol):
    """A staged network through which gradients reach the pictures, for those that are fitted to others."""

    def activations(self, image: Tensor, side: int | None = None) -> list[Tensor]:
        """As ``stages``, with gradients to the pictures; at ``side`` pixels in place of the network's own size if it can."""
