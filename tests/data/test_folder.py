"""Folders: what is found, labelled, skipped, refused, decoded once and never again."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import BAD, fill, jpeg, noise
from PIL import Image

import ganvas.data.pack as packing
from ganvas.data import folder, open_source
from ganvas.data.dataset import ArrayData, to_float
from ganvas.data.folder import reshaped
from ganvas.data.labels import inert
from ganvas.data.listing import listing, shown
from ganvas.data.wanted import Wanted
from ganvas.errors import DataError, GanvasError, ResourceError, UsageError

pytestmark = pytest.mark.usefixtures("cache")


def everything(data: ArrayData) -> torch.Tensor:
    """Every picture of training and held-out part, uint8."""
    parts = [data] if data.held_out() is data else [data, data.held_out()]
    return torch.cat([part.images if part.rows is None else part.images[part.rows] for part in parts])


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Counts the pictures that are decoded."""
    seen: list[object] = []
    real = packing.decode

    def counted(source: Path | bytes, look: packing.Look) -> object:
        seen.append(source)
        return real(source, look)

    monkeypatch.setattr(packing, "decode", counted)
    return seen


def test_a_plain_folder_becomes_its_pixels(tmp_path: Path) -> None:
    fill(tmp_path / "in", 12)
    data = folder(tmp_path / "in")
    assert len(data) == 12 and data.spec.shape == (3, 32, 32) and data.labels is None and data.name == "in"
    expected = np.stack([np.asarray(noise(seed)).transpose(2, 0, 1) for seed in range(12)])
    assert np.array_equal(data.images.numpy(), expected)
    assert torch.equal(data.real(12).image.sort(0).values, to_float(torch.from_numpy(expected)).sort(0).values)
    assert "32x32 RGB" in data.notes[0] and str(tmp_path) in data.origin


def test_the_second_start_decodes_nothing_and_neither_does_a_copy(tmp_path: Path, decodings: list[object]) -> None:
    first = folder(fill(tmp_path / "in", 12))
    assert len(decodings) == 12
    again = folder(tmp_path / "in")
    shutil.copytree(tmp_path / "in", tmp_path / "copy")
    copied = folder(tmp_path / "copy")
    assert len(decodings) == 12
    assert first.fingerprint == again.fingerprint == copied.fingerprint
    noise(99).save(tmp_path / "in" / "good003.png")
    changed = folder(tmp_path / "in")
    assert len(decodings) == 24 and changed.fingerprint != first.fingerprint
    folder(tmp_path / "in", size=16)
    assert len(decodings) == 36


def test_a_damaged_pack_is_built_again(tmp_path: Path, cache: Path, decodings: list[object]) -> None:
    first = folder(fill(tmp_path / "in", 4))
    (pixels,) = cache.rglob("pixels.bin")
    for damage in (lambda: os.truncate(pixels, 100), lambda: (pixels.parent / "pack.json").write_text("{"), pixels.unlink):
        del first
        damage()
        first = folder(tmp_path / "in")
    assert len(decodings) == 16 and len(first) == 4
    assert not list(cache.rglob("partial-*"))


def test_what_a_killed_process_left_is_removed(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "in", 4)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # as if killed before the end
    monkeypatch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        folder(tmp_path / "in")
    assert len(list(cache.rglob("partial-*"))) == 1
    monkeypatch.undo()
    monkeypatch.setenv("GANVAS_CACHE", str(cache))
    assert len(folder(tmp_path / "in")) == 4 and not list(cache.rglob("partial-*"))


