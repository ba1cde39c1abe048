"""Padding and its way back."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from ganvas.networks.padding import padded


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 16), (9, 31)])
@pytest.mark.parametrize("multiple", [1, 4, 16])
def test_there_and_back(size: tuple[int, int], multiple: int) -> None:
    picture = torch.randn(2, 3, *size)
    wide, crop = padded(picture, multiple)
    assert wide.shape[2] % multiple == wide.shape[3] % multiple == 0
    assert max(w - s for w, s in zip(wide.shape[2:], size, strict=True)) < multiple
    assert torch.equal(crop(wide), picture)


def test_the_way_back_follows_a_network_that_enlarges() -> None:
    picture = torch.randn(1, 1, 5, 7)
    wide, crop = padded(picture, 4)
    assert torch.equal(crop(F.interpolate(wide, scale_factor=2)), F.interpolate(picture, scale_factor=2))


def test_it_is_mirrored_and_least_holds() -> None:
    picture = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 5, 5)
    wide, _ = padded(picture, 1, least=9)
    assert wide[0, 0, 4].tolist() == [2, 1, 0, 1, 2, 3, 4, 3, 2]


def test_a_right_size_is_left_alone() -> None:
    picture = torch.randn(1, 1, 8, 4)
    assert padded(picture, 4)[0] is picture
