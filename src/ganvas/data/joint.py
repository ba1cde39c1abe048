"""Several sets of labelled pictures as one, each with labels of its own: what a picture's set does not say of it is not known.

Choi et al. 2018 (StarGAN, section 3.3): a label holds the labels of all sets, zeros where they are unknown, and ends in a mask
of zeros and a one that says of which set the picture is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import ArrayData, Stream
from ganvas.errors import UsageError


class JointData:
    """Two sets or more, of which every batch holds as many pictures each (one more of the first ones where it must).

    Args:
        parts: pictures of one shape, each set with classes or attributes.
        test: gives the data that training does not see; by default the parts' own.
        recipe: see ``Data``.

    Raises:
        UsageError: fewer than two sets, one without labels, or sets of different shapes.
    """

    def __init__(
        self, parts: Sequence[ArrayData], *, test: Callable[[], JointData] | None = None, recipe: dict[str, Any] | None = None
    ) -> None:
        if len(parts) < 2:
            raise UsageError("one set of pictures is nothing to join", "give two or more, as in joint:attributes:a/+b/")
        for part in parts:
            if part.labels is None:
                raise UsageError(f"{part.name} has no labels", "give sets with attributes, or with classes as sub-folders")
            if part.spec.shape != parts[0].spec.shape:
                shapes = ["x".join(map(str, each.spec.shape)) for each in (parts[0], part)]
                raise UsageError(
                    f"{parts[0].name} is {shapes[0]}, {part.name} is {shapes[1]}",
                    "bring them together by --size and --channels",
                )
        self.parts = list(parts)
        self.spec = joint_spec(self.parts)
        self.name = "+".join(part.name for part in parts)
        self.licence = "; ".join(dict.fromkeys(part.licence for part in parts))
        self.origin = "; ".join(part.origin for part in parts)
        self.fingerprint = hashlib.sha256(" ".join(part.fingerprint for part in parts).encode()).hexdigest()
        self.recipe = recipe or {}
        self.notes: tuple[str, ...] = tuple(f"{part.name}: {note}" for part in parts for note in part.notes)
        self._test = test

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self):,} pictures of {'x'.join(map(str, self.spec.shape))}>"

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> JointStream:
        """Endless batches; each set has permutations and epochs of its own."""
        sizes = shares(batch_size, len(self.parts))
        if not all(sizes):
            raise UsageError(f"a batch of {batch_size} has no place for {len(sizes)} sets", f"use at least {len(sizes)}")
        streams = [
            part.stream(size, seed=seed, rank=rank, world=world, device=device)
            for part, size in zip(self.parts, sizes, strict=True)
        ]
        return JointStream(streams, self.spec)

    def held_out(self) -> JointData:
        return self._test() if self._test is not None else JointData([part.held_out() for part in self.parts])

    def real(self, count: int, seed: int = 0) -> Images:
        """As many of each set, one set after the other; fewer where a set has fewer."""
        batches = [part.real(size, seed) for part, size in zip(self.parts, shares(count, len(self.parts)), strict=True)]
        return joined(batches, self.spec)


class JointStream(Stream[Images]):
    """Batches of a ``JointData``."""

    def __init__(self, streams: Sequence[Stream[Images]], spec: Spec) -> None:
        self._streams, self._spec = streams, spec
        self.batches_per_epoch = max(stream.batches_per_epoch for stream in streams)  # type: ignore[attr-defined]

    def at(self, cursor: int) -> Images:
        return joined([stream.at(cursor) for stream in self._streams], self._spec)


def shares(count: int, sets: int) -> list[int]:
    """``count`` pictures over the sets, as evenly as can be."""
    return [count // sets + (number < count % sets) for number in range(sets)]


def joint_spec(parts: Sequence[ArrayData]) -> Spec:
    """All sets' groups one after the other; a name that two sets have is followed by its set's."""
    own = [part.spec.attributes or (part.spec.classes,) for part in parts]
    named = Counter(name for groups in own for group in groups for name in group)
    groups = [
        tuple(f"{name} ({part.name})" if named[name] > 1 else name for name in group)
        for part, groups in zip(parts, own, strict=True)
        for group in groups
    ]
    return Spec(parts[0].spec.shape, attributes=tuple(groups), sets=tuple(len(groups) for groups in own))


def joined(batches: Sequence[Images], spec: Spec) -> Images:
    """One batch, with labels int64 (N, K + sets)."""
    places, labels = spec.places, []
    for number, (batch, place) in enumerate(zip(batches, places, strict=True)):
        assert batch.label is not None
        own = batch.label if batch.label.dim() == 2 else one_hot(batch.label, place.stop - place.start)
        label = own.new_zeros(len(own), spec.label_size)
        label[:, place] = own
        label[:, len(spec.domains) + number] = 1
        labels.append(label)
    return Images(torch.cat([batch.image for batch in batches]), torch.cat(labels))


def mask_of(label: Tensor, spec: Spec) -> Tensor:
    """The mask (N, sets) at the end of labels (N, K + sets)."""
    return label[:, len(spec.domains) :]


def of_another(label: Tensor, spec: Spec) -> Tensor:
    """What the picture before is, for each picture; of several sets, the one before in its set."""
    if not spec.sets:
        return label.roll(1, 0)
    wanted = label.clone()
    for number in range(len(spec.sets)):
        rows = (mask_of(label, spec)[:, number] > 0).nonzero()[:, 0]
        wanted[rows] = label[rows.roll(1)]
    return wanted