def test_two_at_once_decode_once(tmp_path: Path, decodings: list[object]) -> None:
    fill(tmp_path / "in", 8)
    threads = [threading.Thread(target=folder, args=(tmp_path / "in",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decodings) == 8


def test_pixels_are_mapped_and_not_in_memory(tmp_path: Path) -> None:
    data = folder(fill(tmp_path / "in", 4))
    with Path("/proc/self/maps").open() if Path("/proc/self/maps").exists() else pytest.skip("needs /proc") as maps:
        assert any("pixels.bin" in line for line in maps)
    assert len(next(data.stream(4, seed=0)).image) == 4


@pytest.mark.parametrize("limit", [4, 64])
def test_no_more_pictures_are_in_flight_than_the_limit(tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "IN_FLIGHT", limit)
    taken: list[int] = []

    def items() -> object:
        for index in range(200):
            taken.append(index)
            yield packing.Item(str(index), lambda: jpeg(0, (16, 16)))

    done = 0
    for _ in packing.decoded(items(), packing.Look((8, 8), 3), None):  # type: ignore[arg-type]
        done += 1
        assert len(taken) - done < limit
    assert done == 200


@pytest.mark.parametrize("name", BAD)
def test_each_bad_file_is_skipped_with_its_reason_or_refused(name: str, tmp_path: Path) -> None:
    fill(tmp_path / "in", 19)
    (tmp_path / "in" / name).write_bytes(BAD[name][0])
    data = folder(tmp_path / "in")
    assert len(data) == 19
    (note,) = [note for note in data.notes if "skipped" in note]
    assert name in note and re.search(BAD[name][1], note)
    with pytest.raises(DataError, match=name) as caught:
        folder(tmp_path / "in", strict=True)
    assert caught.value.exit_code == 3 and "\n" not in str(caught.value)


def test_past_the_limit_the_folder_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "in", 38)
    for index in range(2):
        (tmp_path / "in" / f"bad{index}.png").write_bytes(b"nothing")
    assert len(everything(folder(tmp_path / "in"))) == 38  # 5 % exactly
    (tmp_path / "in" / "bad2.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"3 of 41 files .* more than 5%.*bad0\.png.*data check"):
        folder(tmp_path / "in")
    assert len(everything(folder(tmp_path / "in", max_bad=0.1))) == 38


def test_fewer_than_two_or_all_the_same_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "one", 1)
    with pytest.raises(DataError, match="1 good"):
        folder(tmp_path / "one")
    (tmp_path / "one" / "bad.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"1 good pictures; 1 cannot be used \(bad.png"):
        folder(tmp_path / "one", max_bad=1)
    for index in range(5):
        noise(0).save(tmp_path / "one" / f"same{index}.png")
    with pytest.raises(DataError, match=r"all 6 pictures .* identical"):
        folder(tmp_path / "one", max_bad=1)


@pytest.mark.parametrize("case", ["missing", "near", "empty", "texts", "file", "archive", "long", "nul", "pipe"])
def test_what_is_no_folder_of_pictures_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    path = tmp_path / case
    says = "there is no folder"
    if case == "near":
        (tmp_path / "pictures").mkdir()
        path, says = tmp_path / "picturs", "did you mean .*pictures"
    elif case == "empty":
        path.mkdir()
        says = "it is empty"
    elif case == "texts":
        path.mkdir()
        (path / "a.txt").write_text("hello")
        (path / "b").write_text("hello")
        says = r"2 other files, such as a\.txt"
    elif case == "file":
        path.write_text("hello")
        says = "is a file"
    elif case == "archive":
        path = tmp_path / "in.zip"
        path.write_bytes(b"PK")
        says = "unpack it"
    elif case == "long":
        path, says = tmp_path / ("x" * 300), "cannot be opened|there is no folder"
    elif case == "nul":
        path, says = Path("a\0b"), "cannot be opened|there is no folder"
    elif case == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("needs FIFOs")
        os.mkfifo(path)
        says = "is a file"
    with pytest.raises(DataError, match=says) as caught:
        folder(path)
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names and links")
def test_links_pipes_and_odd_names(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 30)
    (root / "loop").symlink_to(root)
    (root / "self.png").symlink_to("self.png")
    (root / ".hidden.png").write_bytes(b"x")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "a.png").write_bytes(b"x")
    fill(tmp_path / "elsewhere", 2, start=50)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "pipe.png")
    names = ["line\nbreak.png", "\x1b[31mred.png", "[link=x]rich[bold].png", "=cmd.png"]
    for index, name in enumerate(names):
        noise(100 + index).save(root / "plain.png")
        (root / "plain.png").rename(root / name)
    raw = os.fsencode(str(root)) + b"/invalid\xff.png"
    with open(raw, "wb") as file:
        file.write(jpeg())
    data = folder(root, labels="none", max_bad=0.2)
    assert len(everything(data)) == 30 + 2 + 4 + 1
    assert any("2 files skipped" in note for note in data.notes)  # the pipe and the link to itself
    assert len(everything(folder(root, labels="none", max_bad=0.2))) == 37


def test_shown_names_cannot_steer_a_terminal() -> None:
    assert shown("a\nb\x1b[31mc\udcff") == "a\\nb\\x1b[31mc\\udcff"
    assert len(shown("x" * 5000)) < 200
    assert shown("naïve 名前 [link=x].png") == "naïve 名前 [link=x].png"


def test_files_without_a_suffix_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 3)
    (root / "a1b2c3").write_bytes(jpeg(7, (32, 32)))
    (root / "README").write_text("words")
    found = listing(root)
    assert len(found.pictures) == 4 and found.others == 1 and found.example == "README"


