"""Inception v3 (Szegedy et al. 2016) as TensorFlow's graph of 2015-12-05 computes it: the network of the FID.

It is not the Inception v3 of model collections. In that graph, and so in every FID of the literature (Heusel et al. 2017):

- the average pools of Mixed_5b to 7b count only pixels inside the picture, not the zeros around it;
- the last block, Mixed_7c, takes a maximum where the others take that average;
- there are 1,008 classes, and the Inception Score leaves the bias of the logits out.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from ganvas.data.download import Web
from ganvas.metrics.networks.pretrained import Backbone, Pretrained
from ganvas.metrics.networks.weights import Published, Report, fill, published_state, read_state

PUBLISHED = Published(
    title="Inception v3 (TensorFlow's of 2015, ported)",
    file="pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    size="96 MB",
    source=Web(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/", ("pt_inception-2015-12-05-6726825d.pth",)
    ),
)
CLASSES = 1008
Size = int | tuple[int, int]


class Layer(nn.Module):
    """Convolution, batch norm, ReLU. ``kernel`` (rows, columns) keeps the size unless ``valid`` leaves the padding out."""

    def __init__(self, inputs: int, outputs: int, kernel: Size, stride: int = 1, valid: bool = False) -> None:
        super().__init__()
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (0, 0) if valid else (size[0] // 2, size[1] // 2)
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y.relu()


class Branches(nn.Module):
    """Several ways from one input, their channels side by side in the order given."""

    def __init__(self, **branch: nn.Module) -> None:
        super().__init__()
        for name, module in branch.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def average() -> nn.Module:
    """A 3x3 average that counts no zeros from outside."""
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def shrink() -> nn.Module:
    return nn.MaxPool2d(3, 2)


def chain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def block_5(inputs: int, pooled: int, n: int) -> nn.Module:
    """Figure 5 of the paper, 35x35: channels 64 + 64 + 96 + pooled, all divided by ``n`` but the last."""
    return Branches(
        branch1x1=Layer(inputs, 64 // n, 1),
        branch5x5=chain(Layer(inputs, 48 // n, 1), Layer(48 // n, 64 // n, 5)),
        branch3x3dbl=chain(Layer(inputs, 64 // n, 1), Layer(64 // n, 96 // n, 3), Layer(96 // n, 96 // n, 3)),
        branch_pool=chain(average(), Layer(inputs, pooled, 1)),
    )


def reduction_6(inputs: int, n: int) -> nn.Module:
    """35x35 to 17x17: channels 384 + 96 + inputs."""
    narrow = chain(Layer(inputs, 64 // n, 1), Layer(64 // n, 96 // n, 3), Layer(96 // n, 96 // n, 3, 2, valid=True))
    return Branches(branch3x3=Layer(inputs, 384 // n, 3, 2, valid=True), branch3x3dbl=narrow, branch_pool=shrink())


def block_6(inputs: int, inner: int, n: int) -> nn.Module:
    """Figure 6, 17x17: 7x7 convolutions as pairs of 1x7 and 7x1; channels 4 x 192."""
    row, column, out = (1, 7), (7, 1), 192 // n
    return Branches(
        branch1x1=Layer(inputs, out, 1),
        branch7x7=chain(Layer(inputs, inner, 1), Layer(inner, inner, row), Layer(inner, out, column)),
        branch7x7dbl=chain(
            Layer(inputs, inner, 1),
            Layer(inner, inner, column),
            Layer(inner, inner, row),
            Layer(inner, inner, column),
            Layer(inner, out, row),
        ),
        branch_pool=chain(average(), Layer(inputs, out, 1)),
    )


def reduction_7(inputs: int, n: int) -> nn.Module:
    """17x17 to 8x8: channels 320 + 192 + inputs."""
    inner = 192 // n
    return Branches(
        branch3x3=chain(Layer(inputs, inner, 1), Layer(inner, 320 // n, 3, 2, valid=True)),
        branch7x7x3=chain(
            Layer(inputs, inner, 1),
            Layer(inner, inner, (1, 7)),
            Layer(inner, inner, (7, 1)),
            Layer(inner, inner, 3, 2, valid=True),
        ),
        branch_pool=shrink(),
    )


def block_7(inputs: int, pool: nn.Module, n: int) -> nn.Module:
    """Figure 7, 8x8: two branches fork at their end; channels 320 + 2 x 384 + 2 x 384 + 192."""

    def fork() -> nn.Module:
        return Branches(a=Layer(384 // n, 384 // n, (1, 3)), b=Layer(384 // n, 384 // n, (3, 1)))

    return Branches(
        branch1x1=Layer(inputs, 320 // n, 1),
        branch3x3=chain(Layer(inputs, 384 // n, 1), fork()),
        branch3x3dbl=chain(Layer(inputs, 448 // n, 1), Layer(448 // n, 384 // n, 3), fork()),
        branch_pool=chain(pool, Layer(inputs, 192 // n, 1)),
    )


class Inception(Backbone):
    """(N, 3, 299, 299) -> (N, 2048), the mean over positions of the last block ("pool3").

    Args:
        narrow: divides the channels of every layer, for tests; a divisor of 16.
    """

    side = 299
    mean = (128.0,) * 3
    deviation = (128.0,) * 3
    classes = CLASSES

    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        n = narrow
        self.Conv2d_1a_3x3 = Layer(3, 32 // n, 3, 2, valid=True)
        self.Conv2d_2a_3x3 = Layer(32 // n, 32 // n, 3, valid=True)
        self.Conv2d_2b_3x3 = Layer(32 // n, 64 // n, 3)
        self.pool_3 = shrink()
        self.Conv2d_3b_1x1 = Layer(64 // n, 80 // n, 1)
        self.Conv2d_4a_3x3 = Layer(80 // n, 192 // n, 3, valid=True)
        self.pool_5 = shrink()
        self.Mixed_5b = block_5(192 // n, 32 // n, n)
        self.Mixed_5c = block_5(256 // n, 64 // n, n)
        self.Mixed_5d = block_5(288 // n, 64 // n, n)
        self.Mixed_6a = reduction_6(288 // n, n)
        self.Mixed_6b = block_6(768 // n, 128 // n, n)
        self.Mixed_6c = block_6(768 // n, 160 // n, n)
        self.Mixed_6d = block_6(768 // n, 160 // n, n)
        self.Mixed_6e = block_6(768 // n, 192 // n, n)
        self.Mixed_7a = reduction_7(768 // n, n)
        self.Mixed_7b = block_7(1280 // n, average(), n)
        self.Mixed_7c = block_7(2048 // n, nn.MaxPool2d(3, 1, 1), n)
        self.fc = nn.Linear(2048 // n, CLASSES)

    def embed(self, picture: Tensor) -> Tensor:
        return self.levels(picture)[-1].mean((2, 3))

    def logits(self, features: Tensor) -> Tensor:
        """Without the bias, as the Inception Score's graph reads them."""
        return features @ self.fc.weight.T

    def levels(self, picture: Tensor) -> list[Tensor]:
        """Before each reduction and at the end: 64, 192, 288, 768, 2048 channels at 147, 71, 35, 17, 8 pixels."""
        found, x = [], picture
        for name, layer in self.named_children():
            if name in ("pool_3", "pool_5", "Mixed_6a", "Mixed_7a"):
                found.append(x)
            if name != "fc":
                x = layer(x)
        return [*found, x]


def published_name(name: str) -> str:
    """From "Mixed_7b.branch3x3.1.a.conv.weight" to "Mixed_7b.branch3x3_2a.conv.weight"; layers of a branch count from 1."""
    if ".branch_pool." in name:
        return re.sub(r"\.branch_pool\.1\.", ".branch_pool.", name)
    return re.sub(
        r"\.(branch\w+)\.(\d)\.(?:([ab])\.)?", lambda found: f".{found[1]}_{int(found[2]) + 1}{found[3] or ''}.", name
    )


def inception(path: Path | None = None, *, report: Report | None = None) -> Pretrained:
    """Inception v3 with the weights of TensorFlow's graph: from ``path``, else from the cache, else fetched.

    Raises:
        DataError: the weights cannot be fetched, or ``path`` is no file.
        ModelError: the weights are damaged or another network's.
    """
    state = read_state(path, [PUBLISHED]) if path else published_state(PUBLISHED, "inception", report)
    with torch.device("meta"):  # no time spent on weights that are replaced at once
        network = Inception()
    network.to_empty(device="cpu")
    fill(network, state, published_name)
    return Pretrained(network, "Inception v3 (TensorFlow 2015, ported), pool3 2048-d", state.sha256, "FID")
