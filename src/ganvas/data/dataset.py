"""A dataset is a tensor of uint8 pictures; a stream of batches is a pure function of (seed, rank, cursor).

There is no DataLoader and there are no workers: a batch is one ``index_select`` on uint8 and one conversion to float on the
device (two million 28x28 pictures a second on one core), so a stream can be stopped anywhere and continued by its cursor alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganvas.data.batches import Images, Spec
from ganvas.errors import UsageError

# What a random draw is for: streams of different purposes never share their randomness.
ORDER, MIRROR, SUBSET, TRAINING_DRAWS, HELD_OUT_DRAWS, OTHER_ORDER, OTHER_MIRROR, OTHER_SUBSET = range(8)
Batch = TypeVar("Batch", covariant=True)


class Stream(Iterator[Batch]):
    """Endless batches. ``cursor`` counts the batches drawn so far and may be set: that is all there is to resuming."""

    cursor: int = 0

    def __next__(self) -> Batch:
        batch = self.at(self.cursor)
        self.cursor += 1
        return batch

    def at(self, cursor: int) -> Batch:
        """The batch number ``cursor`` (from 0), whatever was drawn before; does not move the stream."""
        raise NotImplementedError


class Data(Protocol):
    """What training, scores and figures need of data, be it pictures or a distribution of points.

    Attributes:
        name: what people call it.
        spec: what one sample is.
        licence: under which terms it comes, in words.
        origin: where it came from, in words.
        fingerprint: sha256 of the content and its preprocessing; of name and parameters for a distribution.
        recipe: keyword arguments with which ``open_source`` opens it again; empty for data that was built in memory.
        notes: what was decided and done when it was opened, a clause each.
    """

    name: str
    spec: Spec
    licence: str
    origin: str
    fingerprint: str
    recipe: dict[str, Any]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """How many samples there are; 0 means that they never end."""

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> Stream[Any]:
        """Endless batches of ``batch_size`` for one rank of ``world``, on ``device``: what kind of batches, ``spec`` says."""

    def held_out(self) -> Data:
        """Data that training does not see: the test set, a part that was held back, or fresh draws."""

    def real(self, count: int, seed: int = 0) -> Images:
        """A fixed random subset (all of it when there are fewer than ``count``), float32 on the CPU."""


def random_bits(seed: int, purpose: int, counter: int) -> np.random.PCG64:
    """The random source of one draw. NumPy promises these raw bits to be the same in every version and on every machine."""
    return np.random.PCG64(np.random.SeedSequence(seed % 2**64, spawn_key=(purpose, counter)))


def permutation(count: int, seed: int, purpose: int, counter: int) -> Tensor:
    """A random order of ``count`` rows, (count,) int64."""
    # Sorting raw bits, and not Generator.permutation: only the bits are promised to outlive NumPy's versions.
    return torch.from_numpy(np.argsort(random_bits(seed, purpose, counter).random_raw(count), kind="stable"))


def to_float(picture: Tensor) -> Tensor:
    """uint8 in 0..255 to float32 in [-1, 1], correctly rounded: 0 is -1 and 255 is 1 exactly."""
    return picture.float().sub_(127.5).div_(127.5)


def check_ranks(batch_size: int, rank: int, world: int) -> None:
    """Refuses a batch of nothing and a rank outside its world."""
    if batch_size < 1:
        raise UsageError(f"a batch of {batch_size} samples holds nothing", "use a batch size of 1 or more")
    if not 0 <= rank < world:
        raise UsageError(f"rank {rank} is not one of {world} ranks", "ranks count from 0")


class ArrayData:
    """Pictures in memory or in a memory-mapped file.

    Args:
        images: uint8 (N, C, H, W), values 0..255; may be a mapped file.
        labels: int64 (N,), an index into ``classes``, or None.
        classes: the class names in label order; required with labels of one class a picture.
        attributes: as in ``Spec``; labels are then int64 (N, K), zeros and ones.
        name, licence, origin: see ``Data``.
        fingerprint: sha256 of the content; computed when empty.
        mirror: flip half of the pictures of a stream left to right, chosen at random.
        rows: int64, the rows of ``images`` that belong to this set, in order; all of them when None.
        test: gives the data that training does not see; without it ``held_out`` refuses.
        recipe: see ``Data``.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        classes: Sequence[str] = (),
        attributes: Sequence[Sequence[str]] = (),
        name: str = "array",
        licence: str = "not stated",
        origin: str = "in memory",
        fingerprint: str = "",
        mirror: bool = False,
        rows: Tensor | None = None,
        test: Callable[[], ArrayData] | None = None,
        recipe: dict[str, Any] | None = None,
    ) -> None:
        if images.dtype != torch.uint8 or images.dim() != 4:
            raise UsageError(
                f"pictures are {images.dtype} of shape {tuple(images.shape)}", "give uint8 pictures of shape (N, C, H, W)"
            )
        if labels is not None:
            check_labels(labels, len(images), len(classes), sum(map(len, attributes)))
        self.images, self.labels, self.rows = images, labels, rows
        self.name, self.licence, self.origin, self.mirror = name, licence, origin, mirror
        groups = tuple(tuple(group) for group in attributes)
        self.spec = Spec(tuple(images.shape[1:]), tuple(classes) if labels is not None else (), attributes=groups)
        self.fingerprint = fingerprint or content_hash(images, labels)
        self.recipe = recipe or {}
        self.notes: tuple[str, ...] = ()
        self._test = test

    def __len__(self) -> int:
        return len(self.images) if self.rows is None else len(self.rows)

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.spec.shape)
        classes = f", {len(self.spec.classes)} classes" if self.spec.classes else ""
        return f"<{self.name}: {len(self):,} pictures of {shape}{classes}>"

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> ArrayStream:
        """Endless batches. Each epoch is a fresh permutation, of which the tail that does not fill a batch is dropped."""
        check_ranks(batch_size, rank, world)
        if batch_size * world > len(self):
            raise UsageError(
                f"a batch of {batch_size * world} is more than the {len(self)} pictures of {self.name}",
                f"use a batch size of at most {max(len(self) // world, 1)}",
            )
        return ArrayStream(self, batch_size, seed, rank, world, torch.device(device))

    def held_out(self) -> ArrayData:
        if self._test is None:
            raise UsageError(f"{self.name} has no held-out part", "call split() and train on what it returns")
        return self._test()

    def real(self, count: int, seed: int = 0) -> Images:
        rows = permutation(len(self), seed, SUBSET, 0)[:count]
        rows = rows if self.rows is None else self.rows[rows]
        label = None if self.labels is None else self.labels[rows]
        return Images(to_float(self.images.index_select(0, rows)), label)

    def part(self, rows: Tensor, name: str, mark: str, *, test: Callable[[], ArrayData] | None = None) -> ArrayData:
        """The set of the given rows of ``images``, sharing its memory. ``mark`` says which part it is, for the fingerprint."""
        return ArrayData(
            self.images,
            self.labels,
            classes=self.spec.classes,
            attributes=self.spec.attributes,
            name=name,
            licence=self.licence,
            origin=self.origin,
            fingerprint=hashlib.sha256(f"{self.fingerprint} {mark}".encode()).hexdigest(),
            mirror=self.mirror,
            rows=rows,
            test=test,
        )

    def split(self, share: float = 0.1, held: Tensor | None = None) -> ArrayData:
        """The set without its held-out part, which ``held_out()`` of the result returns.

        Args:
            share: the held-out share of the pictures, 0..1, chosen at random (but always the same).
            held: int64, the positions to hold out instead.
        """
        own = torch.arange(len(self)) if self.rows is None else self.rows
        if held is None:
            held = permutation(len(self), 0, SUBSET, 1)[: int(len(self) * share)]
        keep = torch.ones(len(self), dtype=torch.bool)
        keep[held] = False
        apart = own[~keep]
        mark = hashlib.sha256(apart.numpy().tobytes()).hexdigest()
        test = self.part(apart, f"{self.name} (held out)", f"held out {mark}")
        training = self.part(own[keep], self.name, f"without {mark}", test=lambda: test)
        training.recipe, training.notes = self.recipe, self.notes
        return training

    def whole(self, test: Callable[[], ArrayData]) -> ArrayData:
        """The same set with that held-out part."""
        self._test = test
        return self

    def only(self, *wanted: int | str) -> ArrayData:
        """The pictures of some classes, given by name or index; their labels become 0, 1, ... in the order given."""
        if self.labels is None or self.spec.attributes:
            raise UsageError(f"{self.name} has no labels to choose by", "leave the class out")
        indices = [class_index(label, self.spec.classes, self.name) for label in wanted]
        if len(set(indices)) < len(indices) or not indices:
            raise UsageError(f"{self.name} cannot be narrowed to {list(wanted)!r}", "name one class or several, each once")
        new_label = torch.full((len(self.spec.classes),), -1)
        new_label[torch.tensor(indices)] = torch.arange(len(indices))
        relabelled = new_label[self.labels]
        own = torch.arange(len(self)) if self.rows is None else self.rows
        names = [self.spec.classes[index] for index in indices]
        rows = own[relabelled[own] >= 0]
        if not len(rows):
            raise UsageError(f"{self.name} has no picture of {', '.join(names)}", "name another class")
        test = self._test
        chosen = self.part(
            rows, f"{self.name}:{','.join(names)}", f"only {names}", test=None if test is None else lambda: test().only(*wanted)
        )
        chosen.labels = relabelled.clamp(min=0)
        chosen.spec = Spec(self.spec.shape, tuple(names))
        chosen.recipe = {**self.recipe, "only": ",".join(names)} if self.recipe else {}
        return chosen