def test_sub_folders_are_labels(tmp_path: Path) -> None:
    for index, name in enumerate(["10", "9", "2"]):
        fill(tmp_path / "in" / name / "deeper", 4, start=10 * index)
    data = folder(tmp_path / "in")
    assert data.spec.classes == ("2", "9", "10")
    assert data.labels is not None and torch.bincount(data.labels).tolist() == [4, 4, 4]
    expected = {seed: (2, 1, 0)[seed // 10] for seed in (*range(4), *range(10, 14), *range(20, 24))}
    for seed, label in expected.items():
        pixels = torch.from_numpy(np.asarray(noise(seed)).transpose(2, 0, 1).copy())
        (row,) = [row for row in range(12) if torch.equal(data.images[row], pixels)]
        assert data.labels[row] == label
    assert folder(tmp_path / "in", labels="none").labels is None
    noise(99).save(tmp_path / "in" / "astray.png")
    assert folder(tmp_path / "in").labels is None
    with pytest.raises(DataError, match="sub-folders"):
        folder(tmp_path / "in", labels="folders")


def test_train_and_test_folders_are_training_and_held_out_data(tmp_path: Path) -> None:
    for part, start in (("train", 0), ("test", 100)):
        for index, name in enumerate(["cat", "dog"]):
            fill(tmp_path / "in" / part / name, 15, start=start + 20 * index)
    data = folder(tmp_path / "in", size=16)
    assert len(data) == 30 and len(data.held_out()) == 30 and data.spec.classes == ("cat", "dog")
    assert data.held_out().spec == data.spec and data.held_out().fingerprint != data.fingerprint
    shutil.rmtree(tmp_path / "in" / "test" / "cat")
    fill(tmp_path / "in" / "test" / "fish", 15, start=300)
    with pytest.raises(DataError, match="other classes"):
        folder(tmp_path / "in", size=16).held_out()


def test_a_tenth_is_held_out_by_content_and_copies_stay_together(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 50)
    for seed in range(50):
        shutil.copy(root / f"good{seed:03}.png", root / f"copy{seed:03}.png")
    data = folder(root)
    held = data.held_out()
    assert len(data) + len(held) == 100 and 8 <= len(held) <= 10
    kept = {row.numpy().tobytes() for row in data.images[data.rows]}
    apart = {row.numpy().tobytes() for row in held.images[held.rows]}
    assert not kept & apart
    for path in sorted(root.iterdir()):
        path.rename(root / f"renamed-{path.name}")
    assert {row.numpy().tobytes() for row in everything(folder(root))[len(data) :]} == apart
    small = folder(fill(tmp_path / "small", 19))
    assert small.held_out() is small


@pytest.mark.parametrize(
    ("sizes", "mode", "shape"),
    [
        ([(28, 28)] * 3, "L", (1, 28, 28)),
        ([(32, 32)] * 3, "RGB", (3, 32, 32)),
        ([(100, 80), (300, 200), (70, 90)], "RGB", (3, 64, 64)),
        ([(40, 40), (40, 50)], "L", (1, 32, 32)),
        ([(10, 9), (12, 12)], "RGB", (3, 8, 8)),
    ],
)
def test_size_and_channels_are_detected(
    sizes: list[tuple[int, int]], mode: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    for index, size in enumerate(sizes):
        noise(index, size, mode).save(tmp_path / f"{index}.png")
    assert folder(tmp_path).spec.shape == shape
    assert folder(tmp_path, size=(24, 16), channels=4).spec.shape == (4, 24, 16)


# ---- tables of labels


def table(root: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    (root / name).write_bytes(text.encode(encoding))
    return root


@pytest.mark.parametrize(
    "text",
    [
        "file,label\ngood000.png,cat\ngood001.png,dog\ngood002.png,cat\n",
        "\ufeffid;Class;more\n./good000.png;cat;1\ngood001;dog;2\n\ngood002.png;cat\n",
        "filename\tcategory\r\ngood000.png\tcat\r\nsub\\..\tx\r\ngood001.png\tdog\r\ngood002.png\tcat\r\n",
        "good000.png,cat\ngood001.png,dog\ngood002.png,cat\n",
        'label,path\ncat,"good000.png"\n"dog",good001.png\ncat,good002.png\n',
    ],
)
def test_tables_in_many_forms(text: str, tmp_path: Path) -> None:
    root = table(fill(tmp_path / "in", 3), text)
    data = folder(root, max_bad=0.5)
    assert data.spec.classes == ("cat", "dog") and data.labels is not None and data.labels.tolist() == [0, 1, 0]


def test_a_table_elsewhere_and_one_below_sub_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "in" / name, 2, start=ord(name))
    path = tmp_path / "table.csv"
    path.write_text("path,y\na/good097.png,1\na/good098.png,0\nb/good098.png,1\nb/good099.png,0\n")
    data = folder(tmp_path / "in", labels=path)
    assert data.spec.classes == ("0", "1") and data.labels is not None and data.labels.tolist() == [1, 0, 1, 0]
    assert data.recipe["labels"] == str(path)
    assert folder(tmp_path / "in").spec.classes == ("a", "b")


def test_unknown_unlabelled_and_twice_labelled_files_are_named(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 60)
    rows = [f"good{seed:03}.png,{seed % 2}" for seed in range(59)]
    rows += ["missing.png,1", "../../etc/passwd,1", "good003.png,0"]
    table(root, "file,label\n" + "\n".join(rows))
    data = folder(root, max_bad=0.1)
    notes = "; ".join(data.notes)
    assert "2 rows of labels.csv name no picture, such as missing.png" in notes and "2 files skipped" in notes
    assert len(everything(data)) == 58
    with pytest.raises(DataError, match=r"4 of 62 files .* more than 5%"):
        folder(root)
    with pytest.raises(DataError, match=r"two labels: 1 and 0"):
        folder(root, strict=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column"),
        ("a,b,c\n1,2,3\n", "no column"),
        ("file,label\nnothing.png,1\n", "names no picture"),
    ],
)
def test_tables_that_are_none_are_refused(text: str, says: str, tmp_path: Path) -> None:
    root = table(fill(tmp_path / "in", 3), text)
    with pytest.raises(DataError, match=says):
        folder(root)


def test_a_table_of_captions_is_not_taken_for_classes(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 2)
    for index in range(1100):
        shutil.copy(root / "good000.png", root / f"c{index}.png")
    table(root, "file,label\n" + "\n".join(f"c{index}.png,caption {index}" for index in range(1100)))
    with pytest.raises(DataError, match="1100 labels for 1102 pictures"):
        folder(root)


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 3)
    with pytest.raises(DataError, match="no table"):
        folder(root, labels=tmp_path / "nowhere.csv")
    table(root, "file,label\ngood000.png,naïve\n", encoding="latin-1")
    with pytest.raises(DataError, match="UTF-8"):
        folder(root)
    table(root, 'file,label\n"' + "x" * 200_000)
    with pytest.raises(DataError, match="as a table"):
        folder(root)
    (root / "labels.csv").unlink()
    table(root, "file_name,text\ngood000.png,a cat\n", "metadata.csv")
    assert folder(root).labels is None


def test_cells_that_are_formulas_are_neutralised(tmp_path: Path) -> None:
    root = table(fill(tmp_path / "in", 3), "file,label\ngood000.png,=cmd|'/C calc'!A0\ngood001.png,-1\ngood002.png,@x\x1b[2J\n")
    assert folder(root).spec.classes == ("'=cmd|'/C calc'!A0", "'@x[2J", "-1")
    assert inert("+1.5") == "+1.5" and inert("+1+cmd") == "'+1+cmd" and inert(" plain ") == "plain"


# ---- the disk


def test_a_disk_that_is_too_small_is_said_before_decoding(
    tmp_path: Path, decodings: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 1000))  # type: ignore[attr-defined]
    with pytest.raises(ResourceError, match="free"):
        folder(tmp_path / "in")
    assert not decodings


