"""A data set made larger by samples (A12): written as a folder, checked for copies, and tried out on a classifier."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganvas.apps.latent import require_generator
from ganvas.apps.neighbours import held_out_of
from ganvas.data import ArrayData, Images
from ganvas.data.dataset import to_float
from ganvas.errors import UsageError
from ganvas.metrics.classification import STEPS, Augmentation, augmentation
from ganvas.metrics.memorisation import Memorisation, memorisation
from ganvas.metrics.thumbnails import THUMBNAIL, thumbnail, thumbnails
from ganvas.runs import Model
from ganvas.runs.durable import replace_file
from ganvas.runs.grids import save_picture
from ganvas.runs.provenance import provenance

SEARCHED = 2000
"""Samples whose nearest neighbours are looked for."""
FEWEST_HELD_OUT = 100
"""Held-out pictures below which nothing can be said about copies."""
TABLE, ORIGIN = "labels.csv", "provenance.json"


@dataclass(frozen=True)
class Augmented:
    """Samples with their labels, and what is known of them.

    Args:
        samples: pictures (N, C, H, W) in [-1, 1], and the class asked for of each.
        classes: the class names in label order; empty without labels.
        copies: what the nearest neighbours say, and the same of real pictures in the samples' place; None if untold.
        gain: of a classifier, by the number of real pictures beside the samples.
        untold: why something is not known.
    """

    samples: Images
    classes: tuple[str, ...]
    copies: tuple[Memorisation, Memorisation] | None = None
    gain: tuple[Augmentation, ...] = ()
    untold: tuple[str, ...] = field(default_factory=tuple)


def augment(
    model: Model,
    data: ArrayData,
    count: int,
    *,
    seed: int = 0,
    labels: Sequence[int] | None = None,
    truncation: float | None = None,
    few: Sequence[int] = (200, 1000),
    repeats: int = 5,
    steps: int = STEPS,
    report: Callable[[str], None] | None = None,
) -> Augmented:
    """Draws ``count`` samples, looks for copies of training pictures among them, and measures whether they teach.

    Args:
        model: makes pictures of the data's shape. A conditional one asks for the data's classes in turn, or for ``labels``.
        data: what it was trained on; its held-out part is needed by the search for copies and by the classifier's test.
        few: numbers of real pictures beside which the samples are tried, those that there are; none skips the trial.
        repeats: of each trial, at least 2.
        steps: of each classifier.

    Raises:
        UsageError: no generator of pictures, another shape, other classes, or a number out of range.
    """
    require_generator(model)
    if model.spec.shape != data.spec.shape:
        raise UsageError(f"the model makes {model.spec.shape}, the data is {data.spec.shape}", "give the data's own model")
    if model.method.conditional and model.spec.classes != data.spec.classes:
        raise UsageError(
            f"the model's classes ({', '.join(model.spec.classes[:5])}) are not those of {data.name}",
            "give the data that it was trained on",
        )
    samples = model.sample(count, seed=seed, labels=labels, truncation=truncation)
    label = labels_of(model, data, count, labels)
    untold: list[str] = []
    copies = copied(samples, data, seed, untold)
    gain: list[Augmentation] = []
    held_out = held_out_of(data)
    if few and (reason := no_trial(label, data, held_out, few)):
        untold.append(f"gain of a classifier: {reason}")
    elif few and held_out is not None:
        chosen = [number for number in few if number <= len(data)]
        real, test = data.real(max(chosen), seed), held_out.real(min(len(held_out), 10_000), seed)
        gain = augmentation(
            Images(samples, label), real, test, data.spec.classes, counts=chosen, repeats=repeats, steps=steps, seed=seed,
            report=report,
        )  # fmt: skip
    classes = data.spec.classes if label is not None else ()
    return Augmented(Images(samples, label), classes, copies, tuple(gain), tuple(untold))


def labels_of(model: Model, data: ArrayData, count: int, labels: Sequence[int] | None) -> Tensor | None:
    """The class that was asked for of each sample; of a model without classes the data's only one, or none."""
    if model.method.conditional:
        turn = torch.arange(len(model.spec.classes)) if labels is None else torch.tensor(labels)
        return turn[torch.arange(count) % len(turn)]
    return torch.zeros(count, dtype=torch.int64) if len(data.spec.classes) == 1 else None


