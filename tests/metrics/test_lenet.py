"""The feature network on a small set that it can learn in seconds: bars of four directions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganvas.data import ArrayData, points
from ganvas.errors import DataError, UsageError
from ganvas.metrics.lenet import FEATURES, lenet


def bars(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy 12x12 pictures with a bright row (0), column (1), falling (2) or rising (3) diagonal."""
    source = torch.Generator().manual_seed(seed)
    label = torch.randint(4, (count,), generator=source)
    image = torch.randint(0, 90, (count, 1, 12, 12), generator=source, dtype=torch.uint8)
    place = torch.randint(12, (count,), generator=source)
    line = torch.arange(12)
    for index in range(count):
        k = int(place[index])
        rows = [line * 0 + k, line, line, 11 - line][int(label[index])]
        columns = [line, line * 0 + k, line, line][int(label[index])]
        image[index, 0, rows, columns] = 255
    return image, label


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArrayData:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    classes = ["row", "column", "falling", "rising"]
    test = ArrayData(*bars(400, 1), classes=classes, name="bars (test)")
    return ArrayData(*bars(3000, 0), classes=classes, name="bars", test=lambda: test)


def test_learns_is_cached_and_mends_damage(data: ArrayData, tmp_path: Path) -> None:
    words: list[str] = []
    first = lenet(data, report=words.append)
    assert first.accuracy >= 0.97
    assert len(words) == 2
    again = lenet(data, report=words.append)
    assert len(words) == 2  # from the cache
    assert again.weights == first.weights
    image, label = data.held_out().real(400)
    assert label is not None
    assert torch.equal(again.features(image), first.features(image))
    assert again.features(image).shape == (400, FEATURES)
    assert float((again.classify(image) == label).double().mean()) == pytest.approx(first.accuracy)
    # One flipped bit in the weights: trained anew, to the same bits.
    (path,) = (tmp_path / "networks").glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    torch.set_num_threads(2)  # whatever the caller's thread count
    try:
        mended = lenet(data, report=words.append)
    finally:
        torch.set_num_threads(1)
    assert len(words) == 4
    assert mended.weights == first.weights


def test_random_state_of_the_caller_is_left_alone(data: ArrayData) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    lenet(data)
    assert torch.equal(torch.rand(3), expected)


def test_never_resizes_in_silence(data: ArrayData) -> None:
    network = lenet(data)
    with pytest.raises(UsageError, match="resize"):
        network.features(torch.zeros(2, 1, 28, 28))


def test_needs_labelled_pictures(data: ArrayData) -> None:
    with pytest.raises(DataError, match="labelled"):
        lenet(points("ring"))
    with pytest.raises(DataError, match="labelled"):
        lenet(ArrayData(data.images, name="unlabelled"))
