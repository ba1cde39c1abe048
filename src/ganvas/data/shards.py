"""WebDataset shards: tar files of samples, each a picture and its label under one key. They are read, never unpacked."""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import re
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ganvas.data import pack as packing
from ganvas.data.dataset import ArrayData
from ganvas.data.folder import as_data, hold_out, refuse
from ganvas.data.labels import in_order, inert
from ganvas.data.listing import Skipped, shown
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import SUFFIXES, BadPicture, Header, probe
from ganvas.data.wanted import WHITE, Colour, Fit, Size, Wanted
from ganvas.errors import DataError, UsageError

log = logging.getLogger("ganvas.data")
MEMBER_LIMIT = 1 << 28


class Sample(NamedTuple):
    """One sample of a shard; the label is None when it has none."""

    name: str
    picture: bytes
    label: str | None


def web_dataset(
    pattern: str,
    *,
    size: Size = None,
    channels: int | None = None,
    fit: Fit = "crop",
    background: Colour = WHITE,
    mirror: bool = False,
    strict: bool = False,
    max_bad: float = 0.05,
) -> ArrayData:
    """The pictures of WebDataset shards on this disk, packed like a folder; a tenth is held out.

    A sample is the files of one key: ``KEY.jpg`` (or another picture) with ``KEY.cls`` (its class) or ``KEY.json`` (with a
    ``label`` or ``class``).

    Args:
        pattern: shards as ``train-{000..009}.tar``, with ``{a,b}``, ``*`` and ``?``, or one file.
        size, channels, fit, background, mirror, strict, max_bad: see ``wanted.Wanted``.

    Raises:
        DataError: a shard is missing or is no tar file, or the pictures are refused as ``folder`` refuses them.
        UsageError: the pattern is an address or a command.
    """
    return from_shards(pattern, Wanted(size, channels, fit, background, mirror, strict, max_bad))


def from_shards(pattern: str, wanted: Wanted) -> ArrayData:
    """As ``web_dataset``."""
    shards = expanded(pattern)
    packed = survey(shards, wanted)
    refuse(packed, pattern, wanted)
    origin = f"{len(shards)} WebDataset shard{'s' if len(shards) > 1 else ''} {shown(str(shards[0].absolute()))}"
    data = as_data(packed, name=shards[0].stem, licence="not stated (your own shards)", origin=origin, mirror=wanted.mirror)
    data.recipe = wanted.recipe(f"wds:{Path.cwd() / pattern}")  # an absolute pattern stays as it is
    return hold_out(data, packed)


def expanded(pattern: str) -> list[Path]:
    """The files of a pattern, in order."""
    if re.match(r"(pipe:|[a-z0-9]+://)", pattern):
        raise UsageError(f"shards are read from this disk, not from {shown(pattern)}", "download them first")
    paths: list[Path] = []
    for name in braces(pattern):
        if glob.has_magic(name):
            paths += [Path(match) for match in sorted(glob.glob(name))]  # noqa: PTH207  (the pattern may be absolute)
        else:
            paths.append(Path(name))
    if not paths:
        raise DataError(f"no shard matches {shown(pattern)}", "give tar files, as in wds:shards/train-{000..009}.tar")
    for path in paths:
        if not path.is_file():
            raise DataError(f"there is no shard {shown(str(path))}", "check the pattern")
    return paths


def braces(pattern: str) -> Iterator[str]:
    """Expands the first ``{a,b}`` or ``{00..09}`` of a pattern, and then the rest."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        yield pattern
        return
    span = re.fullmatch(r"(\d+)\.\.(\d+)", found[1])
    if span and int(span[2]) - int(span[1]) > 1_000_000:
        raise UsageError(f"{shown(pattern)} names more than a million shards", "check the range")
    numbers = range(int(span[1]), int(span[2]) + 1) if span else ()
    parts = [str(number).zfill(len(span[1])) for number in numbers] if span else found[1].split(",")
    for part in parts:
        yield from braces(pattern[: found.start()] + part + pattern[found.end() :])


def samples(shards: list[Path], broken: list[Skipped]) -> Iterator[Sample]:
    """Every sample with a picture, in the order of the shards; shards that end early are noted in ``broken``."""
    for shard in shards:
        key, picture, label = "", b"", None
        try:
            with tarfile.open(shard) as archive:
                for member in archive:
                    path = PurePosixPath(member.name)
                    stem, _, kind = path.name.lower().partition(".")
                    if not member.isreg() or member.size > MEMBER_LIMIT or not kind:
                        continue
                    own = f"{path.parent.as_posix()}/{stem}"
                    if own != key:
                        if picture:
                            yield Sample(f"{shard.name}:{key}", picture, label)
                        key, picture, label = own, b"", None
                    if f".{kind.rpartition('.')[2]}" in SUFFIXES:
                        picture = member_bytes(archive, member) or b"\0"  # an empty picture is a bad one, not none
                    elif kind in ("cls", "json"):
                        label = label_of(kind, member_bytes(archive, member)) or label
        except (tarfile.TarError, OSError, EOFError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            broken.append(Skipped(shard.name, f"cannot be read to its end ({str(error) or type(error).__name__})"))
        if picture:
            yield Sample(f"{shard.name}:{key}", picture, label)


def member_bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def label_of(kind: str, content: bytes) -> str | None:
    """The class that a .cls or .json file names."""
    try:
        text = content.decode("utf-8").strip()
        if kind == "json":
            about = json.loads(text)
            found = next((about[name] for name in ("label", "class", "cls") if name in about), None)
            text = str(found) if isinstance(found, str | int) else ""
    except (UnicodeDecodeError, ValueError, TypeError, RecursionError):
        return None
    return inert(text[:200]) or None


def survey(shards: list[Path], wanted: Wanted) -> Pack:
    """The pack of the shards, from the cache or built now in two passes: headers and labels first, then pixels."""
    facts = [(str(path.resolve()), (about := path.stat()).st_size, about.st_mtime_ns, about.st_ctime_ns) for path in shards]
    stamp = packing.key_of("shards", facts, wanted.shape())
    if ready := packing.recall(stamp):
        return ready
    log.info("reading %d shards", len(shards))
    headers: list[Header] = []
    label: dict[str, str] = {}
    skipped: list[Skipped] = []
    good: set[str] = set()
    digest = hashlib.sha256()
    with packing.quiet_decoders():
        for sample in samples(shards, skipped):
            digest.update(sample.name.encode(errors="surrogateescape") + f"\0{sample.label}\0".encode() + sample.picture)
            try:
                headers.append(probe(sample.picture))
            except BadPicture as bad:
                skipped.append(Skipped(sample.name, str(bad)))
                continue
            good.add(sample.name)
            if sample.label is not None:
                label[sample.name] = sample.label
    if not good and not skipped:
        raise DataError(
            f"no pictures in {shown(str(shards[0]))}", "a sample is KEY.jpg (or .png, .webp) with KEY.cls or KEY.json"
        )
    classes = in_order(label.values()) if label else ()
    if classes:
        skipped += [Skipped(name, "no label in its shard") for name in sorted(good - label.keys())]
        good &= label.keys()
    look = wanted.look(headers)
    items = (
        Item(sample.name, partial(bytes, sample.picture), classes.index(label[sample.name]) if classes else -1)
        for sample in samples(shards, [])
        if sample.name in good
    )
    key = packing.key_of("shards", digest.hexdigest(), look, classes)
    about_it = {"labels": "the shards", "chosen": wanted.size is None}
    packed = packing.build(key, items, look, classes=classes, skipped=skipped, facts=about_it, expected=len(good))
    packing.remember(stamp, key)
    return packed
