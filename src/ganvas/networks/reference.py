"""The reference pair of the thesis talk: small convolutional networks for 28 x 28 pictures.

At 3 channels without batch norm the discriminator has 41,857 parameters and the generator 1,176,835, layer by layer as in the
talk's table. They take any picture whose sides are multiples of 4; the dense layers grow with the picture.
"""

from __future__ import annotations

from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.dropout import Dropout
from ganvas.networks.fold import FoldConv2d
from ganvas.networks.upwards import DoublingConv2d


def check_reference_size(name: str, spec: Spec) -> None:
    """Raises UsageError unless both sides are multiples of 4."""
    _, height, width = spec.shape
    if height % 4 or width % 4:
        nearest = (max(4, round(height / 4) * 4), max(4, round(width / 4) * 4))
        raise UsageError(
            f"{name} cannot make pictures of {height}x{width}, its sides are multiples of 4",
            f"try --size {nearest[0]}x{nearest[1]}",
        )


class ReferenceDiscriminator(nn.Sequential):
    """Two strided 3x3 convolutions of ``width`` channels and a dense layer: pictures (N, C, H, W) -> scores (N,).

    Args:
        spec: the picture's shape.
        width: channels of both convolutions, 64 in the talk.
        dropout: probability that a channel's value is dropped after each convolution.
        batch_norm: normalise after each convolution (as the WGAN tutorial does); shuts out penalties a sample.
    """

    def __init__(self, spec: Spec, *, width: int = 64, dropout: float = 0.4, batch_norm: bool = False) -> None:
        channels, rows, columns = spec.shape
        layers: list[nn.Module] = []
        for inputs in (channels, width):
            layers.append(nn.Conv2d(inputs, width, 3, stride=2, padding=1))  # halves both sides
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            if dropout:
                layers.append(Dropout(dropout))
        super().__init__(*layers, nn.Flatten(), nn.Linear(width * (rows // 4) * (columns // 4), 1))
        self.from_zero = not batch_norm
        if not batch_norm:
            self.apply(start_glorot_)

    def forward(self, image: Tensor) -> Tensor:
        # Without batch norm in [0, 1], as the talk: a background of -1 would shout down all else, and the generator goes black.
        seen = (image + 1) / 2 if self.from_zero else image
        return super().forward(seen).squeeze(1)  # type: ignore[no-any-return, no-untyped-call]


class ReferenceGenerator(nn.Sequential):
    """Dense, two transposed 4x4 convolutions that double the sides, a 7x7 convolution: latents (N, Z) -> pictures in [-1, 1].

    Args:
        spec: the picture's shape.
        latent_size: Z, 100 in the talk.
        width: channels from the dense layer on, 128 in the talk.
        batch_norm: normalise after each transposed convolution (as the WGAN tutorial does).
    """

    def __init__(self, spec: Spec, *, latent_size: int = 100, width: int = 128, batch_norm: bool = False) -> None:
        channels, rows, columns = spec.shape
        base = (width, rows // 4, columns // 4)
        layers: list[nn.Module] = [
            nn.Linear(latent_size, width * base[1] * base[2]),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Unflatten(1, base),  # (N, width, H/4, W/4)
        ]
        for _ in range(2):
            layers.append(DoublingConv2d(width, width))  # doubles both sides
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        super().__init__(*layers, FoldConv2d(width, channels, 7, padding=3), nn.Tanh())
        if not batch_norm:
            self.apply(start_glorot_)


def start_glorot_(module: nn.Module) -> None:
    """Weights of Glorot and Bengio 2010, uniform, and biases of 0: how the talk's framework starts every layer."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
