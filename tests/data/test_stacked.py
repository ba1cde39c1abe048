"""Stacked digits: labels name the channels, draws are a function of (seed, rank, cursor), held-out digits are others."""

from __future__ import annotations

import pytest
import torch

from ganvas.data import ArrayData, open_source
from ganvas.data.stacked import StackedDigits
from ganvas.errors import UsageError

CLASSES = [str(digit) for digit in range(10)]


def digits(count: int = 200) -> ArrayData:
    """Pictures of one value that tells the digit, and a test set whose values are one higher."""
    labels = torch.arange(count) % 10

    def of(offset: int) -> ArrayData:
        images = (labels * 10 + offset).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()
        return ArrayData(images, labels, classes=CLASSES, name="digits")

    return of(0).whole(lambda: of(1))


def values(image: torch.Tensor) -> torch.Tensor:
    return ((image[:, :, 0, 0] + 1) * 127.5).round().long()


def test_labels_name_the_channels() -> None:
    data = StackedDigits(digits())
    image, label = next(data.stream(64, seed=0))
    assert image.shape == (64, 3, 4, 4)
    assert label is not None
    assert torch.equal(values(image) // 10 @ torch.tensor([100, 10, 1]), label)
    assert data.spec.classes[907] == "907"


def test_every_mode_is_as_likely() -> None:
    label = StackedDigits(digits()).real(26_000).label
    assert label is not None
    shares = torch.bincount(label, minlength=1000).double() / 26_000
    assert (shares > 0).all()
    assert float((shares * (1000 * shares).log()).sum()) == pytest.approx(999 / 52_000, rel=0.15)


def test_ranks_share_the_global_batch_and_cursors_return() -> None:
    data = StackedDigits(digits())
    whole = data.stream(8, seed=3).at(5)
    parts = [data.stream(4, seed=3, rank=rank, world=2).at(5) for rank in range(2)]
    assert torch.equal(torch.cat([part.image for part in parts]), whole.image)
    stream = data.stream(8, seed=3)
    stream.cursor = 5
    assert torch.equal(next(stream).image, whole.image)
    assert not torch.equal(next(stream).image, whole.image)
    assert not torch.equal(data.stream(8, seed=4).at(5).image, whole.image)


def test_held_out_stacks_held_out_digits() -> None:
    data = StackedDigits(digits())
    assert (values(data.held_out().real(50).image) % 10 == 1).all()
    assert (values(data.real(50).image) % 10 == 0).all()
    assert data.held_out().fingerprint != data.fingerprint


def test_narrowed_sets_are_respected() -> None:
    part = digits().split(0.5)
    image, label = StackedDigits(part).real(100)
    assert label is not None
    assert torch.equal(values(image) // 10 @ torch.tensor([100, 10, 1]), label)


def test_refuses_what_is_not_grey_digits() -> None:
    with pytest.raises(UsageError, match="ten digits"):
        StackedDigits(ArrayData(torch.zeros(5, 3, 4, 4, dtype=torch.uint8)))


def test_opens_by_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.data.stacked.mnist", lambda root: digits())
    data = open_source("stacked-mnist", root="somewhere")
    assert data.recipe == {"source": "stacked-mnist", "root": "somewhere"}
    with pytest.raises(UsageError, match="no option 'only'"):
        open_source("stacked-mnist", only="3")
