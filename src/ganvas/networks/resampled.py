"""3x3 convolutions joined with the doubling before or the halving after them: the same maps for 16 multiplications where the
plain order takes 36.

Copying each pixel to 2x2 and then convolving shows the kernel every pixel twice or more; so does convolving everywhere and then
averaging 2x2 blocks. Added up over what it sees, the kernel grows to 4x4, and one convolution of stride 2 is both. The weight
stays the 3x3 one, so that spectral norm, initialisation and orthogonal regularisation see what their papers mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.networks.fold import vectorised
from ganvas.networks.upwards import Doubling


def blurred(weight: Tensor) -> Tensor:
    """The means of all 2x2 blocks of a kernel continued by zeros: (O, C, 3, 3) -> (O, C, 4, 4)."""
    return F.avg_pool2d(F.pad(weight, (1, 1, 1, 1)), 2, stride=1)


class UpConv2d(nn.Conv2d):
    """``Conv2d(inputs, outputs, 3, padding=1)`` of the picture doubled to nearest pixels: (N, C, H, W) -> (N, O, 2H, 2W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.fast = vectorised()

    def forward(self, image: Tensor) -> Tensor:
        # Seen from its input a doubling convolution is a transposed one, whose kernel is the other way around.
        weight, bias = 4 * blurred(self.weight.flip(2, 3)).transpose(0, 1), self.bias
        if not self.fast or image.device.type != "cpu" or torch.compiler.is_compiling():
            return F.conv_transpose2d(image, weight, bias, stride=2, padding=1)
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            image, weight, bias = image.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
        doubled: Tensor = Doubling.apply(image, weight, bias)  # type: ignore[no-untyped-call]
        return doubled


class DownConv2d(nn.Conv2d):
    """``Conv2d(inputs, outputs, 3, padding=1)``, then means of 2x2 blocks: (N, C, H, W) -> (N, O, H/2, W/2), even H and W."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return F.conv2d(image, blurred(self.weight), self.bias, stride=2, padding=1)
