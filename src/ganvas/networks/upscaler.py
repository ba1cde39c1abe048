"""A generator for super-resolution: after SRGAN (Ledig et al. 2017, arXiv 1609.04802, figure 4) and EDSR (Lim et al. 2017,
arXiv 1707.02921, section 3.1), which leaves out batch norm.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.errors import UsageError

LARGEST = 8
"""Times; beyond there is nothing left in the source to begin with."""


def times_between(source: tuple[int, ...], target: tuple[int, ...]) -> int:
    """How many times larger the target (C, H, W) is than the source.

    Raises:
        UsageError: not a whole number of times, or another one down than across, or more than ``LARGEST``.
    """
    times = target[1] // source[1]
    if not 1 <= times <= LARGEST or tuple(target[1:]) != (source[1] * times, source[2] * times):
        sizes = " to ".join(f"{side[2]}x{side[1]}" for side in (source, target))
        raise UsageError(
            f"pictures go from {sizes}", f"make the target 1 to {LARGEST} times as large, the same in both directions"
        )
    return times


def factors(times: int) -> list[int]:
    """The prime factors of a number of 1 to 8."""
    found, prime = [], 2
    while times > 1:
        if times % prime:
            prime += 1
        else:
            found.append(prime)
            times //= prime
    return found


class Residual(nn.Module):
    """x + conv(relu(conv(x))), 3x3 convolutions, no norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed


class Upscaler(nn.Module):
    """(N, source channels, H, W) -> (N, target channels, times H, times W): the bicubic enlargement and the details it lacks.

    Residual blocks at the size of the source, then a convolution and a pixel shuffle for each prime factor. The last
    convolution starts at zero, so training starts from the bicubic enlargement (of one channel for all; of nothing, where the
    channels do not say more). An output pixel sees at most 2 * blocks + 6 source pixels around it and no averages: tiles leave
    no trace.

    Args:
        source_channels: of the input.
        target_channels: of the output.
        times: 2 to 8.
        width: channels of the maps.
        blocks: residual blocks; SRGAN and the smaller EDSR have 16.
    """

    multiple = 1

    def __init__(self, source_channels: int, target_channels: int, *, times: int, width: int = 64, blocks: int = 8) -> None:
        super().__init__()
        self.times = times
        self.starts_bicubic = source_channels in (1, target_channels)
        self.target_channels = target_channels
        self.head = nn.Conv2d(source_channels, width, 3, padding=1)
        self.body = nn.Sequential(*[Residual(width) for _ in range(blocks)], nn.Conv2d(width, width, 3, padding=1))
        larger: list[nn.Module] = []
        for factor in factors(times):
            larger += [nn.Conv2d(width, width * factor**2, 3, padding=1), nn.PixelShuffle(factor), nn.ReLU(inplace=True)]
        self.tail = nn.Sequential(*larger, nn.Conv2d(width, target_channels, 3, padding=1))
        last = self.tail[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        if self.starts_bicubic:
            nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, source: Tensor) -> Tensor:
        shallow = self.head(source)
        details: Tensor = self.tail(shallow + self.body(shallow)).float()
        if not self.starts_bicubic:
            return details
        enlarged = F.interpolate(source.float(), scale_factor=self.times, mode="bicubic", align_corners=False)
        return enlarged.expand(-1, self.target_channels, -1, -1) + details
