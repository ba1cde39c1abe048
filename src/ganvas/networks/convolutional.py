"""Small convolutional players without any normalisation, for methods whose penalties keep the game stable (R3GAN).

Bilinear resampling instead of strides (no checkerboard), residual pairs of 3x3 convolutions whose last weights start at zero,
so that every network starts as a resampled linear map and depth costs nothing at the start (Zhang et al. 2019, Fixup;
Huang et al. 2024, section 4).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from ganvas.data.batches import Spec
from ganvas.networks.dcgan import halvings, widths


def scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """He initialisation for a leaky ReLU of slope 0.2, times ``gain``; zero biases."""
    nn.init.kaiming_normal_(layer.weight, a=0.2)
    layer.weight.data.mul_(gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """x + conv(lrelu(conv(lrelu(x)))), the last convolution zero at the start. (N, C, H, W) -> the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = scaled(nn.Conv2d(width, width, 3, padding=1))
        self.second = scaled(nn.Conv2d(width, width, 3, padding=1), gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(leaky_relu(self.first(leaky_relu(x, 0.2)), 0.2))  # type: ignore[no-any-return]


class SmoothGenerator(nn.Module):
    """Latents (N, Z) -> pictures (N, C, H, W) in [-1, 1]: a dense map, then residual pair and bilinear doubling a stage."""

    def __init__(self, spec: Spec, *, latent_size: int, width: int) -> None:
        super().__init__()
        stages = halvings("this generator", spec)
        channels, rows, columns = spec.shape
        inwards = widths(width, stages + 1)
        self.base = (inwards[-1], rows // 2**stages, columns // 2**stages)
        self.dense = scaled(nn.Linear(latent_size, self.base[0] * self.base[1] * self.base[2]))
        self.blocks = nn.ModuleList(Residual(channels_here) for channels_here in inwards[::-1])
        pairs = zip(inwards[:0:-1], inwards[-2::-1], strict=True)
        self.narrow = nn.ModuleList(scaled(nn.Conv2d(wide, thin, 1)) for wide, thin in pairs)
        self.picture = scaled(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        x = self.dense(latent).unflatten(1, self.base)  # (N, widest, H / 2^stages, W / 2^stages)
        for stage, block in enumerate(self.blocks):
            if stage:
                x = interpolate(self.narrow[stage - 1](x), scale_factor=2, mode="bilinear")
            x = block(x)
        picture: Tensor = self.picture(leaky_relu(x, 0.2)).tanh()
        return picture


class SmoothDiscriminator(nn.Module):
    """Pictures (N, C, H, W) -> scores (N,): the generator's mirror, average pooling a stage and a dense layer at the end."""

    def __init__(self, spec: Spec, *, width: int) -> None:
        super().__init__()
        stages = halvings("this discriminator", spec)
        channels, rows, columns = spec.shape
        outwards = widths(width, stages + 1)
        self.picture = scaled(nn.Conv2d(channels, width, 3, padding=1))
        self.blocks = nn.ModuleList(Residual(channels_here) for channels_here in outwards)
        self.widen = nn.ModuleList(
            scaled(nn.Conv2d(thin, wide, 1)) for thin, wide in zip(outwards[:-1], outwards[1:], strict=True)
        )
        self.score = scaled(nn.Linear(outwards[-1] * (rows // 2**stages) * (columns // 2**stages), 1))

    def forward(self, image: Tensor) -> Tensor:
        x = self.picture(image)
        for stage, block in enumerate(self.blocks):
            if stage:
                x = self.widen[stage - 1](avg_pool2d(x, 2))
            x = block(x)
        score: Tensor = self.score(leaky_relu(x, 0.2).flatten(1)).squeeze(1)
        return score
