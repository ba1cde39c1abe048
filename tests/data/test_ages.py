"""Faces by age: ranges from folders, tables and file names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.data import open_source
from ganvas.data.ages import RANGES, range_of
from ganvas.errors import DataError


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("0", "0-18"), ("18", "0-18"), ("19", "19-29"), ("29", "19-29"), ("59", "50-59"), ("60", "60+"), ("116", "60+"),
        ("60+", "60+"), ("70+", "60+"), ("(20, 25)", "19-29"), ("30-39", "30-39"), ("30 to 34", "30-39"),
        ("25-32", None), ("50+", None), ("old", None), ("131", None), ("39-30", None), ("", None), ("-5", None),
    ],
)  # fmt: skip
def test_years_and_spans_fall_into_one_range_or_none(words, wanted):
    assert range_of(words) == wanted
    assert all(range_of(name) == name for name in RANGES)


def face(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)).save(path)


@pytest.mark.parametrize("kind", ["folders", "table", "names"])
def test_ages_come_from_folders_tables_and_file_names(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    years = [4, 17, 33, 61, 90, 35]
    for number, age in enumerate(years):
        name = {"folders": f"{age}/{number}.png", "table": f"{number}.png", "names": f"{age}_1_{number}.png"}[kind]
        face(tmp_path / "faces" / name, number)
    if kind == "table":
        rows = [f"{number}.png,{age}" for number, age in enumerate(years)]
        (tmp_path / "faces" / "labels.csv").write_text("\n".join(["file,age", *rows]))
    if kind == "names":
        face(tmp_path / "faces" / "unknown.png", 99)
    data = open_source(f"ages:{tmp_path / 'faces'}", size=16)
    assert data.spec.classes == ("0-18", "30-39", "60+")
    assert len(data) == 6
    assert sorted(data.real(10).label.tolist()) == [0, 0, 1, 1, 2, 2]
    again = open_source(**data.recipe)
    assert again.fingerprint == data.fingerprint
    assert any("left out" in note for note in data.notes) == (kind == "names")


def test_faces_without_ages_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    for number in range(3):
        face(tmp_path / "faces" / f"{number}.png", number)
    with pytest.raises(DataError, match="has no ages: its faces need years"):
        open_source(f"ages:{tmp_path / 'faces'}", size=16)
