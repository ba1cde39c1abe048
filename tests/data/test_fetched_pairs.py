"""Emoji, brain slices and drawn faces: read from small packages of the same format, held out without leaks."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.data.picture_files import noise

from ganvas.data import brain, emoji, faces_attributes, open_source
from ganvas.data.dataset import ArrayData
from ganvas.data.download import Unavailable, read_matching
from ganvas.data.faces_attributes import GROUPS, NAMES
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import DataError, UsageError


@dataclass(frozen=True)
class Local:
    """A package that lies on the disk already."""

    package: str
    path: Path
    sha256: str = "none"

    @property
    def title(self) -> str:
        return f"package {self.package}"

    def fetch(self, folder: Path) -> Path:
        return self.path


def tgz(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as package:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def fetching(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GANVAS_OFFLINE")
    return cache


def drawing(fill: str, stroke: str) -> bytes:
    shape = f'<circle cx="36" cy="36" r="20" fill="{fill}" stroke="{stroke}" stroke-width="4"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">{shape}</svg>'.encode()


NAMES_OF_DRAWINGS = ["1F600", "1F44B", "1F44B-1F3FB", "1F1E6-1F1E8", "1F3F4-E0067-E007F", "2764"] + [
    f"1F4{n:02}" for n in range(20)
]


def test_lines_and_colours_are_pairs_without_those_that_lines_do_not_tell(
    tmp_path: Path, fetching: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resvg_py")
    members = {f"package/black/svg/{name}.svg": drawing("none", "#000000") for name in NAMES_OF_DRAWINGS}
    members |= {f"package/color/svg/{name}.svg": drawing("#ff0000", "#000000") for name in NAMES_OF_DRAWINGS}
    path = tgz(tmp_path / "openmoji.tgz", members | {"package/README.md": b"hello"})
    monkeypatch.setattr(emoji, "OPENMOJI", Local("openmoji", path))
    data = open_source("openmoji-edges", size=36)
    assert isinstance(data, PairData)
    assert data.spec.source == (1, 36, 36) and data.spec.shape == (3, 36, 36)
    assert len(data) + len(data.held_out()) == 23
    source, target = data.pairs(1)
    assert source[0, 0, 18, 18] == 1 and target[0, :, 18, 18].tolist() == [1, -1, -1] and source[0, 0, 0, 0] == 1
    path.unlink()
    assert open_source(**data.recipe).fingerprint == data.fingerprint  # from the cache


def test_a_drawing_without_its_other_half_is_noticed(tmp_path: Path) -> None:
    path = tgz(tmp_path / "half.tgz", {"package/black/svg/1F600.svg": b"", "package/color/svg/1F601.svg": b""})
    with pytest.raises(Unavailable, match="2 of its drawings"):
        emoji.drawings_of(path)
    with pytest.raises(Unavailable, match="none of the files"):
        read_matching(path, lambda name: name.endswith(".png"))
    with pytest.raises(Unavailable, match="larger than 2 bytes"):
        read_matching(tgz(tmp_path / "large.tgz", {"a": b"123"}), lambda name: True, limit=2)
    (tmp_path / "cut.tgz").write_bytes(path.read_bytes()[:60])
    with pytest.raises(Unavailable, match="cannot be read"):
        read_matching(tmp_path / "cut.tgz", lambda name: True)


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    noise(seed, (64, 64)).save(buffer, "PNG")
    return buffer.getvalue()


def test_two_vendors_are_paired_by_name_and_unpaired_without_overlap(
    tmp_path: Path, fetching: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"1f{number:03x}" for number in range(60)]
    packages = {}
    for offset, vendor in enumerate(("google", "twitter")):
        members = {f"package/img/{vendor}/64/{name}.png": png(2 * row + offset) for row, name in enumerate(names)}
        members[f"package/img/{vendor}/64/only-{vendor}.png"] = png(500 + offset)
        packages[vendor] = Local(vendor, tgz(tmp_path / f"{vendor}.tgz", members))
    monkeypatch.setattr(emoji, "VENDORS", packages)
    data = open_source("emoji-vendors")
    assert isinstance(data, PairData) and len(data) + len(data.held_out()) == 60 and len(data.held_out()) > 0
    assert isinstance(data.source, torch.Tensor)
    for row in range(60):
        assert np.array_equal(data.source[row].permute(1, 2, 0).numpy(), np.asarray(noise(2 * row, (64, 64))))
        assert np.array_equal(data.target[row].permute(1, 2, 0).numpy(), np.asarray(noise(2 * row + 1, (64, 64))))
    alone = open_source("emoji")
    assert isinstance(alone, ArrayData) and alone.spec.classes == ("google", "twitter")
    assert len(alone) == 2 * len(data) and len(alone.held_out()) == 2 * len(data.held_out())
    assert torch.equal(alone.images, torch.cat([data.source, data.target])) and alone.rows is not None
    assert open_source("emoji:twitter").real(1000, 0).image.shape[0] == len(data) == (alone.rows < 60).sum()
    domains = open_source("emoji-vendors-unpaired")
    assert isinstance(domains, TwoDomainData) and domains.rows[0] is not None and domains.rows[1] is not None
    held, paired = domains.held_out().rows, data.held_out().rows
    assert held[0] is not None and held[1] is not None and paired is not None
    rows = [*domains.rows, *held]
    assert sorted(row for part in rows for row in part.tolist()) == list(range(60))  # type: ignore[union-attr]
    assert sorted([*held[0].tolist(), *held[1].tolist()]) == paired.tolist()
    assert torch.equal(domains.truth(3).target, data.truth(3).target)
    back = open_source("emoji-vendors", direction="b-to-a", size=32)
    assert (
        isinstance(back, PairData)
        and back.spec.shape == (3, 32, 32)
        and open_source(**back.recipe).fingerprint == back.fingerprint
    )


def test_skin_colours_of_one_drawing_are_held_out_together() -> None:
    assert emoji.family("1F44B-1F3FB") == emoji.family("1f44b-1f3ff") == "1f44b"
    assert emoji.family("1f468-1f3fb-200d-1f9b0") == emoji.family("1f468-200d-1f9b0")
    names = [f"1f4{n:02x}{skin}" for n in range(200) for skin in ("", "-1f3fb", "-1f3fd")]
    held = emoji.kept_back(names)
    assert 30 < len(held) < 100 and len({row // 3 for row in held.tolist()}) * 3 == len(held)


def test_nothing_is_fetched_offline(cache: Path) -> None:
    for source in ("emoji-vendors", "brain-slices"):
        with pytest.raises(DataError, match="GANVAS_OFFLINE forbids fetching"):
            open_source(source)


def nifti(volume: np.ndarray, kind: int = 2) -> bytes:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *volume.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, kind, 8)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + volume.tobytes(order="F")


def test_brain_slices_are_level_front_up_and_held_out_in_a_row(
    tmp_path: Path, fetching: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    t1, grey, white = (np.zeros((20, 24, 60), np.uint8) for _ in range(3))
    t1[:, 12:, 5:55] = np.arange(100, 150, dtype=np.uint8)  # the front half
    grey[:, 12:, :], white[:, 18:, :] = 200, 50
    with zipfile.ZipFile(tmp_path / "nilearn.whl", "w") as wheel:
        for name, volume in zip(brain.VOLUMES, (t1, grey, white), strict=True):
            wheel.writestr(name, gzip.compress(nifti(volume)))
    monkeypatch.setattr(brain, "NILEARN", Local("nilearn", tmp_path / "nilearn.whl"))
    data = open_source("brain-slices", size=(24, 20))
    assert isinstance(data, PairData) and isinstance(data.source, torch.Tensor) and data.rows is not None
    held = data.held_out().rows
    assert held is not None and held.tolist() == list(range(18, 32))
    assert data.rows.tolist() == [*range(15), *range(35, 50)]
    for row in (0, 49):
        assert data.source[row, 0, :12].unique().tolist() == [100 + row] and data.source[row, 0, 12:].max() == 0
        assert data.target[row, :, 0, 0].tolist() == [200, 50, 0] and data.target[row, :, 10, 0].tolist() == [200, 0, 0]
    assert open_source(**data.recipe).fingerprint == data.fingerprint


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 400, nifti(np.zeros((2, 2, 2), np.uint8), kind=16), nifti(np.zeros((2, 2, 2), np.uint8))[:-1]]
)
def test_volumes_of_another_kind_are_refused(content: bytes) -> None:
    with pytest.raises(Unavailable):
        brain.nifti(content)


def test_faces_have_the_attributes_that_their_labels_say(cache: Path) -> None:
    pytest.importorskip("dicebear")
    data = open_source("faces-attributes", count=40, size=32)
    assert data.spec.attributes == GROUPS and data.spec.classes == () and (len(data), len(data.held_out())) == (36, 4)
    image, label = next(data.stream(8, seed=0))
    assert image.shape == (8, 3, 32, 32) and label is not None and label.shape == (8, len(NAMES))
    assert torch.all(label[:, :5].sum(1) == 1) and torch.all(label[:, 5:10].sum(1) == 1)
    assert 0.15 < faces_attributes.labels(2000, 0).double().mean(0)[:10].min() < 0.25
    again = open_source(**data.recipe)
    assert torch.equal(again.real(4).image, data.real(4).image)


@pytest.mark.parametrize("attribute", ["glasses", "grey hair", "surprised"])
def test_an_edit_changes_the_attribute_and_nothing_else(cache: Path, attribute: str) -> None:
    pytest.importorskip("dicebear")
    source, target = faces_attributes.edits(attribute, count=6, size=32).pairs(6)
    changed = (source != target).any(1)
    assert torch.all(changed.flatten(1).any(1))
    assert not changed[:, :2].any() or attribute == "grey hair"  # the background above the head
    if attribute == "glasses":
        assert not changed[:, 24:].any() and changed.float().mean() < 0.2
    with pytest.raises(UsageError, match="no attribute 'wings'"):
        faces_attributes.edits("wings")
