"""Persian digits: the right glyphs, the same for the same seed, and distorted within bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.data.test_fetched_pairs import Local, tgz

from ganvas.data import open_source, persian_digits
from ganvas.data.dataset import ArrayData
from ganvas.errors import DataError, UsageError


@pytest.fixture
def at_hand(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No font is fetched: those of matplotlib do."""
    monkeypatch.setattr(persian_digits, "FETCHED", ())


def drawn(**options: object) -> ArrayData:
    data = open_source("persian-digits", **options)  # type: ignore[arg-type]
    assert isinstance(data, ArrayData)
    return data


def test_a_seed_decides_the_pictures_and_a_tenth_is_held_out(at_hand: None) -> None:
    data = drawn(count=60, seed=1)
    assert data.spec.shape == (1, 28, 28) and data.spec.classes == tuple("0123456789")
    assert (len(data), len(data.held_out())) == (54, 6)
    label = data.labels
    assert label is not None and torch.equal(label, torch.arange(60) % 10)
    again, other = persian_digits.persian_digits(count=60, seed=1), drawn(count=60, seed=2)
    assert again.fingerprint == data.fingerprint != other.fingerprint
    assert not torch.equal(data.images[0], other.images[0])
    assert data.recipe == {"source": "persian-digits", "count": 60, "seed": 1}
    three = drawn(count=60, seed=1, only="3")
    assert three.spec.classes == ("3",) and 0 < len(three) <= 6
    assert open_source("persian-digits:۳", count=60, seed=1).spec.classes == ("3",)


def test_the_first_of_many_is_the_first_of_few(at_hand: None) -> None:
    assert torch.equal(drawn(count=30, size=16).images[:20], drawn(count=20, size=16).images)


def test_each_font_has_ten_different_digits_that_fill_the_picture_alike(at_hand: None) -> None:
    fonts, origin = persian_digits.all_fonts()
    assert len(fonts) == 4 and "DejaVu" in origin
    for font in fonts:
        face = persian_digits.fitting(font, 84)
        digits = [persian_digits.glyph(face, digit, 84) for digit in persian_digits.DIGITS]
        missing = persian_digits.glyph(face, "\uffff", 84)
        assert len({digit.tobytes() for digit in [*digits, missing]}) == 11
        rows = [np.flatnonzero(digit.max(1)) for digit in digits]
        assert abs(max(row[-1] - row[0] + 1 for row in rows) / 84 - persian_digits.TALLEST) < 0.03
        middles = [(row[0] + row[-1]) / 2 for row in rows]
        assert max(abs(middle - 41.5) for middle in middles) <= 1.5


def test_without_a_bend_a_digit_is_only_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TURN", 0.0), ("SLANT", 0.0), ("SHIFT", 0.0), ("SIZES", (1.0, 1.0)), ("REACH", 0.0)):
        monkeypatch.setattr(persian_digits, name, value)
    shape = np.random.default_rng(0).integers(0, 256, (30, 30), np.uint8)
    assert np.array_equal(persian_digits.distorted(shape, np.random.default_rng(1)), shape)
    monkeypatch.setattr(persian_digits, "SIZES", (2.0, 2.0))
    large = persian_digits.distorted(np.pad(np.full((10, 10), 255, np.uint8), 10), np.random.default_rng(1))
    assert abs((large > 127).sum() - 400) <= 44  # an area doubled in both ways, but for its border


def test_fonts_are_fetched_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import get_data_path

    font = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf").read_bytes()
    package = Local("font", tgz(tmp_path / "font.tgz", {"package/a.ttf": font}))
    monkeypatch.setattr(Local, "version", "1", raising=False)
    monkeypatch.setattr(persian_digits, "FETCHED", ((package, ("package/a.ttf",)),))
    with pytest.raises(DataError, match="GANVAS_OFFLINE"):
        drawn(count=20)
    monkeypatch.delenv("GANVAS_OFFLINE")
    assert len(persian_digits.all_fonts()[0]) == 5
    package.path.unlink()
    assert persian_digits.all_fonts()[0][-1] == font


@pytest.mark.parametrize("options", [{"count": 1}, {"size": 4}, {"size": 600}, {"labels": "x.csv"}, {"only": "x"}])
def test_what_cannot_be_drawn_is_refused(at_hand: None, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        drawn(**({"count": 20} | options))
