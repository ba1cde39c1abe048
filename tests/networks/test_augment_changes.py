"""The composed changes of ADA against a slow reference that does one after the other, picture by picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganvas.networks.augment import colour, geometry
from ganvas.networks.augment.corruption import BAND_POWER, bands, filtered, noisy, octave_gains
from ganvas.networks.augment.geometry import Moves, undoing, warped
from ganvas.networks.augment.resample import SYM6, resampled


def moves_of(count: int, p: float, shape: tuple[int, ...] = (1, 20, 20), seed: int = 0, **groups: bool) -> Moves:
    torch.manual_seed(seed)
    return geometry.drawn(torch.empty(count, *shape), p, **({"blit": True, "geom": True} | groups))


def moved_point(moves: Moves, n: int, x: float, y: float) -> tuple[float, float]:
    """Where a point goes, change after change, as the paper lists them; x to the right, y down."""

    def turned(x: float, y: float, angle: float) -> tuple[float, float]:
        return x * math.cos(angle) + y * math.sin(angle), -x * math.sin(angle) + y * math.cos(angle)

    own = [float(part[n]) if part.dim() == 1 else part[n].tolist() for part in moves]
    flip, quarters, whole, scale, before, stretch, after, parts = own
    x, y = turned(x * flip, y, quarters * math.pi / 2)
    x, y = x + whole[0], y + whole[1]
    x, y = turned(x * scale, y * scale, before)
    x, y = turned(x * stretch, y / stretch, after)
    return x + parts[0], y + parts[1]


@pytest.mark.parametrize("shape", [(1, 20, 20), (3, 12, 30)])
def test_the_composed_map_undoes_the_changes_one_after_the_other(shape: tuple[int, ...]) -> None:
    moves = moves_of(200, 0.8, shape)
    inverse = undoing(Moves(*(part.double() for part in moves)))
    for n in range(200):
        for x, y in ((0.0, 0.0), (3.0, -1.5), (-7.25, 4.0)):
            back = inverse[n] @ torch.tensor([*moved_point(moves, n, x, y), 1.0], dtype=torch.float64)
            assert back.tolist() == pytest.approx([x, y, 1.0], abs=1e-5)


def test_changes_happen_as_often_as_the_paper_says_and_stillness_most_often() -> None:
    """A flip or quarter turn is drawn among all of them: no outcome may be as likely as none, or the generator learns it."""
    count, p = 40_000, 0.8
    moves = moves_of(count, p)

    def share(which: torch.Tensor) -> float:
        return float(which.double().mean())

    assert share(moves.flip == -1) == pytest.approx(p / 2, abs=0.01)
    assert [share(moves.quarters == k) for k in range(4)] == pytest.approx([1 - p * 3 / 4, p / 4, p / 4, p / 4], abs=0.01)
    assert share(moves.scale != 1) == pytest.approx(p, abs=0.01)
    assert share((moves.before != 0) | (moves.after != 0)) == pytest.approx(p, abs=0.01)
    assert share((moves.whole != 0).any(1)) == pytest.approx(p * (1 - 0.2**2), abs=0.01)  # of U(-2.5, 2.5), a fifth rounds to 0
    assert set(moves.whole.flatten().tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert float(moves.scale[moves.scale != 1].log2().std()) == pytest.approx(0.2, abs=0.005)
    assert float(moves.parts[moves.parts[:, 0] != 0].std()) == pytest.approx(0.125 * 20, rel=0.02)


def test_a_picture_that_is_not_square_is_turned_upside_down_only() -> None:
    moves = moves_of(4000, 0.8, (1, 12, 30))
    assert set(moves.quarters.tolist()) == {0.0, 2.0}
    assert float((moves.quarters == 2).double().mean()) == pytest.approx(0.4, abs=0.03)


def test_untouched_pictures_are_the_same_to_the_bit_and_groups_are_apart() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(2000, 1, 8, 8)
    same = (warped(pictures, 0.3, blit=True, geom=False) == pictures).flatten(1).all(1).double().mean()
    # Of U(-1, 1) pixels each way a half rounds to none.
    assert float(same) == pytest.approx((1 - 0.15) * (1 - 0.225) * (1 - 0.3 * 0.75), abs=0.03)
    only = moves_of(50, 0.8, blit=False)
    assert torch.equal(only.flip, torch.ones(50))
    assert torch.equal(only.whole, torch.zeros(50, 2))
    assert torch.equal(moves_of(50, 0.8, geom=False).scale, torch.ones(50))


def test_the_filter_is_an_orthonormal_wavelet_with_six_vanishing_moments() -> None:
    taps, k = np.array(SYM6), np.arange(12)
    assert taps.sum() == pytest.approx(2**0.5)
    assert [taps[2 * m :] @ taps[: 12 - 2 * m] for m in range(6)] == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-11)
    assert [(taps * (-1.0) ** k) @ ((k - 5) / 6) ** m for m in range(6)] == pytest.approx([0] * 6, abs=1e-11)


def maps(count: int, rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor([*rows, [0.0, 0.0, 1.0]], dtype=torch.float64).repeat(count, 1, 1)


def test_whole_shifts_move_pixels_exactly_and_mirrors_nearly() -> None:
    pictures = torch.rand(2, 3, 24, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    still = resampled(pictures, maps(2, [[1, 0, 0], [0, 1, 0]]))
    assert torch.allclose(still[:, :, 6:-6, 6:-6], pictures[:, :, 6:-6, 6:-6], atol=1e-9)
    assert (still - pictures).abs().max() < 0.1  # the borders, since the filter is not quite symmetric
    right = resampled(pictures, maps(2, [[1, 0, -3], [0, 1, 2]]))  # 3 to the right, 2 up
    assert torch.allclose(right[:, :, 6:-8, 9:-6], pictures[:, :, 8:-6, 6:-9], atol=1e-9)


def smooth(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2
    x = torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2
    return y[:, None].expand(rows, columns), x[None, :].expand(rows, columns)


def scene(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.exp(-((x - 3).square() + (y + 2).square()) / 18) - 0.7 * torch.exp(-((x + 4).square() + y.square()) / 12)


@pytest.mark.parametrize("side", [(32, 32), (32, 40)])
def test_a_smooth_scene_is_moved_as_the_formula_says(side: tuple[int, int]) -> None:
    y, x = smooth(*side)
    moves = moves_of(60, 0.8, (1, *side), seed=3)
    inverse = undoing(Moves(*(part.double() for part in moves)))
    found = resampled(scene(x, y).expand(60, 1, *side), inverse)[:, 0]
    for n in range(60):
        (a, b, c), (d, e, f), _ = inverse[n].tolist()
        source_x, source_y = a * x + b * y + c, d * x + e * y + f
        inside = (source_x.abs() < side[1] / 2 - 4) & (source_y.abs() < side[0] / 2 - 4)
        error = (found[n] - scene(source_x, source_y))[inside].abs()
        # The filter places things to a tenth of a pixel, and the scene rises by up to 0.3 a pixel.
        assert error.numel() == 0 or float(error.max()) < 0.05


def test_what_comes_in_is_the_picture_mirrored_at_its_border() -> None:
    _, x = smooth(24, 24)
    picture = ((x + 12) / 24).expand(1, 1, 24, 24)  # a ramp from left to right
    found = resampled(picture, maps(1, [[1, 0, -6], [0, 1, 0]]))[0, 0, 12]
    places = torch.arange(24, dtype=torch.float64) - 6 + 0.5
    assert torch.allclose(found, places.abs() / 24, atol=0.02)


def tint_matrix(tints: colour.Tints, n: int) -> np.ndarray:
    """The product of 4x4 matrices, one a change, by the textbook."""
    v = np.ones(3) / 3**0.5
    brightness, contrast, luma, hue, saturation = (float(part[n]) for part in tints)
    shift, stretch, over, turn, paler = (np.eye(4) for _ in range(5))
    shift[:3, 3] = brightness
    stretch[:3, :3] *= contrast
    if luma < 0:
        over[:3, :3] -= 2 * np.outer(v, v)
    for column in range(3):
        e = np.eye(3)[column]
        turn[:3, column] = e * np.cos(hue) + np.cross(v, e) * np.sin(hue) + v * (v @ e) * (1 - np.cos(hue))
    paler[:3, :3] = np.outer(v, v) + (np.eye(3) - np.outer(v, v)) * saturation
    return (paler @ turn @ over @ stretch @ shift)[:3]


def test_the_composed_colours_equal_the_changes_one_after_the_other() -> None:
    torch.manual_seed(0)
    tints = colour.drawn(torch.empty(100, 3, 4, 4), 0.8)
    found = colour.composed(tints).numpy()
    assert [np.abs(found[n] - tint_matrix(tints, n)).max() for n in range(100)] == pytest.approx([0] * 100, abs=2e-5)


def test_each_number_of_channels_has_the_changes_that_mean_something() -> None:
    grey, other = (colour.drawn(torch.empty(2000, channels, 4, 4), 0.8) for channels in (1, 4))
    assert float((grey.luma == -1).double().mean()) == pytest.approx(0.4, abs=0.04)
    assert torch.equal(other.luma, torch.ones(2000))
    for tints in (grey, other):
        assert torch.equal(tints.hue, torch.zeros(2000))
        assert torch.equal(tints.saturation, torch.ones(2000))
        assert float((tints.brightness != 0).double().mean()) == pytest.approx(0.8, abs=0.04)
        assert float(tints.contrast[tints.contrast != 1].log2().std()) == pytest.approx(0.5, abs=0.03)
    picture = torch.rand(5, 1, 3, 3)
    torch.manual_seed(1)
    found = colour.tinted(picture, 0.8)
    torch.manual_seed(1)
    alike = colour.tinted(picture.expand(5, 1, 3, 3), 0.8)
    assert torch.equal(found, alike)


def test_the_octaves_are_bands_that_add_up_to_the_picture() -> None:
    octaves = bands(64, torch.float64, torch.device("cpu"))
    assert torch.allclose(octaves.sum(0), torch.eye(64, dtype=torch.float64), atol=1e-12)
    x = torch.arange(64, dtype=torch.float64) + 0.5
    for band, frequency in enumerate((0.03, 0.17, 0.37, 0.9)):  # of half the sampling rate, about the middle of each octave
        wave = (math.pi * frequency * x).cos()
        power = [(octave @ wave).square().sum().item() for octave in octaves]
        assert int(np.argmax(power)) == band


def test_filters_keep_the_expected_power_and_noise_its_deviation() -> None:
    torch.manual_seed(0)
    gains = octave_gains(torch.empty(4000, 1, 8, 8), 0.5)
    assert float((gains == 1).all(1).double().mean()) == pytest.approx(0.5**4, abs=0.015)
    power = torch.tensor(BAND_POWER)
    one = octave_gains(torch.empty(4000, 1, 8, 8), 0.01)  # nearly always at most one octave
    kept = ((one.square() * power).sum(1) - 1).abs() < 1e-5
    assert float(kept.double().mean()) > 0.998
    assert float((one != 1).any(1).double().mean()) == pytest.approx(1 - 0.99**4, abs=0.01)
    torch.manual_seed(1)
    plain = filtered(torch.full((8, 1, 8, 8), 0.5), 0.5)
    torch.manual_seed(1)
    lowest = octave_gains(torch.empty(8, 1, 8, 8), 0.5)[:, 0]
    assert torch.allclose(plain, 0.5 * lowest.square().view(-1, 1, 1, 1).expand_as(plain), atol=1e-5)  # once a direction
    pictures = torch.zeros(4000, 1, 8, 8)
    deviation = noisy(pictures, 0.5).flatten(1).std(1)
    assert float((deviation == 0).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(deviation[deviation > 0].square().mean().sqrt()) == pytest.approx(0.1, rel=0.05)
