"""The deep convolutional networks of Radford et al. 2016 (arXiv 1511.06434), for any resolution b * 2^k with b from 4 to 8.

Its five guidelines: strided and fractionally strided convolutions instead of pooling; batch norm in both players, but not at
the generator's output nor the discriminator's input; no fully connected hidden layers; ReLU in the generator with tanh at the
end; LeakyReLU in the discriminator. Weights start from N(0, 0.02).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.resampled import blurred
from ganvas.networks.upwards import DoublingConv2d


def halvings(name: str, spec: Spec) -> int:
    """How often both sides can be halved until the shorter is between 4 and 8; UsageError if the sides do not allow it."""
    _, rows, columns = spec.shape
    count, short = 0, min(rows, columns)
    while short > 8 or (short == 8 and rows % 2 ** (count + 1) == columns % 2 ** (count + 1) == 0):
        short, count = short // 2, count + 1
    if count == 0 or short < 4 or rows % 2**count or columns % 2**count:
        step = 2 ** max(count, 1)
        near = tuple(max(8, round(side / step) * step) for side in (rows, columns))
        raise UsageError(
            f"{name} cannot make pictures of {rows}x{columns}: it doubles a base of 4 to 8 pixels",
            f"try --size {near[0]}x{near[1]}",
        )
    return count


def widths(base: int, stages: int) -> list[int]:
    """Channels from the picture inwards: ``base`` doubled each stage, at most 16 * base."""
    return [base * 2 ** min(stage, 4) for stage in range(stages)]


def start_normal_(module: nn.Module) -> None:
    """Weights from N(0, 0.02), batch-norm gains from N(1, 0.02), biases 0 (Radford et al., section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def start_he_(module: nn.Module) -> None:
    """Weights from N(0, 2 / (1.04 * fan-in)), which keeps a signal's size through leaky ReLUs (He et al. 2015), biases 0.

    For players without batch norm, where N(0, 0.02) would shrink it layer by layer. A pixel of a transposed convolution of
    kernel k and stride s receives (k / s)^2 of the kernel's places.
    """
    if isinstance(module, nn.Linear):
        fan = float(module.in_features)
    elif isinstance(module, nn.Conv2d):
        fan = float(module.in_channels * module.kernel_size[0] * module.kernel_size[1])
    elif isinstance(module, nn.ConvTranspose2d):
        fan = module.in_channels * (module.kernel_size[0] / module.stride[0]) * (module.kernel_size[1] / module.stride[1])
    else:
        return
    nn.init.normal_(module.weight, 0.0, math.sqrt(2 / 1.04 / fan))
    if module.bias is not None:
        nn.init.zeros_(module.bias)


@torch.no_grad()
def start_smooth_(module: nn.Module) -> None:
    """Has a doubling convolution start as one of 3x3 on a picture doubled to nearest pixels, its outputs as large as before.

    Else the four pixels that come from one are drawn by kernels of their own, and flat areas start as a checkerboard, which
    training is slow to remove (Aitken et al. 2017, arXiv 1707.02937, of another layer that doubles). The weights stay free.
    """
    if isinstance(module, DoublingConv2d):
        kernel = module.weight[:, :, :3, :3] * (2 / 3)  # 9 places are seen where 4 were
        module.weight.copy_(4 * blurred(kernel))


class DCGANGenerator(nn.Sequential):
    """Latents (N, Z) become a small map, which fractionally strided 4x4 convolutions double to (N, C, H, W) in [-1, 1].

    Args:
        spec: the picture's shape.
        latent_size: Z.
        width: channels of the last hidden map, doubled each stage inwards; 128 has the paper's 1,024 channels at 4x4 for 64x64.
        batch_norm: as the paper; off for methods that go without normalisation.
        smooth: start without a checkerboard, see ``start_smooth_``; off as the paper.
    """

    def __init__(self, spec: Spec, *, latent_size: int, width: int = 64, batch_norm: bool = True, smooth: bool = False) -> None:
        stages = halvings("this generator", spec)
        channels, rows, columns = spec.shape
        inwards = widths(width, stages)
        deepest = inwards[-1]
        base = (deepest, rows // 2**stages, columns // 2**stages)
        layers: list[nn.Module] = [
            nn.Linear(latent_size, deepest * base[1] * base[2], bias=not batch_norm),
            nn.Unflatten(1, base),
        ]
        for stage, (inputs, outputs) in enumerate(zip(inwards[::-1], [*inwards[-2::-1], channels], strict=True)):
            if batch_norm:
                layers.append(nn.BatchNorm2d(inputs))
            layers.append(nn.ReLU(inplace=True))
            last = stage == stages - 1
            layers.append(DoublingConv2d(inputs, outputs, bias=last or not batch_norm))
        super().__init__(*layers, nn.Tanh())
        self.apply(start_normal_ if batch_norm else start_he_)
        if smooth:
            self.apply(start_smooth_)


class LabelledGenerator(nn.Module):
    """A generator whose latents a label's embedding of the same size joins: (N, Z), (N,) -> (N, C, H, W).

    Args:
        generator: of latents twice as long, (N, 2 Z).
        latent_size: Z.
        classes: how many labels there are.
    """

    def __init__(self, generator: nn.Module, *, latent_size: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, latent_size)
        self.generator = generator

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        pictures: Tensor = self.generator(torch.cat([latent, self.embedding(label)], dim=1))
        return pictures


class DCGANDiscriminator(nn.Sequential):
    """Strided 4x4 convolutions halve the picture down to 4 to 8 pixels, one linear layer scores it: (N, C, H, W) -> (N,).

    With ``classes`` the linear layer has a score for each, and that of the label (N,) counts: a projection (Miyato and Koyama
    2018).

    Args:
        spec: the picture's shape.
        width: channels of the first map.
        batch_norm: as the paper; must be off under a gradient penalty, which needs a score of each sample alone.
        classes: how many it is told; 0 for none.
    """

    def __init__(self, spec: Spec, *, width: int = 64, batch_norm: bool = True, classes: int = 0) -> None:
        stages = halvings("this discriminator", spec)
        channels, rows, columns = spec.shape
        outwards = widths(width, stages)
        layers: list[nn.Module] = []
        for stage, (inputs, outputs) in enumerate(zip([channels, *outwards[:-1]], outwards, strict=True)):
            normal = batch_norm and stage > 0
            layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not normal))
            if normal:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        base = (rows // 2**stages) * (columns // 2**stages)
        super().__init__(*layers, nn.Flatten(), nn.Linear(outwards[-1] * base, max(1, classes)))
        self.apply(start_normal_ if batch_norm else start_he_)
        self.classes = classes

    def forward(self, image: Tensor, label: Tensor | None = None) -> Tensor:
        scores: Tensor = super().forward(image)  # type: ignore[no-untyped-call]  # (N, 1 or classes)
        return scores.squeeze(1) if label is None else scores.gather(1, label[:, None]).squeeze(1)


class LabelPlanes(nn.Module):
    """A learned plane a class, concatenated to the picture as one more channel: (N, C, H, W), (N,) -> (N, C + 1, H, W).

    The label's way into a convolutional discriminator (Mirza and Osindero 2014 concatenate y to x).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        _, rows, columns = spec.shape
        self.planes = nn.Embedding(len(spec.classes), rows * columns)
        self.rows, self.columns = rows, columns

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        plane = self.planes(label).view(-1, 1, self.rows, self.columns)  # (N, 1, H, W)
        return torch.cat([image, plane.to(image.dtype)], dim=1)
