"""Faces, shards and Hugging Face data sets: the same interface, and one line that says what to install when it is missing."""

from __future__ import annotations

import builtins
import io
import json
import sys
import tarfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from picture_files import BAD, jpeg, noise

import ganvas.data.pack as packing
from ganvas.data import ArrayData, faces, hugging_face, open_source, web_dataset
from ganvas.data.faces import EXPRESSIONS
from ganvas.data.shards import braces, expanded
from ganvas.errors import DataError, UsageError

pytestmark = pytest.mark.usefixtures("cache")


def png_of(seed: int, size: tuple[int, int] = (16, 16)) -> bytes:
    buffer = io.BytesIO()
    noise(seed, size).save(buffer, "PNG")
    return buffer.getvalue()


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Makes packages unimportable."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)


# ---- faces


def test_faces_are_drawn_once_labelled_and_reopened(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    data = faces(count=50, size=28)
    assert data.spec.shape == (3, 28, 28) and data.spec.classes == tuple(EXPRESSIONS)
    assert len(data) == 45 and len(data.held_out()) == 5 and "dicebear-core" in data.origin and "Stanley" in data.licence
    assert data.labels is not None and torch.bincount(data.labels).tolist() == [10] * 5
    assert len(np.unique(data.images.flatten(1).numpy(), axis=0)) == 50

    def fail(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(packing, "decode", fail)
    assert open_source(**data.recipe).fingerprint == data.fingerprint


def test_surprised_faces_differ_from_happy_ones_in_the_face_alone() -> None:
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    surprised, happy = faces("surprised", count=4, size=64), faces("happy", count=4, size=64)
    assert faces(surprised=True, count=4, size=64).fingerprint == surprised.fingerprint != happy.fingerprint
    assert faces("surprised", count=4, size=64, seed=1).fingerprint != surprised.fingerprint
    apart = (surprised.images.int() - happy.images.int()).abs().amax((0, 1)) > 20
    rows, columns = apart.nonzero(as_tuple=True)
    assert apart.any() and not apart.all()
    assert int(rows.min()) > 10 and int(rows.max()) < 54 and int(columns.min()) > 10 and int(columns.max()) < 54


@pytest.mark.parametrize("settings", [{"expression": "grumpy"}, {"count": 1}, {"count": -3}, {"size": (32, 48)}, {"size": 0}])
def test_faces_that_cannot_be_drawn(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        faces(**settings)


def test_faces_without_their_packages_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "dicebear")
    with pytest.raises(UsageError, match=r'dicebear.*pip install "ganvas\[faces\]"'):
        faces(count=4)


# ---- shards


def shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def labelled_shards(folder: Path, count: int = 30) -> Path:
    for number in range(3):
        members = []
        for index in range(number, count, 3):
            label = {0: ("cls", str(index % 2).encode()), 1: ("json", json.dumps({"label": index % 2}).encode())}[number % 2]
            members += [(f"a/{index:04}.png", png_of(index)), (f"a/{index:04}.{label[0]}", label[1])]
        shard(folder / f"train-{number:03}.tar", members)
    return folder


def test_shards_are_pictures_with_labels(tmp_path: Path) -> None:
    labelled_shards(tmp_path)
    data = web_dataset(str(tmp_path / "train-{000..002}.tar"))
    assert data.spec.shape == (3, 16, 16) and data.spec.classes == ("0", "1") and len(data) == 27
    assert data.labels is not None
    order = [index for number in range(3) for index in range(number, 30, 3)]
    assert data.labels.tolist() == [index % 2 for index in order]
    assert np.array_equal(data.images[5].numpy(), np.asarray(noise(order[5], (16, 16))).transpose(2, 0, 1))
    again = open_source(**data.recipe)
    assert again.fingerprint == data.fingerprint == web_dataset(str(tmp_path / "*.tar")).fingerprint
    assert open_source(f"wds:{tmp_path}/train-*.tar", only="1", size=8).spec.shape == (3, 8, 8)


def test_hostile_and_damaged_shards(tmp_path: Path) -> None:
    members = [(f"{index}.png", png_of(index)) for index in range(30)]
    members += [("../../escaped.png", png_of(50)), ("30.jpg", BAD["truncated.jpg"][0]), ("31.png", b""), ("notes", b"x")]
    path = shard(tmp_path / "in" / "a.tar", members)
    with tarfile.open(path, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"link{kind.decode()}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    data = web_dataset(str(path), max_bad=0.1)
    assert len(data) + len(data.held_out()) == 31 and any("2 files skipped" in note for note in data.notes)
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name != "cache") == ["in"]
    with pytest.raises(DataError, match=r"truncated|cannot be"):
        web_dataset(str(path), strict=True)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(shard(tmp_path / "whole.tar", members[:30]).read_bytes()[:15_000])
    data = web_dataset(str(cut), max_bad=0.5)
    assert any("cut.tar: cannot be read to its end" in note for note in data.notes)


@pytest.mark.parametrize(
    ("pattern", "error", "says"),
    [
        ("pipe:cat x.tar", UsageError, "download them first"),
        ("https://example.org/x.tar", UsageError, "download them first"),
        ("nowhere-{00..03}.tar", DataError, r"there is no shard nowhere-00\.tar"),
        ("nowhere-*.tar", DataError, "no shard matches"),
        ("x-{0..9999999}.tar", UsageError, "a million"),
    ],
)
def test_patterns_that_cannot_be(pattern: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        expanded(pattern)


def test_braces_expand_as_in_a_shell() -> None:
    assert list(braces("{a,b}-{08..10}.tar")) == ["a-08.tar", "a-09.tar", "a-10.tar", "b-08.tar", "b-09.tar", "b-10.tar"]


def test_a_tar_without_pictures_and_a_file_that_is_no_tar(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures"):
        web_dataset(str(shard(tmp_path / "a.tar", [("a.txt", b"words")])))
    (tmp_path / "b.tar").write_bytes(b"not a tar file" * 100)
    with pytest.raises(DataError, match="cannot be read to its end"):
        web_dataset(str(tmp_path / "b.tar"))


# ---- Hugging Face


class ClassLabel:
    names = ["cat", "dog"]


class HubImage:
    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


HubImage.__name__ = "Image"


class Value:
    pass


class Table:
    """The few methods of ``datasets.Dataset`` that the adapter uses."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any], fingerprint: str) -> None:
        self.rows, self.features, self._fingerprint = rows, features, fingerprint
        self.info = types.SimpleNamespace(license="CC0")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.rows[row]

    def cast_column(self, column: str, feature: HubImage) -> Table:
        assert not feature.decode
        return self

    def unique(self, column: str) -> list[Any]:
        return sorted({row[column] for row in self.rows})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for the library, which serves the tables put into this dict."""
    tables: dict[str, Any] = {}
    module = types.ModuleType("datasets")

    def load_dataset(name: str, **_: Any) -> Any:
        if name not in tables:
            raise FileNotFoundError(f"Dataset {name!r} doesn't exist\nand more lines")
        return tables[name]

    for name, value in {"Image": HubImage, "load_dataset": load_dataset, "DownloadConfig": types.SimpleNamespace}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "datasets", module)
    return tables


def pets(count: int, start: int = 0) -> Table:
    rows = [{"photo": {"bytes": png_of(start + index)}, "kind": index % 2, "age": f"{index % 3}"} for index in range(count)]
    return Table(rows, {"photo": HubImage(), "kind": ClassLabel(), "age": Value()}, f"print {count} {start}")


def test_a_hub_data_set_is_pictures_with_labels(hub: dict[str, Any]) -> None:
    hub["someone/pets"] = {"train": pets(40), "test": pets(20, 100)}
    data = hugging_face("someone/pets")
    assert len(data) == 40 and data.spec.shape == (3, 16, 16) and data.spec.classes == ("cat", "dog")
    assert data.labels is not None and data.labels.tolist() == [index % 2 for index in range(40)]
    assert len(data.held_out()) == 20 and data.licence == "CC0" and data.name == "pets"
    assert open_source(**data.recipe).fingerprint == data.fingerprint
    other = open_source("hf:someone/pets", split="test", labels="age", size=8)
    assert isinstance(other, ArrayData) and other.spec.classes == ("0", "1", "2") and len(other) == 18


def test_bad_rows_of_a_hub_data_set_are_skipped(hub: dict[str, Any], tmp_path: Path) -> None:
    table = pets(40)
    (tmp_path / "photo.jpg").write_bytes(jpeg(7, (16, 16)))
    table.rows[3]["photo"] = {"bytes": b"<html>"}
    table.rows[4]["photo"] = None
    table.rows[5]["photo"] = {"bytes": None, "path": str(tmp_path / "photo.jpg")}
    table.rows[6]["photo"] = {"bytes": None, "path": str(tmp_path / "nowhere.jpg")}
    hub["pets"] = table
    data = hugging_face("pets", max_bad=0.1)
    assert len(data) + len(data.held_out()) == 37 and any("3 files skipped, such as row 3" in note for note in data.notes)
    with pytest.raises(DataError, match="3 of 40"):
        hugging_face("pets")


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"name": "nowhere"}, DataError, "nowhere cannot be opened .*doesn't exist"),
        ({"name": "pets", "split": "tests"}, UsageError, "it has train"),
        ({"name": "pets", "labels": "colour"}, UsageError, "it has photo, kind, age"),
        ({"name": "words"}, UsageError, "no column of pictures"),
    ],
)
def test_hub_data_sets_that_cannot_be(settings: dict[str, Any], error: type[Exception], says: str, hub: dict[str, Any]) -> None:
    hub["pets"] = {"train": pets(20)}
    hub["words"] = Table([{"text": "a"}], {"text": Value()}, "words")
    with pytest.raises(error, match=says) as caught:
        hugging_face(**settings)
    assert "\n" not in str(caught.value)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "datasets")
    with pytest.raises(UsageError, match=r'datasets.*pip install "ganvas\[hf\]"'):
        hugging_face("pets")


def test_the_real_library_when_it_is_installed(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    kinds = datasets.Features({"photo": datasets.Image(), "kind": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {
        "photo": [{"bytes": png_of(index), "path": None} for index in range(30)],
        "kind": [index % 2 for index in range(30)],
    }
    datasets.Dataset.from_dict(rows, features=kinds).save_to_disk(str(tmp_path / "pets"))
    data = hugging_face(str(tmp_path / "pets"))
    assert len(data) == 27 and data.spec.shape == (3, 16, 16) and data.spec.classes == ("cat", "dog")
    assert np.array_equal(data.images[4].numpy(), np.asarray(noise(4, (16, 16))).transpose(2, 0, 1))
    assert open_source(**data.recipe).fingerprint == data.fingerprint
