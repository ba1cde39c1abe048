"""Figures: what is drawn where."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.examples.figures import Curve, Frame, apart, draw_grids, draw_points, keep, tile

FRAME = Frame("A title", "a subtitle", "a note")


def test_tile_puts_each_picture_into_its_cell() -> None:
    pictures = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 1, 2, 3)
    sheet = tile(pictures, columns=3)
    assert sheet.shape == (2 * 2 + 1, 3 * 3 + 2, 3)
    shades = [0, 51, 102, 153, 204, 255]
    for number, shade in enumerate(shades):
        row, column = divmod(number, 3)
        cell = sheet[row * 3 : row * 3 + 2, column * 4 : column * 4 + 3]
        assert (cell == shade).all()
    assert (sheet[2] == 255).all()
    assert (sheet[:, 3] == 255).all()


def test_tile_keeps_colours_in_order() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert (tile(red, columns=1) == [255, 0, 0]).all()


def test_tile_refuses_an_incomplete_row() -> None:
    with pytest.raises(ValueError, match="5 pictures do not fill rows of 3"):
        tile(torch.zeros(5, 1, 2, 2), columns=3)


def test_grids_are_drawn_pixel_for_pixel() -> None:
    """Each pixel of a grid becomes a square of whole dots: the figure's pixels hold the grid, enlarged, exactly."""
    torch.manual_seed(0)
    pictures = torch.rand(4, 1, 28, 28) * 2 - 1
    png = draw_grids(FRAME, [("iteration 1", "caption", pictures), ("real", "", pictures)], columns=2, side=2)
    drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    grid = tile(pictures, 2)
    zoom = round(360 / grid.shape[0])
    large = grid.repeat(zoom, 0).repeat(zoom, 1)
    rows, columns = large.shape[:2]
    found = [
        (top, left)
        for top in range(120, 240)
        for left in range(30, 60)
        if (drawn[top, left : left + columns] == large[0]).all()
        and (drawn[top : top + rows, left : left + columns] == large).all()
    ]
    assert len(found) == 1


def test_a_figure_repeats_byte_for_byte() -> None:
    pictures = torch.zeros(4, 1, 8, 8)
    one, two = (draw_grids(FRAME, [("a", "b", pictures)], columns=1, side=2) for _ in range(2))
    assert one == two


def test_points_show_both_clouds_and_the_curve() -> None:
    torch.manual_seed(0)
    x = torch.rand(50) * 2 - 1
    real = torch.stack([x, x * x], 1)
    curve = Curve("distance", "to the curve", [1, 10], [0.5, 0.05], 0.04, "floor")
    png = draw_points(FRAME, [("iteration 1", "", real + 0.3), ("iteration 10", "", real)], real, curve, columns=3)
    drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    reddish = (drawn[..., 0] > drawn[..., 2] + 60).any(0)  # columns of the figure with generated points
    thirds = np.array_split(reddish, 3)
    assert all(third.any() for third in thirds)


def test_keep_writes_figure_and_numbers_side_by_side(tmp_path: Path) -> None:
    result = keep(tmp_path / "new", "name", b"png", {"value": 0.5})
    assert result.figure.read_bytes() == b"png"
    assert json.loads(result.record.read_text()) == {"value": 0.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        keep(tmp_path, "name", b"png", {"value": float("nan")})


def test_ticks_leave_room_for_their_labels() -> None:
    assert apart([420, 19024, 46576, 51168, 60352, 65600]) == [420, 19024, 65600]
    assert apart([25, 100, 400, 1000, 3000]) == [25, 100, 400, 1000, 3000]


def test_the_curve_takes_the_place_after_the_grids() -> None:
    pictures = torch.zeros(4, 1, 28, 28)
    curve = Curve("score", "over iterations", [1, 10], [0.5, 0.05], 0.04, "floor")
    plain, with_curve = (
        np.asarray(Image.open(io.BytesIO(draw_grids(FRAME, [("a", "", pictures)] * 3, columns=2, side=2, curve=c))))
        for c in (None, curve)
    )
    assert plain.shape == with_curve.shape
    changed = (plain != with_curve).any(-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() > plain.shape[0] * 0.5
    assert columns.min() > plain.shape[1] * 0.45
