"""A network with published weights at work: pictures of any size in, features out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganvas.errors import UsageError
from ganvas.metrics.batched import BATCH_SIZE, through
from ganvas.metrics.resize import quantise, resize, weights

AT_ONCE = 4
"""Pictures that pass through a network on a CPU at a time: more would push activations out of its cache (twice the time)."""


class Backbone(nn.Module):
    """What ``Pretrained`` asks of an architecture.

    Attributes:
        side: pixels of the square pictures that it takes.
        mean, deviation: of each channel, in 0..255: what it was trained to see is (x - mean) / deviation.
        classes: that it tells apart; 0 where it is no classifier.
    """

    side: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    classes: int = 0

    def embed(self, picture: Tensor) -> Tensor:
        """Normalised pictures (N, 3, side, side) -> features (N, d)."""
        raise NotImplementedError

    def logits(self, features: Tensor) -> Tensor:
        """Features (N, d) -> class logits (N, classes)."""
        raise NotImplementedError

    def levels(self, picture: Tensor) -> list[Tensor]:
        """Normalised pictures -> activations (N, C_s, H_s, W_s) at several depths, shallow first; none where it has none."""
        return []


@dataclass(frozen=True)
class Pretrained:
    """A frozen network with published weights.

    Every picture takes one way: to bytes, as a file of it would hold; by Pillow's antialiased bicubic filter to the network's
    square, whatever its own shape; on as float32 without rounding or cutting. That is clean-fid's rule (Parmar et al. 2022).
    Grey pictures are repeated to three channels. A picture that already has the network's size is not resized.

    Args:
        network: in evaluation mode, without gradients.
        name: for stamps: network, weights, layer, size.
        weights: sha256 of the file of weights.
        score_name: what a Frechet distance between its features is called.
    """

    network: Backbone
    name: str
    weights: str
    score_name: str

    @property
    def resizer(self) -> str:
        return f"bytes, then bicubic {self.network.side} (antialiased, float32: clean-fid's rule)"

    def to(self, device: torch.device | str) -> Pretrained:
        """The same network on another device, in the memory layout in which it is fast; it moves, and is not copied."""
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self

    def features(self, image: Tensor, batch_size: int = BATCH_SIZE) -> Tensor:
        """Features (N, d) of pictures (N, 1 or 3, H, W) in [-1, 1]; values outside are cut, as in a file."""
        require_colour(image)
        return through(self._embed, image, batch_size)

    def probabilities(self, image: Tensor, batch_size: int = BATCH_SIZE) -> Tensor | None:
        """Class probabilities (N, K) of pictures (N, 1 or 3, H, W) in [-1, 1]."""
        if not self.network.classes:
            return None
        require_colour(image)
        return through(lambda batch: self.network.logits(self._embed(batch)).softmax(1), image, batch_size)

    def _embed(self, batch: Tensor) -> Tensor:
        parts = self.prepared(batch).split(AT_ONCE if self._device.type == "cpu" else len(batch))
        return torch.cat([self.network.embed(part) for part in parts])

    @torch.no_grad()
    def stages(self, image: Tensor) -> list[Tensor]:
        """Activations at several depths of pictures (N, 1 or 3, H, W) in [-1, 1]; raises UsageError where there are none.

        The pictures are resized by the same filter but do not go through bytes, so that small differences reach the network.
        """
        return self.activations(image)

    def activations(self, image: Tensor, side: int | None = None) -> list[Tensor]:
        """As ``stages``, with gradients to the pictures; at ``side`` pixels in place of the network's own, which costs less."""
        require_colour(image)
        side = side or self.network.side
        down, across = (weights(size, side, "bicubic").float().to(image.device) for size in image.shape[2:])
        picture = (down @ ((image.float() + 1) * 127.5) @ across.T).to(self._device)
        found = self.network.levels(self._normalised(picture))
        if not found:
            raise UsageError(f"{self.name} shows no activations on the way", "use efficientnet, inception or lenet")
        return found

    def unresized_activations(self, image: Tensor) -> list[Tensor]:
        """As ``stages``, at the pictures' own size, on the network's device, and with gradients: to be trained by."""
        require_colour(image)
        return self.network.levels(self._normalised((image.float() + 1) * 127.5))

    def prepared(self, image: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [-1, 1] as the network takes them: (N, 3, side, side) float32 on its device."""
        device, side = self._device, self.network.side
        # In float64, to the last bit of Pillow: on the CPU where the device knows no float64.
        pixels = quantise(image).to(device if device.type == "cuda" else "cpu")
        return self._normalised(resize(pixels, side, side, quantised=False).to(device))

    def _normalised(self, picture: Tensor) -> Tensor:
        network = self.network
        mean, deviation = (picture.new_tensor(each).view(1, 3, 1, 1) for each in (network.mean, network.deviation))
        return ((picture.expand(-1, 3, -1, -1) - mean) / deviation).contiguous(memory_format=torch.channels_last)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def require_colour(image: Tensor) -> None:
    """Raises UsageError unless these are pictures with one channel or three."""
    if image.dim() != 4 or image.shape[1] not in (1, 3):
        raise UsageError(
            f"the network takes pictures (N, 1 or 3, H, W), not {tuple(image.shape)}",
            "bring transparent pictures onto a background, points to the network raw",
        )
