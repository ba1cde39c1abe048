"""The data doctor finds what was planted, with the right count, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from picture_files import BAD, fill, jpeg, noise
from PIL import Image

from ganvas.data import check, folder
from ganvas.data.check import Report
from ganvas.errors import DataError

pytestmark = pytest.mark.usefixtures("cache")


def found(report: Report) -> dict[str, int]:
    return {finding.name: finding.count for finding in report.findings}


def test_a_good_folder_has_nothing_to_mend(tmp_path: Path) -> None:
    report = check(fill(tmp_path / "in", 1000, (8, 8)))
    assert report.findings == () and report.usable == report.total == 1000 and not report.refusal
    assert "nothing to mend" in str(report) and "fit to train on" in str(report)


def test_everything_planted_is_found_and_counted(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for index, name in enumerate(["cat", "dog", "owl"]):
        fill(root / name, 2 if name == "owl" else 40, start=100 * index)
    cat, dog = root / "cat", root / "dog"
    for number in range(3):
        shutil.copy(cat / "good000.png", cat / f"copy{number}.png")
    shutil.copy(dog / "good101.png", cat / "really-a-dog.png")
    for name in ("truncated.jpg", "empty.png", "page.jpg", "text.png", "old.gif", "giant.png", "dot.png", "flipped.png"):
        (cat / name).write_bytes(BAD[name][0])
    Image.new("RGB", (32, 32), (9, 9, 9)).save(cat / "flat.png")
    noise(500, (320, 32)).save(dog / "wide.png")
    noise(501, (20, 20)).save(dog / "small.png")
    noise(502, mode="RGBA").save(dog / "alpha.png")
    noise(503, mode="L").save(dog / "grey.png")
    noise(504).save(dog / "moving.webp", save_all=True, append_images=[noise(505)])
    (root / "notes.txt").write_text("words")
    report = check(root, size=32, max_bad=0.1)
    assert found(report) == {
        "corrupt": 2, "empty": 1, "not a picture": 2, "unsupported": 1, "too large": 1, "tiny": 1, "duplicate": 4,
        "mislabelled": 2, "blank": 1, "odd-sized": 1, "small": 1, "few": 92, "rare classes": 1, "other files": 1, "sizes": 92,
        "transparent": 1, "grey": 1, "animated": 1,
    }  # fmt: skip
    assert report.usable == 92 and report.total == 100 and report.classes == {"cat": 45, "dog": 45, "owl": 2}
    assert not report.refusal and len(report.problems) == 13
    by_name = {finding.name: finding for finding in report.findings}
    assert by_name["duplicate"].examples[0].startswith("cat/good000") or "cat/copy" in by_name["duplicate"].examples[0]
    assert set(by_name["mislabelled"].examples) == {"cat/really-a-dog.png", "dog/good101.png"}
    assert by_name["empty"].examples == ("cat/empty.png: empty",)
    assert json.loads(json.dumps(report.to_json()))["findings"][0]["action"]
    assert all(finding.action and finding.meaning for finding in report.findings)


def test_what_training_would_refuse_is_said_and_not_raised(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 3)
    (root / "bad.png").write_bytes(b"x")
    report = check(root)
    with pytest.raises(DataError) as caught:
        folder(root)
    assert report.refusal == str(caught.value) and "would refuse" in str(report)
    for path in root.glob("good*"):
        path.unlink()
    assert check(root).usable == 0 and "0 good" in check(root).refusal


def test_problems_of_a_table_are_found(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 10)
    rows = [f"good{seed:03}.png,{seed % 2}" for seed in range(9)] + ["good000.png,1", "gone.png,1", "=cmd.png,0"]
    (root / "labels.csv").write_text("file,label\n" + "\n".join(rows))
    report = check(root)
    assert found(report)["unlabelled"] == 1 and found(report)["mislabelled"] == 1 and found(report)["unknown"] == 2
    assert report.classes == {"0": 4, "1": 4}


def test_hostile_names_are_inert_in_the_report(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", 3)
    (root / "red\x1b[31m\nline.png").write_bytes(b"x")
    assert "\x1b" not in str(check(root)) and "\\x1b[31m\\nline.png" in str(check(root))


def test_training_starts_at_once_after_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fill(tmp_path / "in", 3)
    (root / "photo.jpg").write_bytes(jpeg(9))
    check(root)

    def fail(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("ganvas.data.pack.decode", fail)
    assert len(folder(root)) == 4


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is empty"):
        check(tmp_path)
