"""Decoded pictures in one memory-mapped file, so that the second start takes no time and memory does not grow with the data.

A pack is a folder of the cache: ``pixels.bin`` (N, C, H, W uint8), ``table.npz`` (a row of facts a picture), ``pack.json``. It
is written under a temporary name and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.data.cache import cache_dir, locked, scratch, storing, write_atomically
from ganvas.data.listing import Skipped
from ganvas.data.pictures import BadPicture, Header, Look, Pixels, Trait, decode
from ganvas.errors import ResourceError

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("ganvas.data")
SCHEMA = 1
IN_FLIGHT = 256
Column = np.ndarray[tuple[int, ...], np.dtype[Any]]


class Item(NamedTuple):
    """A picture to pack: its name, its file (or how to get its bytes, or the picture), its label or -1."""

    name: str
    source: Path | Callable[[], bytes | Image]
    label: int = -1


@dataclass(frozen=True)
class Pack:
    """Pictures of one shape, N of them.

    Args:
        path: its folder.
        look: how the pictures were brought to their shape.
        classes: class names in label order, empty without labels.
        fingerprint: sha256 of pixels, labels and classes.
        skipped: what was left out.
        facts: anything that the builder wants to remember (JSON).
        images: uint8 (N, C, H, W), mapped.
        labels: int64 (N,), or None without classes.
        names: of the pictures.
        width, height: int32 (N,), of the files, upright.
        traits: uint16 (N,), bits of ``Trait``.
        digest: uint64 (N,), a hash of each picture's decoded pixels.
    """

    path: Path
    look: Look
    classes: tuple[str, ...]
    fingerprint: str
    skipped: tuple[Skipped, ...]
    facts: dict[str, Any]
    images: Tensor
    labels: Tensor | None
    names: Sequence[str]
    width: Column
    height: Column
    traits: Column
    digest: Column

    def __len__(self) -> int:
        return len(self.images)


def key_of(*parts: object) -> str:
    """The name of a pack: a hash of all that decides its content."""
    return hashlib.sha256(json.dumps([SCHEMA, *parts], sort_keys=True, default=str).encode()).hexdigest()[:32]


def packs() -> Path:
    return cache_dir() / "packs"


def load(key: str) -> Pack | None:
    """The pack of that key, or None when the cache has none or it is not whole."""
    path = packs() / key
    try:
        about = json.loads((path / "pack.json").read_text("utf-8"))
        look = Look(**{**about["look"], **{name: tuple(about["look"][name]) for name in ("size", "background")}})
        shape = (about["count"], *look.shape)
        if about["schema"] != SCHEMA or (path / "pixels.bin").stat().st_size != int(np.prod(shape, dtype=np.int64)):
            return None
        with np.load(path / "table.npz", allow_pickle=False) as table:
            columns = {name: table[name] for name in ("label", "width", "height", "traits", "digest")}
        names = json.loads((path / "names.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    if not all(len(column) == about["count"] for column in (*columns.values(), names)):
        return None
    label = columns.pop("label")
    return Pack(
        path,
        look,
        tuple(about["classes"]),
        about["fingerprint"],
        tuple(Skipped(*entry) for entry in about["skipped"]),
        about["facts"],
        mapped(path / "pixels.bin", shape),
        torch.from_numpy(label.astype(np.int64)) if about["classes"] else None,
        names,
        **columns,
    )


def recall(stamp: str) -> Pack | None:
    """The pack that was built for that stamp, a cheap mark of its source (``remember``), if it is still there."""
    try:
        return load(str(json.loads((packs() / "index" / f"{stamp}.json").read_text("utf-8"))["pack"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(stamp: str, key: str) -> None:
    write_atomically(packs() / "index" / f"{stamp}.json", json.dumps({"pack": key}).encode())


def mapped(path: Path, shape: tuple[int, ...]) -> Tensor:
    if shape[0] == 0:
        return torch.empty(shape, dtype=torch.uint8)
    # Mode "c": private to this process. Torch wants memory that could be written; the file never is.
    return torch.from_numpy(np.memmap(path, np.uint8, "c", shape=shape))


def build(
    key: str,
    items: Iterable[Item],
    look: Look,
    *,
    classes: Sequence[str] = (),
    skipped: Sequence[Skipped] = (),
    facts: dict[str, Any] | None = None,
    expected: int | None = None,
) -> Pack:
    """The pack of that key: from the cache, else decoded now, in threads, with bounded memory.

    Args:
        items: the pictures; those that cannot be decoded are skipped and listed.
        skipped: what was left out already.
        expected: how many items there are, if that is known.

    Raises:
        ResourceError: the disk cannot hold it.
    """
    with locked(f"pack-{key}"):
        if ready := load(key):  # another process has built it meanwhile
            return ready
        target = packs() / key
        with scratch(target) as folder, storing(target):
            if expected:
                make_room(target, expected * int(np.prod(look.shape)))
            write(folder, decoded(items, look, expected), look, tuple(classes), list(skipped), facts or {})
            if target.exists():  # what is left of a damaged one
                shutil.rmtree(target)
            folder.rename(target)
    ready = load(key)
    if ready is None:
        raise ResourceError(f"the pack {target} cannot be read back", "check the disk, or set GANVAS_CACHE to another")
    return ready


def make_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if size * 1.02 > free:
        raise ResourceError(
            f"the decoded pictures need {size / 1e9:.2f} GB and {target.parent} has {free / 1e9:.2f} GB free",
            "free some space, choose a smaller size, or set GANVAS_CACHE to another disk",
        )


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silences Pillow's remarks on odd metadata and size, in this thread and those it starts: each picture gets our verdict."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


Decoded = tuple[Item, tuple[Pixels, Header, Trait] | BadPicture]


def decoded(items: Iterable[Item], look: Look, expected: int | None) -> Iterator[Decoded]:
    """Decodes in threads (Pillow releases the interpreter's lock), at most ``IN_FLIGHT`` pictures at a time, in order."""

    def one(item: Item) -> Decoded:
        try:
            return item, decode(item.source if isinstance(item.source, Path) else item.source(), look)
        except BadPicture as bad:
            return item, bad

    waiting, done, spoken = iter(items), 0, time.monotonic()
    with quiet_decoders(), ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as threads:
        while chunk := list(islice(waiting, IN_FLIGHT)):
            yield from threads.map(one, chunk)
            done += len(chunk)
            if time.monotonic() - spoken > 5:
                spoken = time.monotonic()
                log.info("decoded %s of %s pictures", f"{done:,}", "?" if expected is None else f"{expected:,}")


def write(
    folder: Path,
    pictures: Iterator[Decoded],
    look: Look,
    classes: tuple[str, ...],
    skipped: list[Skipped],
    facts: dict[str, Any],
) -> None:
    names: list[str] = []
    label, width, height, trait, digest = array("q"), array("i"), array("i"), array("H"), array("Q")
    content = hashlib.sha256(repr((look.shape, classes)).encode())
    with (folder / "pixels.bin").open("wb") as file:
        for item, result in pictures:
            if isinstance(result, BadPicture):
                skipped.append(Skipped(item.name, str(result)))
                continue
            pixels, header, traits = result
            raw = pixels.tobytes()
            file.write(raw)
            content.update(raw)
            content.update(item.label.to_bytes(8, "little", signed=True))
            label.append(item.label)
            width.append(header.width)
            height.append(header.height)
            trait.append(int(traits))
            digest.append(int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little"))
            names.append(item.name)
        file.flush()
        os.fsync(file.fileno())
    np.savez(
        folder / "table.npz",
        label=np.array(label, np.int64),
        width=np.array(width, np.int32),
        height=np.array(height, np.int32),
        traits=np.array(trait, np.uint16),
        digest=np.array(digest, np.uint64),
    )
    about = {
        "schema": SCHEMA,
        "look": asdict(look),
        "count": len(names),
        "classes": classes,
        "skipped": skipped,
        "facts": facts,
    }
    (folder / "names.json").write_text(json.dumps(names), "utf-8")
    (folder / "pack.json").write_text(json.dumps({**about, "fingerprint": content.hexdigest()}), "utf-8")
