"""The distributions are the formulas they claim to be."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.data import points
from ganvas.data.points import POINTS
from ganvas.errors import UsageError


@pytest.mark.parametrize("name", POINTS)
def test_streams_are_pure_functions_of_seed_and_cursor(name: str) -> None:
    data = points(name)
    stream = data.stream(16, seed=2)
    batches = [next(stream).image for _ in range(5)]
    assert torch.equal(data.stream(16, seed=2).at(3).image, batches[3])
    assert not torch.equal(batches[0], batches[1])
    assert not torch.equal(data.stream(16, seed=3).at(0).image, batches[0])
    assert batches[0].shape == (16, 2) and batches[0].dtype == torch.float32


@pytest.mark.parametrize("name", POINTS)
def test_ranks_share_out_the_global_batch(name: str) -> None:
    data = points(name)
    ranks = [data.stream(8, seed=2, rank=rank, world=2).at(4).image for rank in range(2)]
    assert torch.equal(torch.cat(ranks), data.stream(16, seed=2).at(4).image)


@pytest.mark.parametrize("name", POINTS)
def test_held_out_and_real_draws_are_not_training_draws(name: str) -> None:
    data = points(name)
    held = data.held_out()
    assert len(data) == 0 and data and held.fingerprint == data.fingerprint
    draws = [data.stream(16, seed=0).at(0).image, held.stream(16, seed=0).at(0).image, data.real(16).image, held.real(16).image]
    assert all(not torch.equal(a, b) for index, a in enumerate(draws) for b in draws[:index])
    assert torch.equal(data.real(16, 3).image, points(name).real(16, 3).image)


def test_x_squared_lies_on_the_curve() -> None:
    x, y = points("x-squared", reach=2).real(4000).image.T
    assert torch.equal(y, x * x)
    assert abs(float(x.mean())) < 0.1 and float(x.min()) < -1.95 and float(x.max()) > 1.95
    assert abs(float(x.var()) - 4 / 3) < 0.1  # U(-2, 2)


@pytest.mark.parametrize(("name", "count", "sigma"), [("ring", 8, 0.02), ("grid", 25, 0.05), ("two-gaussians", 2, 1.0)])
def test_mixtures_have_their_modes_and_spread(name: str, count: int, sigma: float) -> None:
    data = points(name)
    assert data.modes is not None and data.modes.shape == (count, 2) and data.sigma == sigma
    image, label = data.real(20_000)
    assert label is not None and data.spec.classes == tuple(str(index) for index in range(count))
    offset = image - data.modes[label]
    assert abs(float(offset.std()) / sigma - 1) < 0.02
    share = torch.bincount(label, minlength=count) / len(label)
    assert float((share - 1 / count).abs().max()) < 4 * math.sqrt(1 / count / 20_000)
    inside = (offset.norm(dim=1) <= 3 * sigma).double().mean()
    assert abs(float(inside) - (1 - math.exp(-4.5))) < 0.003  # the perfect sampler's 98.89 % of acceptance.md


def test_where_the_modes_are() -> None:
    ring = points("ring").modes
    assert ring is not None and torch.allclose(ring.norm(dim=1), torch.full((8,), 2.0))
    assert torch.allclose(ring[0], torch.tensor([2.0, 0.0]))
    grid = points("grid").modes
    assert grid is not None and sorted(set(grid.flatten().tolist())) == [-2, -1, 0, 1, 2] and len(grid.unique(dim=0)) == 25


def test_swiss_roll_is_the_spiral_of_the_paper() -> None:
    position = points("swiss-roll", noise=0).real(2000).image.double() * 7.5
    radius = position.norm(dim=1)
    assert float(radius.min()) >= 1.5 * math.pi - 1e-4 and float(radius.max()) <= 4.5 * math.pi + 1e-4
    spiral = torch.stack([radius * radius.cos(), radius * radius.sin()], dim=1)
    assert torch.allclose(spiral, position, atol=1e-4)
    assert abs(float(points("swiss-roll").real(50_000).image.std()) - 0.89) < 0.05  # close to 1: why the paper divides by 7.5


def test_parameters_change_the_fingerprint_and_reopen() -> None:
    data = points("ring", modes=5, sigma=0.1)
    assert data.fingerprint != points("ring").fingerprint
    parameters = data.recipe["parameters"]
    assert points("ring", **parameters).fingerprint == data.fingerprint
    assert "sigma=0.1" in data.origin


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("rings", {}, "ring"),
        ("ring", {"radios": 2}, "radius"),
        ("ring", {"sigma": 0}, "above 0"),
        ("ring", {"modes": -3}, "above 0"),
        ("grid", {"spacing": math.nan}, "above 0"),
        ("swiss-roll", {"noise": -1}, "at least 0"),
        ("ring", {"sigma": "wide"}, "not a number"),
    ],
)
def test_senseless_points_are_refused(name: str, parameters: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        points(name, **parameters)
