"""Statistics of real data are computed once for each content, and never taken from a damaged or foreign file."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.data import ArrayData, points
from ganvas.errors import UsageError
from ganvas.metrics.networks import Raw
from ganvas.metrics.real_statistics import real_statistics

module = importlib.import_module("ganvas.metrics.real_statistics")  # whose name in the package is the function's


@dataclass(frozen=True)
class Counted(Raw):
    """Raw values; remembers how often it was asked."""

    asked: list[int] = field(default_factory=list)

    def features(self, image: Tensor, batch_size: int = 100) -> Tensor:
        self.asked.append(len(image))
        return super().features(image, batch_size)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def data() -> ArrayData:
    image = torch.randint(0, 256, (60, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return ArrayData(image, name="noise").split(0.5)


def test_the_second_call_asks_no_network(data: ArrayData) -> None:
    network = Counted()
    first, again = (real_statistics(network, data, 20, seed=3) for _ in range(2))
    assert network.asked == [20]
    assert torch.equal(first.features, again.features) and torch.equal(first.features, data.real(20, 3).image.flatten(1))
    assert (again.count, again.moments.count) == (20, 20)
    torch.testing.assert_close(again.moments.covariance, torch.cov(first.features.double().T), rtol=1e-12, atol=1e-14)
    assert torch.equal(again.moments.mean, first.moments.mean)


def test_every_part_of_the_key_counts(data: ArrayData) -> None:
    network = Counted()
    real_statistics(network, data, 20)
    others = [replace(network, name="x"), replace(network, weights="x"), replace(network, resizer="x")]
    for other in others:
        real_statistics(other, data, 20)
    real_statistics(network, data, 21)
    real_statistics(network, data, 20, seed=1)
    real_statistics(network, data, 20, split="test")
    assert len(network.asked) == 7
    assert real_statistics(network, data, 1000).count == 30  # all there are
    real_statistics(network, data, 30)
    assert len(network.asked) == 8
    ring = points("ring")  # whose held-out part has the same fingerprint
    train, test = (real_statistics(network, ring, 50, split=split).features for split in ("train", "test"))
    assert not torch.equal(train, test)


def test_damage_is_found_and_mended(data: ArrayData, cache: Path) -> None:
    network = Counted()
    whole = real_statistics(network, data, 20)
    (path,) = (cache / "statistics").iterdir()
    content = path.read_bytes()
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), content[:-7], b"", b"no file of ours"):
        path.write_bytes(damaged)
        assert torch.equal(real_statistics(network, data, 20).features, whole.features)
    assert torch.equal(real_statistics(network, data, 20).features, whole.features)
    assert len(network.asked) == 5  # mended each time, and found whole the last
    assert module.load(path, "another mark") is None


def test_only_so_many_features_are_kept(data: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 8)
    found = real_statistics(Raw(), data, 20)
    assert len(found.features) == 8 and found.count == found.moments.count == 20


def test_constant_pictures_and_bad_requests() -> None:
    constant = ArrayData(torch.full((10, 1, 2, 2), 7, dtype=torch.uint8))
    assert float(real_statistics(Raw(), constant, 10).moments.covariance.abs().max()) == 0
    with pytest.raises(UsageError, match="at least two"):
        real_statistics(Raw(), constant, 1)


def test_features_that_are_not_finite_are_never_kept(data: ArrayData, cache: Path) -> None:
    class Broken(Raw):
        def features(self, image: Tensor, batch_size: int = 100) -> Tensor:
            return super().features(image, batch_size) / 0

    with pytest.raises(UsageError, match="NaN or infinity"):
        real_statistics(Broken(), data, 20)
    assert not list(cache.rglob("*.safetensors"))
