"""Figures: pixels where they belong, metadata, strips that survive a resume, curves."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.errors import UsageError
from ganvas.runs import grids


def test_bytes_invert_how_data_is_read():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(torch.from_numpy(grids.to_bytes(pixels / 127.5 - 1)[0, :, :, 1]), pixels[0, 0])
    beyond = torch.tensor([-9.0, 9.0, float("nan"), float("inf")]).view(1, 1, 2, 2)
    assert grids.to_bytes(beyond)[0, :, :, 0].tolist() == [[0, 255], [128, 255]]


@pytest.mark.parametrize(
    ("channels", "shown"), [(1, [0, 0, 0]), (2, [0, 0, 0]), (3, [0, 1, 2]), (4, [0, 1, 2]), (9, [0, 1, 2])]
)
def test_channels(channels, shown):
    images = torch.linspace(-1, 1, channels).view(1, channels, 1, 1).expand(1, channels, 2, 2)
    wanted = ((images[0, shown, 0, 0] + 1) * 127.5).round().tolist()
    assert grids.to_bytes(images)[0, 0, 0].tolist() == wanted


def test_each_tile_lies_in_its_place():
    images = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 1, 60, 60)
    sheet = np.asarray(grids.grid(images, 4))
    assert sheet.shape == (2 * 62 + 2, 4 * 62 + 2, 3)
    centres = sheet[32::62, 32::62, 0]
    assert centres.flatten()[:6].tolist() == [51 * n for n in range(6)]
    assert centres.flatten()[6:].tolist() == [255, 255]  # paper


def test_small_pictures_are_enlarged_by_whole_numbers_and_large_grids_are_not():
    assert grids.grid(torch.zeros(4, 1, 28, 28)).size == (124, 124)
    assert grids.grid(torch.zeros(1, 1, 1, 5), 1).size == (9 * 48, 5 * 48)
    assert grids.grid(torch.zeros(10000, 1, 28, 28)).size == (3002, 3002)


def test_what_is_no_picture():
    with pytest.raises(UsageError, match="at least one picture"):
        grids.grid(torch.zeros(0, 1, 8, 8))
    with pytest.raises(UsageError, match="use scatter"):
        grids.grid(torch.zeros(5, 2))


def test_metadata_says_what_made_the_picture(tmp_path):
    path = grids.save_grid(
        tmp_path / "a" / "grid.png", torch.zeros(4, 3, 8, 8), {"seed": 3, "model": "abc", "what": "é[link=x]"}
    )
    assert grids.read_facts(path) == {"seed": "3", "model": "abc", "what": "é[link=x]"}
    assert [p.name for p in path.parent.iterdir()] == ["grid.png"]
    assert grids.read_facts(grids.save_grid(tmp_path / "b.png", torch.zeros(4, 3, 8, 8))) == {}


def rows_of(path):
    return [step for step, _ in grids.read_strip(path)]


def test_a_strip_grows_downwards_and_rewinds(tmp_path):
    path = tmp_path / "samples" / "progress.png"
    for step, level in ((0, -1.0), (100, 0.0), (200, 1.0)):
        grids.append_to_strip(path, torch.full((16, 1, 28, 28), level), step)
    assert rows_of(path) == [0, 100, 200]
    levels = [int(np.asarray(row)[30, 200, 0]) for _, row in grids.read_strip(path)]
    assert levels == [0, 128, 255]
    grids.append_to_strip(path, torch.zeros(16, 1, 28, 28), 150, "2 min")  # resumed from 100
    assert rows_of(path) == [0, 100, 150]
    assert [int(np.asarray(row)[30, 200, 0]) for _, row in grids.read_strip(path)] == [0, 128, 128]
    path.write_bytes(path.read_bytes()[:-200])
    grids.append_to_strip(path, torch.zeros(16, 1, 28, 28), 300)
    assert rows_of(path) == [300]


def test_a_strip_stays_a_picture_one_can_look_at(tmp_path, monkeypatch):
    monkeypatch.setattr(grids, "STRIP_ROWS", 6)
    path = tmp_path / "progress.png"
    for step in range(20):
        grids.append_to_strip(path, torch.zeros(2, 1, 4, 4), step)
    steps = rows_of(path)
    assert len(steps) <= 6 and steps[0] == 0 and steps[-1] == 19


def test_a_strip_of_points(tmp_path):
    path = grids.append_to_strip(tmp_path / "p.png", torch.randn(100, 2), 5)
    assert rows_of(path) == [5]


@pytest.mark.parametrize(
    "points", [torch.randn(200, 2), torch.randn(50, 1), torch.randn(50, 7), torch.full((3, 2), float("nan"))]
)
def test_clouds(points):
    picture = grids.scatter(points, real=torch.randn(100, 2))
    assert picture.size == (500, 500) and picture.mode == "RGB"
    assert Image.open(io.BytesIO(grids.picture_bytes(points))).size == (500, 500)


def test_curves_by_player(tmp_path):
    records = [
        {
            "step": n,
            "images": 64 * n,
            "seconds": 1.0,
            "critic/wasserstein": -n,
            "critic/penalty": None,
            "generator/$x_": 1.5,
            "wasserstein": n,
        }
        for n in range(5)
    ]
    panels = grids.curves(records)
    assert list(panels) == ["critic", "generator", "Wasserstein estimate E[f(x)] - E[f(G(z))], raw"]
    assert panels["critic"]["wasserstein"] == ([0, 64, 128, 192, 256], [0, -1, -2, -3, -4])
    assert np.isnan(panels["critic"]["penalty"][1]).all()
    path = grids.save_curves(tmp_path / "curves.png", records)
    with Image.open(path) as picture:
        assert picture.size == (800, 780)
    assert grids.save_curves(tmp_path / "none.png", [{"step": 1}]) is None
    assert len(grids.curves([{"images": n, "a/b": 0.0} for n in range(9000)])["a"]["b"][0]) <= 2000
