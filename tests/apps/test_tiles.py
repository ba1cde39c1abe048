"""Tiles: equal to the whole picture for a local function, no seams for any other, and bounded memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.apps.tiles import tile_side, translate_tiled
from ganvas.errors import UsageError
from ganvas.networks.padding import padded


def local() -> nn.Module:
    """Two convolutions of which an output pixel sees 4 pixels around it, the border mirrored."""
    torch.manual_seed(0)
    first, second = (nn.Conv2d(i, o, 5, padding=2, padding_mode="reflect") for i, o in ((3, 6), (6, 2)))
    return nn.Sequential(first, nn.Tanh(), second).requires_grad_(False)


@pytest.mark.parametrize("size", [(40, 40), (100, 37), (33, 150), (129, 131), (7, 90)])
@pytest.mark.parametrize("tile", [32, 48])
def test_equals_the_whole_picture_for_a_local_function(size: tuple[int, int], tile: int) -> None:
    network, picture = local(), torch.randn(3, *size)
    whole = network(picture[None])[0]
    assert torch.allclose(translate_tiled(network, picture, tile=tile, overlap=16), whole, atol=1e-6)


def test_too_small_an_overlap_would_show() -> None:
    """The quarter of the overlap that is left out is what makes it equal."""
    network, picture = local(), torch.randn(3, 100, 100)
    whole = network(picture[None])[0]
    assert not torch.allclose(translate_tiled(network, picture, tile=32, overlap=4), whole, atol=1e-3)


@pytest.mark.parametrize("times", [2, 3])
def test_a_function_that_enlarges(times: int) -> None:
    network, picture = local(), torch.randn(3, 70, 95)

    def enlarging(tile: Tensor) -> Tensor:
        return F.interpolate(network(tile), scale_factor=times)

    assert torch.allclose(translate_tiled(enlarging, picture, tile=32, overlap=16), enlarging(picture[None])[0], atol=1e-6)


def test_strided_networks_see_the_same_grid_as_in_the_whole_picture() -> None:
    torch.manual_seed(0)
    down, up = nn.Conv2d(3, 4, 4, stride=2, padding=1), nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)
    network = nn.Sequential(down, nn.Tanh(), up).requires_grad_(False)
    picture = torch.randn(3, 101, 75)
    wide, crop = padded(picture[None], 8)
    found = translate_tiled(network, picture, tile=40, overlap=16, multiple=8)
    assert torch.allclose(found, crop(network(wide))[0], atol=1e-6)


def test_any_dtype_and_rows_are_finished_once_in_order() -> None:
    picture = torch.randint(0, 256, (1, 90, 50), dtype=torch.uint8)
    seen: list[slice] = []

    def finish(band: Tensor, rows: slice) -> Tensor:
        seen.append(rows)
        assert torch.equal(band.round().to(torch.uint8), picture[:, rows])
        return band.round().to(torch.uint8)

    found = translate_tiled(lambda tile: tile.float(), picture, tile=32, overlap=8, finish=finish)
    assert torch.equal(found, picture)
    assert [rows.start for rows in seen] == [0, *[rows.stop for rows in seen[:-1]]]
    assert seen[-1].stop == 90
    assert len(seen) > 2


def test_no_seam_where_tiles_disagree() -> None:
    """Each tile becomes a constant of its own: between neighbours the result climbs evenly and never jumps."""
    values = iter([0.0, 1.0] * 100)
    found = translate_tiled(lambda tile: torch.full(tile.shape, next(values)), torch.zeros(1, 64, 128), tile=64, overlap=32)
    assert found.min() == 0
    assert found.max() == 1
    assert found.diff(dim=2).abs().max() <= 1.5 / 16


def test_the_function_sees_only_tiles() -> None:
    largest = 0

    def watch(tile: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, tile.shape[2] * tile.shape[3])
        return tile

    translate_tiled(watch, torch.zeros(1, 300, 200), tile=64, overlap=16)
    assert largest == 64 * 64


def test_refusals() -> None:
    with pytest.raises(UsageError, match="cannot share 64"):
        translate_tiled(lambda tile: tile, torch.zeros(1, 200, 200), tile=64, overlap=64)
    with pytest.raises(UsageError, match="became 31x31"):
        translate_tiled(lambda tile: tile[..., 1:, 1:], torch.zeros(1, 32, 32), tile=64)


def test_tile_side_by_memory() -> None:
    assert tile_side(64, free=1 << 40) == 1024
    assert tile_side(64, free=1 << 20) == 256
    assert tile_side(64, free=2 << 30) == 832  # 832^2 pixels of 6 * 64 * 4 bytes are just under 1 GiB
    assert 256 <= tile_side(64) <= 1024
