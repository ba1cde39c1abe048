"""Data sets of pictures through the library datasets, packed like a folder. It comes with ``pip install "ganvas[hf]"``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ganvas.data import pack as packing
from ganvas.data.cache import offline
from ganvas.data.dataset import ArrayData
from ganvas.data.folder import as_data, hold_out, refuse
from ganvas.data.labels import in_order, inert
from ganvas.data.listing import shown
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import BadPicture, Header, probe
from ganvas.data.wanted import WHITE, Colour, Fit, Size, Wanted
from ganvas.errors import DataError, UsageError

LOOKED_AT = 1000
TESTING = ("test", "validation", "valid")


def hugging_face(
    name: str,
    *,
    split: str | None = None,
    labels: str | None = None,
    size: Size = None,
    channels: int | None = None,
    fit: Fit = "crop",
    background: Colour = WHITE,
    mirror: bool = False,
    strict: bool = False,
    max_bad: float = 0.05,
) -> ArrayData:
    """A data set of the Hugging Face hub, or one that ``save_to_disk`` or a folder of parquet files holds.

    Args:
        name: of the data set, or a folder.
        split: train (or the only one) by default; its test or validation split is what is held out, else a tenth.
        labels: the column of classes; by default the first column of class labels.
        size, channels, fit, background, mirror, strict, max_bad: see ``wanted.Wanted``.

    Raises:
        UsageError: the library is not installed, or the data set has no column of pictures or not that split or column.
        DataError: it cannot be had, or the pictures are refused as ``folder`` refuses them.
    """
    return from_hub(name, split, labels, Wanted(size, channels, fit, background, mirror, strict, max_bad))


def from_hub(name: str, split: str | None, labels: str | None, wanted: Wanted) -> ArrayData:
    """As ``hugging_face``."""
    parts = opened(name)
    chosen = split or ("train" if "train" in parts else next(iter(parts)))
    if chosen not in parts:
        raise UsageError(f"{shown(name)} has no split {chosen!r}", f"it has {', '.join(parts)}")
    packed = survey(parts[chosen], name, labels, wanted)
    refuse(packed, name, wanted)
    licence = str(parts[chosen].info.license or "").strip() or "not stated: see its card"
    origin = f"Hugging Face data set {shown(name)}, split {chosen}"
    data = as_data(packed, name=Path(name).name, licence=licence, origin=origin, mirror=wanted.mirror)
    source = str(Path(name).absolute()) if Path(name).is_dir() else name
    data.recipe = wanted.recipe(f"hf:{source}", split=split, labels=labels)
    testing = next((other for other in TESTING if other in parts and other != chosen), None)
    if testing is None:
        return hold_out(data, packed)

    def held_out() -> ArrayData:
        test = survey(parts[testing], name, labels, replace(wanted, size=packed.look.size, channels=packed.look.channels))
        refuse(test, f"{name}:{testing}", wanted)
        if test.classes != packed.classes:
            raise DataError(f"split {testing} of {shown(name)} has other classes than {chosen}", "name a column of labels")
        return as_data(test, name=f"{data.name} ({testing})", licence=licence, origin=origin)

    return data.whole(held_out)


def opened(name: str) -> dict[str, Any]:
    """The splits of a data set, by name."""
    try:
        import datasets
    except ImportError as error:
        raise UsageError(f"hf data needs {error.name}, which is not installed", 'pip install "ganvas[hf]"') from None
    try:
        if (Path(name) / "state.json").is_file() or (Path(name) / "dataset_dict.json").is_file():
            found = datasets.load_from_disk(name)
        else:
            local = datasets.DownloadConfig(local_files_only=offline())
            found = datasets.load_dataset(name, download_config=local)
    except Exception as error:  # the library raises what its many back ends raise
        reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        raise DataError(f"the data set {shown(name)} cannot be opened ({reason})", "check the name and the network") from error
    return dict(found) if isinstance(found, dict) else {"train": found}


def survey(table: Any, name: str, labels: str | None, wanted: Wanted) -> Pack:
    """The pack of one split, from the cache or built now."""
    image, label = columns(table, name, labels)
    stamp = packing.key_of("hf", table._fingerprint, len(table), image, label, wanted.shape())
    if ready := packing.load(stamp):
        return ready
    import datasets

    raw = table.cast_column(image, datasets.Image(decode=False))  # our own decoder, with its limits
    classes, number = class_names(table, label)
    look = wanted.look(list(headers(raw, image)))

    def items() -> Iterator[Item]:
        for row in range(len(raw)):
            entry = raw[row]
            yield Item(f"row {row}", partial(content, entry[image]), number(entry[label]) if label else -1)

    facts = {"labels": f"column {label}", "chosen": wanted.size is None}
    return packing.build(stamp, items(), look, classes=classes, facts=facts, expected=len(raw))


def columns(table: Any, name: str, labels: str | None) -> tuple[str, str | None]:
    """The column of pictures and that of labels."""
    kinds = {column: type(feature).__name__ for column, feature in table.features.items()}
    images = [column for column, kind in kinds.items() if kind == "Image"]
    if not images:
        raise UsageError(f"{shown(name)} has no column of pictures", f"it has {', '.join(kinds)}")
    if labels in (None, "none"):
        own = None if labels else next((column for column, kind in kinds.items() if kind == "ClassLabel"), None)
        return images[0], own
    if labels not in kinds:
        raise UsageError(f"{shown(name)} has no column {labels!r}", f"it has {', '.join(kinds)}")
    return images[0], labels


def class_names(table: Any, label: str | None) -> tuple[tuple[str, ...], Callable[[Any], int]]:
    """The classes of a column, and the function from its values to their numbers."""
    if label is None:
        return (), lambda value: -1
    names = getattr(table.features[label], "names", None)
    if names:
        classes = tuple(inert(str(name)) for name in names)
        return classes, int
    classes = in_order(inert(str(value)) for value in table.unique(label))
    if len(classes) > max(1000, len(table) // 2):
        raise DataError(f"column {label} has {len(classes)} values for {len(table)} pictures", "name a column of classes")
    index = {name: number for number, name in enumerate(classes)}
    return classes, lambda value: index[inert(str(value))]


def headers(raw: Any, image: str) -> Iterator[Header]:
    """Headers of up to ``LOOKED_AT`` pictures, spread over the set."""
    with packing.quiet_decoders():
        for row in range(0, len(raw), max(len(raw) // LOOKED_AT, 1)):
            try:
                yield probe(content(raw[row][image]))
            except BadPicture:
                continue


def content(entry: Any) -> bytes:
    """The bytes of a picture that is not decoded yet."""
    if not isinstance(entry, dict):
        raise BadPicture("empty")
    if entry.get("bytes") is not None:
        return bytes(entry["bytes"])
    try:
        return Path(entry["path"]).read_bytes()
    except (OSError, TypeError, KeyError) as error:
        raise BadPicture(f"cannot be read ({error})") from error