def test_a_disk_that_fills_leaves_nothing_behind(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "in", 4)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(ResourceError, match="disk is full"):
        folder(tmp_path / "in")
    assert not list(cache.rglob("partial-*")) and not list(cache.rglob("pixels.bin"))
    monkeypatch.undo()
    monkeypatch.setenv("GANVAS_CACHE", str(cache))
    assert len(folder(tmp_path / "in")) == 4


# ---- by a word


def test_open_source_opens_a_path_and_its_recipe_opens_the_same(tmp_path: Path) -> None:
    for index, name in enumerate(["cat", "dog"]):
        fill(tmp_path / "in" / name, 15, start=20 * index)
    data = open_source(str(tmp_path / "in"), size=16, channels=1, fit="pad", background=(0, 0, 0), mirror=True, only="dog")
    assert isinstance(data, ArrayData) and data.mirror and data.spec.shape == (1, 16, 16) and data.spec.classes == ("dog",)
    again = open_source(**data.recipe)
    assert again.fingerprint == data.fingerprint and again.spec == data.spec
    whole = open_source(**open_source(str(tmp_path / "in")).recipe)
    assert len(whole) == 27 and whole.spec.classes == ("cat", "dog")


def test_open_source_opens_points_with_parameters() -> None:
    data = open_source("points:ring", parameters={"modes": 5})
    assert data.spec.shape == (2,) and len(data.spec.classes) == 5
    assert open_source(**data.recipe).fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("source", "options", "error", "says"),
    [
        ("", {}, UsageError, "no data is named"),
        ("mnits", {}, UsageError, "did you mean mnist"),
        ("fashon-mnist", {}, UsageError, "did you mean fashion-mnist"),
        ("point:ring", {}, UsageError, "did you mean points"),
        ("points:rin", {}, UsageError, "choose from"),
        ("nowhere/at/all", {}, DataError, "there is no folder"),
        ("points:ring", {"size": 32}, UsageError, "no option 'size'"),
        ("points:ring", {"mirror": True}, UsageError, "no option 'mirror'"),
        ("mnist", {"labels": "x.csv"}, UsageError, "no option 'labels'"),
        ("faces:grumpy", {}, UsageError, "surprised"),
        (".", {"background": [1, 2]}, UsageError, "no colour"),
        ("x" * 5000, {}, DataError, "xxx"),
    ],
)
def test_sources_that_cannot_be(source: str, options: dict[str, object], error: type[GanvasError], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        open_source(source, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_what_is_skipped_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path / "in", 120)
    for index in range(5):
        (tmp_path / "in" / f"bad{index}.png").write_bytes(b"x")
    with caplog.at_level(logging.INFO, "ganvas.data"):
        folder(tmp_path / "in")
    for index in range(5):
        assert f"bad{index}.png" in caplog.text


def test_grey_data_in_colour_and_another_size(tmp_path: Path) -> None:
    grey = ArrayData(torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8), torch.arange(30) % 3, classes="abc").split(0.2)
    same = reshaped(grey, Wanted(28, 1))
    assert same is grey
    data = reshaped(grey, Wanted(32, 3))
    assert data.spec.shape == (3, 32, 32) and data.spec.classes == ("a", "b", "c") and len(data) == 24
    assert len(data.held_out()) == 6 and data.held_out().spec == data.spec
    assert grey.rows is not None
    first = Image.fromarray(grey.images[grey.rows[0], 0].numpy()).convert("RGB").resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(data.images[0].numpy(), np.asarray(first).transpose(2, 0, 1))
