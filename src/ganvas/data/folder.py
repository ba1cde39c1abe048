"""A folder of pictures as data: decoded once into a pack, refused when too many of its files cannot be used."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganvas.data import pack as packing
from ganvas.data.dataset import ArrayData
from ganvas.data.labels import TABLES, Labels, find_labels
from ganvas.data.listing import Found, Listing, Skipped, existing, is_folder, listing, shown
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import BadPicture, Header, Look, Trait, probe
from ganvas.data.wanted import WHITE, Colour, Fit, Size, Wanted
from ganvas.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("ganvas.data")
FEWEST_TO_PART = 20
TRAINING, TESTING = {"train", "training"}, ("test", "testing", "val", "valid", "validation")


def folder(
    path: str | Path,
    *,
    size: Size = None,
    channels: int | None = None,
    labels: str | Path | None = None,
    fit: Fit = "crop",
    background: Colour = WHITE,
    mirror: bool = False,
    strict: bool = False,
    max_bad: float = 0.05,
) -> ArrayData:
    """Every PNG, JPEG, WebP, BMP and TIFF below a folder, at one size; a tenth of them is held out (not below 20 pictures).

    Args:
        path: the folder. When it holds just ``train`` and ``test`` (or ``val``), the latter is what is held out.
        labels: None (a table labels.csv, else two or more sub-folders), "folders", "none", or the path of a CSV.
        size, channels, fit, background, mirror, strict, max_bad: see ``wanted.Wanted``.

    Raises:
        DataError: the folder is missing or has no pictures, fewer than two good ones, only copies of one, or too many bad ones.
        UsageError: a size, fit or background that cannot be.
    """
    return from_folder(path, labels, Wanted(size, channels, fit, background, mirror, strict, max_bad))


def from_folder(path: str | Path, labels: str | Path | None, wanted: Wanted) -> ArrayData:
    """As ``folder``."""
    root = existing(path)
    training, testing = halves(root)
    packed = survey(training or root, labels, wanted)
    refuse(packed, path, wanted)
    name, licence = root.absolute().name or "pictures", "not stated (your own folder)"
    data = as_data(packed, name=name, licence=licence, origin=f"folder {root.absolute()}", mirror=wanted.mirror)
    table = str(Path(labels).absolute()) if labels not in (None, "folders", "none") else labels
    data.recipe = wanted.recipe(str(root.absolute()), labels=table)
    if testing is None:
        return hold_out(data, packed)

    def held_out() -> ArrayData:
        test = survey(testing, labels, replace(wanted, size=packed.look.size, channels=packed.look.channels))
        refuse(test, testing, wanted)
        if test.classes != packed.classes:
            raise DataError(f"{testing} has other classes than {training}", "give both the same sub-folders")
        return as_data(test, name=f"{name} ({testing.name})", licence=licence, origin=f"folder {testing}")

    return data.whole(held_out)


def halves(root: Path) -> tuple[Path | None, Path | None]:
    """The training and the test folder, when the folder holds these two and (but for hidden ones) no other."""
    with os.scandir(root) as entries:
        inner = {entry.name.lower(): root / entry.name for entry in entries if entry.name[0] != "." and is_folder(entry)}
    training = [inner[name] for name in inner if name in TRAINING]
    testing = [inner[name] for name in TESTING if name in inner]
    if len(training) != 1 or not testing or len(inner) > 1 + len(testing):
        return None, None
    return training[0], testing[0]


def survey(path: str | Path, labels: str | Path | None, wanted: Wanted) -> Pack:
    """The pack of a folder, from the cache or built now; refuses nothing that holds a file that looks like a picture."""
    found = listing(path)
    quick = packing.key_of("folder", stamp(found, labels), str(labels), wanted.shape())
    if ready := packing.recall(quick):
        return ready
    log.info("reading %s files of %s", f"{len(found.pictures):,}", shown(str(found.folder)))
    good, skipped, digest = examined(found)
    named = find_labels(found, labels)
    index = {name: number for number, name in enumerate(named.classes)}
    look = wanted.look([header for _, header in good])
    items, left_out = labelled([picture for picture, _ in good], named, index)
    facts = {
        "labels": named.source,
        "unknown": named.unknown,
        "others": found.others,
        "chosen": wanted.size is None,
    }
    key = packing.key_of("folder", digest, look, named.classes, sorted(named.of.items()), facts)
    packed = packing.build(
        key,
        items,
        look,
        classes=named.classes,
        skipped=[*found.skipped, *skipped, *left_out],
        facts=facts,
        expected=len(items),
    )
    packing.remember(quick, key)
    return packed


def stamp(found: Listing, labels: str | Path | None) -> str:
    """A hash of where the files are, what they are called, and when they changed: it costs no reading."""
    digest = hashlib.sha256(os.fsencode(found.folder.resolve()))
    for picture in found.pictures:
        digest.update(os.fsencode(picture.name) + f"\0{picture.size} {picture.modified} {picture.changed}\0".encode())
    for skipped in found.skipped:
        digest.update(os.fsencode(skipped.name))
    tables = [found.folder / name for name in TABLES] + ([] if labels in (None, "none", "folders") else [Path(labels)])
    for table in tables:
        if table.is_file():
            facts = table.stat()
            digest.update(
                f"{table.absolute()}\0{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}\0".encode(errors="replace")
            )
    return f"{digest.hexdigest()} {found.others}"


def examined(found: Listing) -> tuple[list[tuple[Found, Header]], list[Skipped], str]:
    """The pictures whose header can be read, those whose cannot, and a hash of all names and contents."""

    def one(picture: Found) -> tuple[Header | BadPicture, bytes]:
        try:
            header = probe(picture.path)
            with picture.path.open("rb") as file:
                return header, hashlib.file_digest(file, "sha256").digest()
        except BadPicture as bad:
            return bad, str(bad).encode()
        except OSError as error:
            return BadPicture(f"cannot be read ({error.strerror})"), b""

    good, skipped, digest = [], [], hashlib.sha256()
    waiting = iter(found.pictures)
    with packing.quiet_decoders(), ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as threads:
        while chunk := list(islice(waiting, packing.IN_FLIGHT)):
            for picture, (header, content) in zip(chunk, threads.map(one, chunk), strict=True):
                digest.update(os.fsencode(picture.name) + b"\0" + content)
                if isinstance(header, BadPicture):
                    skipped.append(Skipped(picture.name, str(header)))
                else:
                    good.append((picture, header))
    return good, skipped, digest.hexdigest()


def labelled(pictures: list[Found], named: Labels, index: dict[str, int]) -> tuple[list[Item], list[Skipped]]:
    """The items to pack, and the pictures that are left out for want of one label."""
    items, left_out = [], []
    for picture in pictures:
        if picture.name in named.conflicts:
            left_out.append(Skipped(picture.name, f"two labels: {named.conflicts[picture.name]}"))
        elif index and picture.name not in named.of:
            left_out.append(Skipped(picture.name, f"no label in {named.source}"))
        else:
            items.append(Item(picture.name, picture.path, index[named.of[picture.name]] if index else -1))
    return items, left_out


def refuse(packed: Pack, path: str | Path, wanted: Wanted) -> None:
    """Raises DataError when a pack is not fit to train on."""
    where = shown(str(path))
    bad = [
        *packed.skipped,
        *(Skipped(name, f"no such picture, but a row in {packed.facts['labels']}") for name in unknown(packed)),
    ]
    total = len(packed) + len(bad)
    first = f"{shown(bad[0].name)}: {bad[0].reason}" if bad else ""
    if wanted.strict and bad:
        raise DataError(f"{len(bad)} of {total} files in {where} cannot be used ({first})", "mend them, or leave strict out")
    if len(packed) < 2:
        also = f"; {len(bad)} cannot be used ({first})" if bad else ""
        raise DataError(f"{where} has {len(packed)} good pictures{also}", "give at least 2, better 1,000")
    if len(bad) > wanted.max_bad * total:
        raise DataError(
            f"{len(bad)} of {total} files in {where} cannot be used, more than {wanted.max_bad:.0%} ({first})",
            f"`ganvas data check {where}` lists them; mend or remove them",
        )
    if len(np.unique(packed.digest)) == 1:
        raise DataError(f"all {len(packed)} pictures in {where} are identical", "give different ones")


def unknown(packed: Pack) -> list[str]:
    return list(packed.facts.get("unknown", []))


def as_data(packed: Pack, *, name: str, licence: str, origin: str, mirror: bool = False) -> ArrayData:
    """The pack as data, with notes on what was decided and done."""
    data = ArrayData(
        packed.images,
        packed.labels,
        classes=packed.classes,
        name=name,
        licence=licence,
        origin=origin,
        fingerprint=packed.fingerprint,
        mirror=mirror,
    )
    data.notes = tuple(notes(packed))
    if packed.skipped:
        examples = ", ".join(f"{shown(entry.name)} ({entry.reason})" for entry in packed.skipped[:3])
        count = len(packed.skipped)
        log.warning("%s: skipped %d file%s: %s%s", shown(name), count, "s" * (count > 1), examples, ", ..." * (count > 3))
        for entry in packed.skipped[3:]:
            log.info("skipped %s (%s)", shown(entry.name), entry.reason)
    return data


def notes(packed: Pack) -> Iterator[str]:
    yield f"{len(packed):,} pictures as {packed.look.in_words()}{' (chosen)' if packed.facts.get('chosen') else ''}"
    if packed.classes:
        yield f"classes ({packed.facts.get('labels', 'as drawn')}): {', '.join(packed.classes[:10])}" + (
            f" and {len(packed.classes) - 10} more" if len(packed.classes) > 10 else ""
        )
    if packed.skipped:
        yield f"{len(packed.skipped)} files skipped, such as {shown(packed.skipped[0].name)}: {packed.skipped[0].reason}"
    if missing := unknown(packed):
        yield f"{len(missing)} rows of {packed.facts['labels']} name no picture, such as {shown(missing[0])}"
    words: dict[Trait, Callable[[int], str]] = {
        Trait.SIXTEEN_BIT: lambda count: f"{count} of 16 bits or float rescaled to 8 bits",
        Trait.ANIMATED: lambda count: f"{count} animated, first frame taken",
        Trait.ROTATED: lambda count: f"{count} turned upright by EXIF",
        Trait.CMYK: lambda count: f"{count} converted from CMYK",
        Trait.ENLARGED: lambda count: f"{count} enlarged",
    }
    for trait, say in words.items():
        if count := int(np.count_nonzero(packed.traits & int(trait))):
            yield say(count)


def reshaped(data: ArrayData, wanted: Wanted) -> ArrayData:
    """Data at another size or with other channels, packed like a folder. Its held-out part follows."""
    shape = data.spec.shape
    look = Look(wanted.sides or (shape[1], shape[2]), wanted.channels or shape[0], wanted.fit, wanted.background)
    if look.shape == shape:
        return data
    rows = torch.arange(len(data)) if data.rows is None else data.rows

    def picture(row: int) -> Callable[[], Image]:
        from PIL.Image import fromarray

        pixels = data.images[row]
        return lambda: fromarray(pixels[0].numpy() if shape[0] == 1 else pixels.permute(1, 2, 0).contiguous().numpy())

    items = (Item(str(row), picture(row), -1 if data.labels is None else int(data.labels[row])) for row in rows.tolist())
    key = packing.key_of("array", data.fingerprint, look)
    packed = packing.load(key) or packing.build(key, items, look, classes=data.spec.classes, expected=len(rows))
    other = as_data(packed, name=data.name, licence=data.licence, origin=data.origin, mirror=data.mirror)
    other.recipe = {**data.recipe, **wanted.recipe("")} | {"source": data.recipe.get("source", "")} if data.recipe else {}
    return other.whole(lambda: reshaped(data.held_out(), wanted))


def hold_out(data: ArrayData, packed: Pack, share: float = 0.1) -> ArrayData:
    """Holds a tenth out, chosen by content: the choice survives renaming, and copies of a picture stay on one side."""
    if len(data) < FEWEST_TO_PART:
        return data.whole(lambda: data)
    return data.split(held=first_by_content(packed, int(len(data) * share)))


def first_by_content(packed: Pack, count: int) -> Tensor:
    """Rows of the ``count`` smallest hashes, fewer when the last of them has a copy beyond."""
    order = np.argsort(packed.digest, kind="stable")
    ordered = packed.digest[order]
    while count and ordered[count - 1] == ordered[count]:
        count -= 1
    return torch.from_numpy(np.sort(order[:count]))