class ArrayStream(Stream[Images]):
    """Batches of an ``ArrayData``; ``batches_per_epoch`` of them see (almost) every picture once."""

    def __init__(self, data: ArrayData, batch_size: int, seed: int, rank: int, world: int, device: torch.device) -> None:
        self._pictures = Gathered(data.images, device)
        self._order = Order(data.rows, len(data), batch_size, seed, rank, world)
        self.batches_per_epoch = self._order.batches_per_epoch
        self._labels, self._mirror, self._device = data.labels, data.mirror, device

    def at(self, cursor: int) -> Images:
        rows = self._order.at(cursor)
        flip = self._order.flips(cursor) if self._mirror else None
        label = None if self._labels is None else self._labels.index_select(0, rows).to(self._device, non_blocking=True)
        return Images(to_float(self._pictures.at(rows, flip)), label)


class Order:
    """Which rows are a rank's batch: each epoch is a fresh permutation, of which the tail that fills no batch is dropped.

    Args:
        rows: int64, the rows to choose from; None for 0..count-1.
        count: how many these are.
        purpose, flipping: what the permutations and the flips are for; orders of different purpose are independent.
    """

    def __init__(
        self,
        rows: Tensor | None,
        count: int,
        batch_size: int,
        seed: int,
        rank: int,
        world: int,
        purpose: int = ORDER,
        flipping: int = MIRROR,
    ) -> None:
        self.batches_per_epoch = count // (batch_size * world)
        self._rows, self._count, self._seed, self._purpose, self._flipping = rows, count, seed, purpose, flipping
        self._total, self._own = batch_size * world, slice(rank * batch_size, (rank + 1) * batch_size)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def epoch(self, cursor: int) -> int:
        return cursor // self.batches_per_epoch

    def at(self, cursor: int) -> Tensor:
        """The rows of batch number ``cursor``, int64 (N,)."""
        epoch, batch = divmod(cursor, self.batches_per_epoch)
        if epoch != self._epoch:
            order = permutation(self._count, self._seed, self._purpose, epoch)
            self._epoch, self._order = epoch, order if self._rows is None else self._rows[order]
        return self._order[batch * self._total :][self._own]

    def flips(self, cursor: int) -> Tensor:
        """Which pictures of the batch are mirrored, (N, 1, 1, 1) bool; the same whatever the number of ranks."""
        bits = random_bits(self._seed, self._flipping, cursor).random_raw(self._total)[self._own]
        return torch.from_numpy(bits >> np.uint64(63) == 1).view(-1, 1, 1, 1)


