"""FIR resampling against a slow reference: zeros put between pixels, and sums over taps written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from ganvas.networks.fir import Fir, after_doubling, before_halving, doubling, halving

TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8


def filtered(image: np.ndarray, before: int, gain: float = 1.0) -> np.ndarray:
    """Correlation of one channel with the filter, zeros outside, ``before`` and as many after on each side."""
    padded = np.pad(image, before)
    rows, columns = padded.shape[0] - 3, padded.shape[1] - 3
    out = np.zeros((rows, columns))
    for i in range(4):
        for j in range(4):
            out += gain * TAPS[i] * TAPS[j] * padded[i : i + rows, j : j + columns]
    return out


def doubled(image: np.ndarray) -> np.ndarray:
    """A zero after each pixel, then the filter with 4 times the gain; of the full response the doubled sides are kept."""
    wide = np.zeros((2 * image.shape[0], 2 * image.shape[1]))
    wide[::2, ::2] = image
    return filtered(np.pad(wide, ((2, 1), (2, 1))), 0, 4.0)


REFERENCES = {
    "doubling": (doubling, doubled),
    "halving": (halving, lambda image: filtered(image, 1)[::2, ::2]),
    "before halving": (before_halving, lambda image: filtered(image, 2)),
    "after doubling": (after_doubling, lambda image: filtered(image, 1, 4.0)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_it_is_the_sum_over_taps(name):
    make, reference = REFERENCES[name]
    image = torch.randn(2, 3, 6, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = make().double()(image)
    wanted = np.stack([[reference(channel) for channel in sample] for sample in image.numpy()])
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-12)


def test_sizes_and_constants():
    flat = torch.ones(1, 2, 8, 12)
    assert doubling()(flat).shape == (1, 2, 16, 24) and halving()(flat).shape == (1, 2, 4, 6)
    torch.testing.assert_close(doubling()(flat)[..., 2:-2, 2:-2], torch.ones(1, 2, 12, 20))
    torch.testing.assert_close(halving()(flat)[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 4))
    ramp = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(1))
    inner = (..., slice(2, -2), slice(2, -2))  # away from the border, it is bilinear
    torch.testing.assert_close(doubling()(ramp)[inner], interpolate(ramp, scale_factor=2, mode="bilinear")[inner])


@pytest.mark.parametrize("make", [doubling, halving, before_halving, after_doubling])
def test_it_is_differentiable_twice(make):
    layer: Fir = make().double()
    image = torch.randn(1, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x).square(), image)
    assert torch.autograd.gradgradcheck(lambda x: layer(x).square(), image)
