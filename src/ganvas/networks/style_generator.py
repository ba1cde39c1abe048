"""StyleGAN2's generator: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv 1912.04958.

A mapping network turns the latent into a style w, and each layer of a skip generator takes its own row of styles: it scales the
layer's input channels (modulation), and the filters so scaled are brought to unit norm (demodulation).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.networks.dcgan import halvings
from ganvas.networks.equalised import GAIN, EqualisedLinear, activate, full_precision
from ganvas.networks.fir import after_doubling, doubling

MAPPING_MULTIPLIER = 0.01
"""Of the mapping network's learning rate (Karras et al. 2019, section C)."""
AVERAGE_DECAY = 0.995
"""Of the average style, for one batch."""


def unit_length(x: Tensor) -> Tensor:
    """x / sqrt(mean of x^2) a row, (N, d): every row has the length sqrt(d)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def map_widths(width: int, stages: int) -> list[int]:
    """Channels of each map from the picture inwards, ``stages`` + 1 of them: ``width``, doubled up to 8 * width."""
    return [width * 2 ** min(stage, 3) for stage in range(stages + 1)]


class Mapping(nn.Module):
    """w = f(z, y): (N, Z) and, with classes, labels (N,) -> (N, W). Computes in float32 always.

    Latent and label embedding are brought to the same length and joined; dense layers of leaky ReLUs follow.

    Attributes:
        average: the moving average of w over training, a row a class, (classes or 1, W).
    """

    average: Tensor

    def __init__(self, latent_size: int, style_size: int, layers: int, classes: int = 0) -> None:
        super().__init__()
        self.embedding = EqualisedLinear(classes, style_size) if classes else None
        sizes = [latent_size + (style_size if classes else 0), *[style_size] * layers]
        self.layers = nn.ModuleList(
            EqualisedLinear(i, o, multiplier=MAPPING_MULTIPLIER, gain=GAIN) for i, o in zip(sizes, sizes[1:], strict=False)
        )
        self.register_buffer("average", torch.zeros(max(classes, 1), style_size))

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        with full_precision(latent):
            w = unit_length(latent)
            if self.embedding is not None:
                assert label is not None, "a conditional mapping takes labels"
                chosen = F.one_hot(label, len(self.average)).to(w.dtype)
                w = torch.cat([w, unit_length(self.embedding(chosen))], dim=1)
            for layer in self.layers:
                w = activate(layer(w))
            return w

    @torch.no_grad()
    def track(self, w: Tensor, label: Tensor | None = None) -> None:
        """Moves the average towards a batch's styles (N, W), each class towards those of its own labels (N,)."""
        classes = len(self.average)
        if label is None or classes == 1:
            self.average.lerp_(w.mean(0, keepdim=True), 1 - AVERAGE_DECAY)
            return
        member = F.one_hot(label, classes).to(w.dtype)  # (N, classes)
        counts = member.sum(0).unsqueeze(1)  # (classes, 1)
        mean = member.t() @ w / counts.clamp(min=1)
        # A class that is in the batch more often than others moves as far as in as many batches of an equal share.
        self.average.lerp_(mean, 1 - AVERAGE_DECAY ** (counts * (classes / len(w))))

    def mean_style(self, label: Tensor | None = None) -> Tensor:
        """The average over all classes, (W,); with labels (N,) each one's own, (N, W)."""
        if label is None or self.embedding is None:
            mean = self.average.mean(0)
            return mean if label is None else mean.expand(label.shape[0], -1)
        return self.average[label]


def demodulation(weight: Tensor, scale: Tensor, epsilon: float = 1e-8) -> Tensor:
    """1 / the norm of each filter of weight (O, I, K, K) whose inputs are scaled by ``scale`` (N, I): (N, O) (eq. 3).

    Args:
        epsilon: added under the root against filters of zeros.
    """
    return (scale.square() @ weight.square().sum((2, 3)).t() + epsilon).rsqrt()


