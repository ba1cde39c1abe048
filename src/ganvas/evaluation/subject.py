"""Who is judged: a run, a model, or samples that somebody else made."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ganvas.data import ArrayData, Data, folder, open_source
from ganvas.data.batches import Images
from ganvas.data.dataset import SUBSET, permutation
from ganvas.data.listing import listing
from ganvas.data.pictures import BadPicture, probe
from ganvas.errors import DataError, UsageError
from ganvas.runs import Model, Run, load

Which = Literal["best", "last"]
Source = str | Path | Model | Data | Tensor


@dataclass(frozen=True)
class Subject:
    """Samples to be judged.

    Args:
        name: in words.
        draw: (count, seed, labels) -> generated samples; labels (count,) are what conditional ones shall be of.
        count: how many there are; 0 for as many as are asked for.
        model: what draws them, where Ganvas trained it.
        run: the run's folder, where there is one.
        facts: for the record, JSON values.
    """

    name: str
    draw: Callable[[int, int, Tensor | None], Images]
    count: int = 0
    model: Model | None = None
    run: Path | None = None
    facts: dict[str, Any] | None = None

    @property
    def conditional(self) -> bool:
        return self.model is not None and self.model.method.conditional


def subject_of(subject: Source, *, which: Which = "best") -> Subject:
    """Takes a run folder, a model folder or file, a loaded model, a folder of pictures, data, or samples.

    Args:
        which: of a run's models, the one that scored best or the last.

    Raises:
        UsageError: samples that are neither pictures nor points. DataError, ModelError: the folder cannot be read.
    """
    if isinstance(subject, Model):
        return of_model(subject, repr(subject), None)
    if isinstance(subject, Tensor):
        return of_samples(Images(checked(subject)), f"{len(subject):,} samples")
    if not isinstance(subject, str | Path):
        return Subject(subject.name, lambda n, seed, _: subject.real(n, seed), len(subject))
    path = Path(subject)
    if path.is_file() or any((path / own).exists() for own in ("config.json", "model.json")):
        run = path if (path / "config.json").exists() else None
        place = path / "model" if run and which == "last" else path
        return of_model(load(place), str(path), run)
    pictures = whole(folder_as_it_is(path))
    return Subject(str(path), lambda n, seed, _: pictures.real(n, seed), len(pictures), facts={"notes": [*pictures.notes]})


def of_model(model: Model, name: str, run: Path | None) -> Subject:
    """A model, which draws as many samples as are asked for."""

    def draw(count: int, seed: int, labels: Tensor | None) -> Images:
        if not model.method.conditional:
            return Images(model.sample(count, seed=seed))
        classes = len(model.spec.classes)
        wanted = torch.arange(count) % classes if labels is None else labels
        return Images(model.sample(count, seed=seed, labels=wanted.tolist()), wanted)

    moment = {key: model.facts.get(key) for key in ("step", "images", "seconds")}
    facts = {"method": model.method_name, "weights": model.hash, **moment}
    return Subject(name, draw, model=model, run=run, facts=facts)


def of_samples(samples: Images, name: str) -> Subject:
    """Samples that are all there is: ``draw`` takes a random part of them."""

    def draw(count: int, seed: int, _: Tensor | None) -> Images:
        rows = permutation(len(samples.image), seed, SUBSET, 0)[:count]
        return Images(samples.image[rows], None if samples.label is None else samples.label[rows])

    return Subject(name, draw, len(samples.image))


def checked(samples: Tensor) -> Tensor:
    """Samples as float32 on the CPU.

    Raises:
        UsageError: they are neither pictures (N, C, H, W) in [-1, 1] nor points (N, d), or none.
    """
    if samples.dim() not in (2, 4) or not len(samples) or not samples.is_floating_point():
        raise UsageError(
            f"samples of shape {tuple(samples.shape)} and {samples.dtype}",
            "give floats: pictures (N, C, H, W) in [-1, 1], or points (N, d)",
        )
    return samples.detach().float().cpu()


def against_of(against: Source | None, subject: Subject) -> Data | Tensor:
    """The real side: what was named, else the data that the run was trained on.

    Raises:
        UsageError: nothing was named and the subject is no run, or its data was made in Python.
        DataError: the data cannot be had.
    """
    if isinstance(against, Model):
        raise UsageError("a model cannot be the real side", "name real data")
    if isinstance(against, Tensor):
        return checked(against)
    if isinstance(against, str | Path):
        if not Path(against).is_dir():
            return open_source(str(against))
        pictures = folder_as_it_is(Path(against))
        return pictures if subject.model else whole(pictures)  # nothing was held out from whoever made a folder
    if against is not None:
        return against
    if subject.run is None:
        raise UsageError(f"{subject.name} does not say what it should look like", "name real data with against (--against)")
    described = Run(subject.run).config["data"]
    if not described.get("recipe"):
        raise UsageError(f"the run was trained on {described.get('name')}, which was made in Python", "pass it as against")
    data = open_source(**described["recipe"])
    if data.fingerprint != described["fingerprint"]:
        raise UsageError(f"{data.name} has changed since the run was trained on it", "put it back, or name data with against")
    return data


def folder_as_it_is(path: Path) -> ArrayData:
    """A folder of pictures at its own commonest size: no score may depend on a resizing that nobody asked for.

    Raises:
        DataError: the folder is missing or holds no pictures.
    """
    if not path.is_dir():
        raise DataError(f"there is no run, model or folder {path}", "`ganvas runs` lists the runs")
    sizes: Counter[tuple[int, int]] = Counter()
    for picture in listing(path).pictures:
        try:
            header = probe(picture.path)
        except (BadPicture, OSError):
            continue
        sizes[(header.height, header.width)] += 1
    if not sizes:
        raise DataError(f"{path} holds no picture that can be read", "name a run, or a folder of PNG, JPEG, WebP, BMP or TIFF")
    (size, _), *others = sizes.most_common()
    data = folder(path, size=size)
    if others:
        other = f"{sum(count for _, count in others):,} of another size were cropped and resized to {size[0]}x{size[1]}"
        data.notes = (*data.notes, other)
    return data


def whole(pictures: ArrayData) -> ArrayData:
    """A folder's pictures with those that would be held out from training."""
    if pictures.rows is None:
        return pictures
    together = ArrayData(
        pictures.images,
        pictures.labels,
        classes=pictures.spec.classes,
        name=pictures.name,
        licence=pictures.licence,
        origin=pictures.origin,
        fingerprint=hashlib.sha256(f"{pictures.fingerprint} whole".encode()).hexdigest(),
    )
    together.notes = pictures.notes
    return together
