"""Sharpness: closed forms, and that blur lowers it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d

from ganvas.errors import UsageError
from ganvas.metrics import sharpness


def test_checkerboard_of_ones_has_variance_64() -> None:
    # The Laplacian of (-1)^(i+j) is -8 times itself.
    rows, columns = torch.meshgrid(torch.arange(10), torch.arange(10), indexing="ij")
    board = (1.0 - 2.0 * ((rows + columns) % 2))[None, None]
    assert sharpness(board) == pytest.approx(64.0, rel=1e-9)


def test_flat_and_linear_pictures_have_none() -> None:
    ramp = torch.linspace(-1, 1, 12).expand(2, 3, 12, 12)
    assert sharpness(ramp) == pytest.approx(0, abs=1e-12)


def test_white_noise_has_twenty_times_its_variance() -> None:
    noise = 0.1 * torch.randn(50, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert sharpness(noise) == pytest.approx(20 * 0.01, rel=0.03)  # 4^2 + 4 * 1^2


def test_blur_lowers_it() -> None:
    pictures = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert sharpness(avg_pool2d(pictures, 3, 1, 1)) < 0.2 * sharpness(pictures)


def test_refuses_points() -> None:
    with pytest.raises(UsageError, match="pictures"):
        sharpness(torch.zeros(5, 2))