class ModulatedConv2d(nn.Module):
    """A 3x3 convolution whose input channels a style scales and whose filters it then leaves with unit norm (eq. 1 and 3).

    Scaling the input and then the output is the same as scaling each sample's filters (section 2.2, footnote), and needs no
    grouped convolution over the batch. The output has the gain and the bias of the leaky ReLU that follows.

    Args:
        inputs: channels in.
        outputs: channels out.
        up: double the sides: a transposed convolution of stride 2, and a FIR filter after it.
    """

    def __init__(self, inputs: int, outputs: int, *, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel_size, self.stride = (3, 3), (2, 2) if up else (1, 1)
        self.scale = 1 / math.sqrt(inputs * 9)
        self.fir = after_doubling() if up else None

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """``x`` (N, inputs, H, W), ``scale`` (N, inputs) float32 -> (N, outputs, H, W), or twice the sides."""
        weight = self.weight * self.scale
        with full_precision(scale):
            norms = GAIN * demodulation(weight, scale)
        x = x * scale[:, :, None, None].to(x.dtype)
        if self.fir is None:
            x = F.conv2d(x, weight, padding=1)
        else:
            x = self.fir(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        bias = (GAIN * self.bias).to(x.dtype).view(1, -1, 1, 1)
        return torch.addcmul(bias, x, norms[:, :, None, None].to(x.dtype))


class Noise(nn.Module):
    """Adds noise of a learned strength, the same for all channels; fresh while training, a fixed map otherwise.

    The fixed map makes samples repeatable, and is part of the model.
    """

    fixed: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", torch.randn(1, 1, rows, columns))

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn(len(x), *self.fixed.shape[1:], device=x.device) if self.training else self.fixed
        return x + (noise * (self.strength * GAIN)).to(x.dtype)


class StyledLayer(nn.Module):
    """A modulated convolution, noise, and a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, style_size: int, side: tuple[int, int], *, up: bool = False) -> None:
        super().__init__()
        self.affine = EqualisedLinear(style_size, inputs, start=1.0)
        self.convolution = ModulatedConv2d(inputs, outputs, up=up)
        self.noise = Noise(*side)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        with full_precision(style):
            scale = self.affine(style)
        return activate(self.noise(self.convolution(x, scale)))


class ToPicture(nn.Module):
    """A modulated 1x1 convolution to the picture's channels, without demodulation, in float32."""

    def __init__(self, inputs: int, channels: int, style_size: int) -> None:
        super().__init__()
        self.affine = EqualisedLinear(style_size, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        with full_precision(style):
            scale = self.affine(style) * self.scale
        painted = F.conv2d(x * scale[:, :, None, None].to(x.dtype), self.weight)
        # Sums over stages in float32: bfloat16 would round a picture to 8 bits of its largest value at every stage.
        painted = painted.float() if painted.dtype == torch.bfloat16 else painted
        return painted + self.bias.view(1, -1, 1, 1)


class Stage(nn.Module):
    """Doubles a map by one styled layer, refines it by another, and adds what it paints to the doubled picture."""

    def __init__(self, inputs: int, outputs: int, channels: int, style_size: int, side: tuple[int, int]) -> None:
        super().__init__()
        self.up = StyledLayer(inputs, outputs, style_size, side, up=True)
        self.refine = StyledLayer(outputs, outputs, style_size, side)
        self.paint = ToPicture(outputs, channels, style_size)
        self.enlarge = doubling()

    def forward(self, x: Tensor, picture: Tensor, up: Tensor, refine: Tensor, paint: Tensor) -> tuple[Tensor, Tensor]:
        x = self.refine(self.up(x, up), refine)
        return x, self.enlarge(picture) + self.paint(x, paint)


class Synthesis(nn.Module):
    """Styles (N, layers, W) -> pictures (N, C, H, W), about in [-1, 1] (Karras et al. 2020, figure 7 b: output skips).

    The base of 4 to 8 pixels a side is a learned constant; layer 0 refines it, and each stage has two styled layers. A
    picture painted at some stage shares the style of the next stage's first layer, as in the authors' code.
    """

    def __init__(self, spec: Spec, *, style_size: int, width: int) -> None:
        super().__init__()
        stages = halvings("this generator", spec)
        channels, rows, columns = spec.shape
        widths = map_widths(width, stages)[::-1]
        sides = [(rows // 2**stage, columns // 2**stage) for stage in range(stages, -1, -1)]
        self.constant = nn.Parameter(torch.randn(1, widths[0], *sides[0]))
        self.first = StyledLayer(widths[0], widths[0], style_size, sides[0])
        self.paint = ToPicture(widths[0], channels, style_size)
        self.stages = nn.ModuleList(
            Stage(inputs, outputs, channels, style_size, side)
            for inputs, outputs, side in zip(widths, widths[1:], sides[1:], strict=False)
        )
        self.layers = 2 * stages + 2

    def forward(self, styles: Tensor) -> Tensor:
        rows: Iterable[Tensor] = styles.unbind(1)
        first, paint, *others = rows
        x = self.first(self.constant.expand(styles.shape[0], -1, -1, -1), first)
        picture: Tensor = self.paint(x, paint)
        up = paint
        for number, stage in enumerate(self.stages):
            refine, paint = others[2 * number : 2 * number + 2]
            x, picture = stage(x, picture, up, refine, paint)
            up = paint
        return picture


class StyleGenerator(nn.Module):
    """G(z, y) = synthesis(mapping(z, y)): latents (N, Z), labels (N,) -> pictures (N, C, H, W), about in [-1, 1].

    Args:
        spec: the picture's shape.
        latent_size: Z.
        style_size: W.
        mapping_layers: of the mapping network.
        width: channels of the last map, doubled at each stage inwards up to 8 times.
        classes: how many, for a conditional one.
    """

    def __init__(
        self, spec: Spec, *, latent_size: int, style_size: int, mapping_layers: int, width: int, classes: int = 0
    ) -> None:
        super().__init__()
        self.mapping = Mapping(latent_size, style_size, mapping_layers, classes)
        self.synthesis = Synthesis(spec, style_size=style_size, width=width)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        pictures: Tensor = self.synthesis(self.every_layer(self.mapping(latent, label)))
        return pictures

    def every_layer(self, w: Tensor) -> Tensor:
        """The same style for each layer: (N, W) -> (N, layers, W)."""
        return w.unsqueeze(1).expand(-1, self.synthesis.layers, -1)
