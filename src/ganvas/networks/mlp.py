"""Multilayer perceptrons for points."""

from __future__ import annotations

from torch import Tensor, nn


class MLP(nn.Sequential):
    """``depth`` hidden layers of ``width`` neurons: Linear -> activation, then a last Linear.

    Args:
        inputs: features of one sample, the input is (N, inputs).
        outputs: features out; with ``squeeze`` and one output the result is (N,), a score a sample.
        width: neurons of a hidden layer.
        depth: hidden layers.
        slope: negative slope of the leaky ReLU; 0 is the plain ReLU.
        squeeze: drop the last axis, for critics.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, depth: int = 3, slope: float = 0.0, squeeze: bool = False):
        sizes = [inputs, *[width] * depth]
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
            linear = nn.Linear(fan_in, fan_out)
            nn.init.kaiming_normal_(linear.weight, a=slope)
            nn.init.zeros_(linear.bias)
            layers += [linear, nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Linear(width, outputs))
        self.squeeze = squeeze

    def forward(self, samples: Tensor) -> Tensor:
        out: Tensor = super().forward(samples)  # type: ignore[no-untyped-call]  # (N, outputs)
        return out.squeeze(1) if self.squeeze else out