class Gathered:
    """Pictures by their rows, on a device: kept there whole when they fit, else copied batch by batch."""

    def __init__(self, images: Tensor, device: torch.device) -> None:
        # Rows that are flat are gathered by one memcpy each, four times faster than rows of shape (C, H, W).
        flat = images.flatten(1)
        self._flat = flat.to(device) if fits_on(device, flat) else flat
        self._shape, self._device = images.shape[1:], device

    def at(self, rows: Tensor, flip: Tensor | None = None) -> Tensor:
        """The pictures of ``rows`` uint8 (N, C, H, W), those of ``flip`` (N, 1, 1, 1) mirrored left to right."""
        picture = self._flat.index_select(0, rows.to(self._flat.device)).view(len(rows), *self._shape)
        if flip is not None:
            picture = torch.where(flip.to(picture.device), picture.flip(-1), picture)
        return picture.to(self._device, non_blocking=True)


def check_labels(labels: Tensor, count: int, classes: int, attributes: int) -> None:
    """Refuses labels that are not one class a picture, 0..classes-1, or not zeros and ones of (count, attributes)."""
    shape = (count, attributes) if attributes else (count,)
    if tuple(labels.shape) != shape or labels.dtype != torch.int64:
        raise UsageError(
            f"{count} pictures have labels of shape {tuple(labels.shape)} and {labels.dtype}",
            f"give int64 labels of shape {shape}" if attributes else "give one int64 label a picture",
        )
    limit = 2 if attributes else classes
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < limit:
        raise UsageError(
            f"labels run from {int(labels.min())} to {int(labels.max())} but there are {limit} classes",
            "number the classes from 0",
        )


def class_index(label: int | str, classes: tuple[str, ...], name: str) -> int:
    """The index of a class given by its name or, when no class has that name, by its index."""
    if isinstance(label, str) and label in classes:
        return classes.index(label)
    index = int(label) if isinstance(label, int) or label.isdecimal() else -1
    if not 0 <= index < len(classes):
        shown = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
        raise UsageError(f"{name} has no class {label!r}", f"it has {shown}")
    return index


def fits_on(device: torch.device, images: Tensor) -> bool:
    """Whether the whole set is worth copying to the device: only a GPU, and only up to a quarter of its free memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return images.numel() <= free // 4


def content_hash(images: Tensor, labels: Tensor | None) -> str:
    """sha256 of shape, pixels and labels."""
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    for start in range(0, len(images), 1024):  # in slices: a mapped file must not be read into memory at once
        digest.update(images[start : start + 1024].contiguous().numpy().tobytes())
    if labels is not None:
        digest.update(labels.contiguous().numpy().tobytes())
    return digest.hexdigest()
