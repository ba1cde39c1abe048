"""Neighbours that are planted, and a folder of samples that data reads."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from known_generators import linear
from PIL import Image

from ganvas.apps.augment import augment, write_folder
from ganvas.apps.neighbours import data_for, neighbours
from ganvas.data import ArrayData, check, open_source
from ganvas.data.dataset import to_float
from ganvas.errors import UsageError

CLASSES = ("0", "1", "2")


def data(count: int = 400, side: int = 8, classes: tuple[str, ...] = CLASSES) -> ArrayData:
    pixels = torch.randint(0, 256, (count, 1, side, side), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    label = torch.arange(count) % max(len(classes), 1)
    held = ArrayData(pixels, label if classes else None, classes=classes, name="planted", licence="CC0 (noise)")
    return held.split(0.3)


def test_a_planted_copy_is_its_own_nearest() -> None:
    learnt = data()
    rows = learnt.rows
    assert rows is not None
    copied = to_float(learnt.images[rows[[7, 250]]])
    samples = torch.cat([copied, torch.zeros(1, 1, 8, 8)])
    found = neighbours(samples, learnt, k=2)
    assert found.index[:2, 0].tolist() == rows[[7, 250]].tolist() and not found.distance[:2, 0].any()
    assert torch.equal(found.pictures[:2, 0], copied) and found.pictures.shape == (3, 2, 1, 8, 8)
    every = (samples[2] - to_float(learnt.images[rows])).flatten(1).norm(dim=1)
    assert torch.allclose(found.distance[2].float(), every.sort().values[:2])
    assert found.searched == 280 and found.usual is not None and found.usual > 1
    for refused in (lambda: neighbours(samples, learnt, k=0), lambda: neighbours(samples[:, :, :4], learnt)):
        with pytest.raises(UsageError):
            refused()
    with pytest.raises(UsageError):
        data_for(linear(8, 8), "points:ring")
    assert data_for(linear(8, 4), learnt).spec.shape == (1, 4, 4)


def test_the_folder_is_read_back_with_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    model, learnt = linear(8, 8, classes=3), data()
    found = augment(model, learnt, 45, seed=4, few=())
    assert write_folder(tmp_path / "more", found, model, learnt, {"seed": 4}) == 45
    report = check(tmp_path / "more")
    assert report.refusal is None or not report.refusal
    back = open_source(str(tmp_path / "more"))
    assert back.spec.shape == (1, 8, 8) and back.spec.classes == CLASSES
    assert len(back) + len(back.held_out()) == 45
    with (tmp_path / "more" / "labels.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == [CLASSES[n % 3] for n in range(45)]
    with Image.open(tmp_path / "more" / "synthetic-000007.png") as picture:
        assert (picture.mode, picture.info["ganvas.seed"], picture.info["ganvas.model"]) == ("L", "4", model.hash)
        wanted = ((model.sample(8, seed=4)[7, 0] + 1) * 127.5).round().to(torch.uint8)
        assert list(picture.tobytes()) == wanted.flatten().tolist()
    told = json.loads((tmp_path / "more" / "provenance.json").read_text())
    assert "CC0" in told["licence"] and told["model"]["hash"] == model.hash and told["by_class"] == dict.fromkeys(CLASSES, 15)
    assert told["copies"]["detected"] is False and told["data"]["fingerprint"] == learnt.fingerprint


def test_with_the_real_pictures_beside_them_only_real_ones_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    model, learnt = linear(8, 8, classes=3), data(100)
    found = augment(model, learnt, 30, few=())
    assert write_folder(tmp_path / "all", found, model, learnt, {"seed": 0}, with_real=True) == 130
    back = open_source(str(tmp_path / "all"))
    assert isinstance(back, ArrayData) and len(back) == 100 and back.spec.classes == CLASSES
    judged = back.held_out().real(1000).image
    assert len(judged) == 30
    assert torch.equal(
        judged.flatten(1).sum(1).sort().values, learnt.held_out().real(1000).image.flatten(1).sum(1).sort().values
    )


def test_copies_are_found_and_a_gain_is_measured() -> None:
    learnt = data(900)
    model = linear(8, 8, classes=3)
    copies = to_float(learnt.images[learnt.rows[:200]])  # type: ignore[index]
    model.sample = lambda count, **_: copies[:count]  # type: ignore[method-assign]
    found = augment(model, learnt, 200, few=(128,), repeats=2, steps=4)
    assert found.copies is not None and found.copies[0].detected and found.copies[0].copies > 0.9
    assert found.copies[1].copies < 0.2
    assert [each.pictures for each in found.gain] == [128] and found.untold == ()


def test_what_samples_cannot_teach_is_said() -> None:
    learnt = data()
    found = augment(linear(8, 8), learnt, 30, few=(128,))
    assert found.samples.label is None and found.classes == () and "no labels" in found.untold[0]
    few = augment(linear(8, 8, classes=3), data(40), 5, few=(128,))
    assert few.copies is None and len(few.untold) == 2
    for refused in (
        lambda: augment(linear(8, 4, classes=3), learnt, 5),
        lambda: augment(linear(8, 8, classes=2), learnt, 5),
        lambda: augment(linear(8, 8, classes=3), learnt, 5, labels=[3]),
        lambda: augment(linear(8, 8, classes=3), learnt, 0),
    ):
        with pytest.raises(UsageError):
            refused()