def copied(samples: Tensor, data: ArrayData, seed: int, untold: list[str]) -> tuple[Memorisation, Memorisation] | None:
    """Whether samples are copies of training pictures, and the same of training pictures that are taken out of the search.

    The held-out part may be of another kind (MNIST's test set is by other writers): what is above the second is copying.
    """
    held_out = held_out_of(data)
    if held_out is None or len(held_out) < FEWEST_HELD_OUT or len(data) < 2 * FEWEST_HELD_OUT or len(samples) < 20:
        untold.append(f"copies: needs 20 samples and {FEWEST_HELD_OUT} held-out pictures")
        return None
    number = min(SEARCHED, len(samples), len(data) // 4)
    train, decoys = thumbnails(data, seed), thumbnails(held_out, seed)
    found = memorisation(thumbnail(samples[:number]), train, decoys, seed=seed)
    return found, memorisation(train[:number], train[number:], decoys, seed=seed)


def no_trial(label: Tensor | None, data: ArrayData, held_out: ArrayData | None, few: Sequence[int]) -> str:
    """Why samples cannot be tried on a classifier; empty when they can."""
    if label is None:
        return "the model is not conditional, its samples have no labels"
    if len(data.spec.classes) < 2:
        return "there is one class alone"
    if held_out is None or len(held_out) < FEWEST_HELD_OUT:
        return f"{data.name} has no {FEWEST_HELD_OUT} held-out pictures to test it on"
    if any(side % 4 for side in data.spec.shape[1:]):
        return "the classifier takes sides that are multiples of 4"
    return "" if any(number <= len(data) for number in few) else f"{data.name} has fewer than {min(few)} pictures"


# -- the folder ----------------------------------------------------------------------------------------------------------


def write_folder(
    folder: Path, found: Augmented, model: Model, data: ArrayData, settings: dict[str, Any], *, with_real: bool = False
) -> int:
    """Writes samples as PNGs with a table of labels and a file on their origin; returns how many pictures there are.

    With the real pictures beside them the folder has ``train``, of both, and ``test``, of the real held-out ones alone: what
    is trained on it is not judged by samples.

    Raises:
        UsageError: real pictures without a held-out part, or of two channels. ResourceError: the disk is full.
    """
    channels = data.spec.shape[0]
    if channels not in (1, 3, 4):
        raise UsageError(f"pictures of {channels} channels have no file", "use apps.augment in Python")
    held_out = held_out_of(data)
    if with_real and held_out is None:
        raise UsageError(f"{data.name} has no held-out part", "leave --with-real out")
    facts = {"seed": settings.get("seed"), "model": model.hash, "method": model.method_name, "synthetic": True}
    place = folder / "train" if with_real else folder
    rows = [*synthetic(place, found, facts)]
    if with_real:
        rows += real(place, data, "real")
    table(place, rows)
    if with_real and held_out is not None:
        tests = [*real(folder / "test", held_out, "real")]
        table(folder / "test", tests)
        rows += tests
    origin = account(found, model, data, settings) | {"with_real": with_real}
    replace_file(folder / ORIGIN, json.dumps(origin, indent=1, ensure_ascii=False).encode() + b"\n")
    return len(rows)


def synthetic(folder: Path, found: Augmented, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Writes the samples; file names and classes."""
    for number, pixels in enumerate(as_bytes(found.samples.image)):
        label = None if found.samples.label is None else found.classes[int(found.samples.label[number])]
        name = f"synthetic-{number:06d}.png"
        save_picture(folder / name, pixels, facts | {"number": number} | ({} if label is None else {"label": label}))
        yield name, label or ""


def real(folder: Path, data: ArrayData, stem: str) -> Iterator[tuple[str, str]]:
    """Writes real pictures; file names and classes."""
    rows = torch.arange(len(data.images)) if data.rows is None else data.rows
    for part in rows.split(1000):
        for row, pixels in zip(part.tolist(), as_bytes(to_float(data.images[part])), strict=True):
            name = f"{stem}-{row:06d}.png"
            save_picture(folder / name, pixels)
            yield name, "" if data.labels is None else data.spec.classes[int(data.labels[row])]


def as_bytes(pictures: Tensor) -> Iterator[Image.Image]:
    """Pictures (N, C, H, W) in [-1, 1], C being 1, 3 or 4, as they are stored: grey stays grey."""
    pixels = pictures.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    for each in pixels:
        yield Image.fromarray(each[..., 0] if each.shape[2] == 1 else each)


def table(folder: Path, rows: Sequence[tuple[str, str]]) -> None:
    """Writes the table of file names and classes that ``--data`` reads; none without labels."""
    if not all(label for _, label in rows):
        return
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([("file", "label"), *rows])
    replace_file(folder / TABLE, text.getvalue().encode())


def account(found: Augmented, model: Model, data: ArrayData, settings: dict[str, Any]) -> dict[str, Any]:
    """What anyone should know who gets the folder: whose pictures these are, how they were made, and what they are worth."""
    label = found.samples.label
    counts = {} if label is None else Counter(found.classes[int(number)] for number in label)
    copies = None
    if found.copies is not None:
        ours, honest = found.copies
        copies = asdict(ours) | {
            "features": f"pixels averaged to {THUMBNAIL}x{THUMBNAIL}",
            "detected": detected(found),
            "copies_of_unseen_real": honest.copies,
        }
    return {
        "synthetic": len(found.samples.image),
        "by_class": dict(counts),
        "model": {"hash": model.hash, "method": model.method_name, "facts": model.facts},
        "settings": settings,
        "data": {"name": data.name, "origin": data.origin, "licence": data.licence, "fingerprint": data.fingerprint},
        "licence": f"made by a model that learnt from {data.name}, whose licence is: {data.licence}",
        "copies": copies,
        "gain": [asdict_of(each) for each in found.gain],
        "untold": list(found.untold),
        "made": provenance(),
    }


def detected(found: Augmented) -> bool | None:
    """Whether there are copies of training pictures, more than real pictures in their place would show; None if untold."""
    if found.copies is None:
        return None
    ours, honest = found.copies
    return ours.detected and ours.copies > honest.copies


def asdict_of(each: Augmentation) -> dict[str, Any]:
    return {"real": each.pictures, "alone": each.alone._asdict(), "gain": each.gain._asdict()}
