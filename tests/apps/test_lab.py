"""sRGB and Lab: known colours, round trips."""

from __future__ import annotations

import pytest
import torch

from ganvas.apps.lab import encoded, lightness, linear, luminance, to_lab, to_rgb


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_known_colours(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = to_lab(torch.tensor(rgb, dtype=torch.float64).view(3, 1, 1)).flatten()
    assert found.tolist() == pytest.approx(lab, abs=0.03)  # the tables have a matrix of more decimals


def test_round_trip_of_every_eighth_colour() -> None:
    level = torch.arange(0, 256, 5) / 255
    rgb = torch.cartesian_prod(level, level, level).T.reshape(3, 52, -1)
    back = to_rgb(to_lab(rgb))
    assert (back - rgb).abs().max() <= 1 / 512
    assert torch.equal((back * 255).round(), (rgb * 255).round())


def test_grey_has_no_chroma_and_its_own_lightness() -> None:
    grey = torch.linspace(0, 1, 256, dtype=torch.float64).expand(3, 1, 256)
    lab = to_lab(grey)
    assert lab[1:].abs().max() < 1e-9
    assert torch.allclose(lab[0], lightness(luminance(grey))[0])
    assert (lab[0].diff() > 0).all()


def test_encoding_is_its_own_inverse_and_continuous() -> None:
    light = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    assert torch.allclose(linear(encoded(light)), light, atol=1e-6)
    assert encoded(light).diff().max() < 0.002
