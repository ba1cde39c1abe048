"""Stacked MNIST: three random digits in the channels of one picture, a distribution of 1,000 modes that can be counted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import HELD_OUT_DRAWS, SUBSET, TRAINING_DRAWS, ArrayData, Stream, check_ranks, random_bits, to_float
from ganvas.data.mnist import mnist
from ganvas.errors import UsageError


class StackedDigits:
    """Pictures (3, H, W) whose channels are drawn independently from a set of grey digits (Metz et al. 2017); never ends.

    Label abc stands for digit a in red, b in green, c in blue. There are so many triples (2e14 of MNIST's training set) that
    each batch is a fresh draw.

    Args:
        digits: grey pictures of ten classes; its test set is what ``held_out()`` stacks.

    Attributes:
        name, spec, licence, origin, fingerprint, recipe, notes: see ``Data``.
    """

    def __init__(self, digits: ArrayData, recipe: dict[str, Any] | None = None, purpose: int = TRAINING_DRAWS) -> None:
        if digits.labels is None or digits.spec.shape[0] != 1 or len(digits.spec.classes) != 10:
            raise UsageError(f"{digits.name} is not grey pictures of ten digits", "stack MNIST's")
        channel, height, width = digits.spec.shape
        self.digits = digits
        self.name = f"stacked {digits.name}"
        self.spec = Spec((3 * channel, height, width), tuple(f"{label:03}" for label in range(1000)))
        self.licence, self.origin = digits.licence, f"three digits each of {digits.origin}"
        self.fingerprint = hashlib.sha256(f"stacked {digits.fingerprint}".encode()).hexdigest()
        self.recipe = recipe or {}
        self.notes: tuple[str, ...] = ()
        self._purpose = purpose

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # its length is 0 because it never ends

    def __repr__(self) -> str:
        return f"<{self.name}: endless pictures of {'x'.join(map(str, self.spec.shape))}, 1,000 modes>"

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> StackedStream:
        check_ranks(batch_size, rank, world)
        return StackedStream(self, self._purpose, batch_size, seed, rank, world, torch.device(device))

    def held_out(self) -> StackedDigits:
        """Stacks of digits that training does not see."""
        return StackedDigits(self.digits.held_out(), purpose=HELD_OUT_DRAWS)

    def real(self, count: int, seed: int = 0) -> Images:
        """``count`` pictures, the same for the same seed."""
        return self.stacked(triples(len(self.digits), count, seed, SUBSET, self._purpose))

    def stacked(self, rows: Tensor) -> Images:
        """The pictures (N, 3, H, W) and labels of the digits at positions ``rows`` (N, 3) of the set."""
        rows = rows if self.digits.rows is None else self.digits.rows[rows]
        assert self.digits.labels is not None
        pictures = self.digits.images.index_select(0, rows.flatten()).view(len(rows), *self.spec.shape)
        return Images(to_float(pictures), self.digits.labels[rows] @ torch.tensor([100, 10, 1]))


class StackedStream(Stream[Images]):
    """Fresh triples: rank r takes its slice of the global batch, which depends on (seed, cursor) alone."""

    def __init__(
        self, data: StackedDigits, purpose: int, batch_size: int, seed: int, rank: int, world: int, device: torch.device
    ) -> None:
        self._data, self._purpose, self._seed, self._device = data, purpose, seed, device
        self._total = batch_size * world
        self._own = slice(rank * batch_size, (rank + 1) * batch_size)

    def at(self, cursor: int) -> Images:
        rows = triples(len(self._data.digits), self._total, self._seed, self._purpose, cursor)
        image, label = self._data.stacked(rows[self._own])
        assert label is not None
        return Images(image.to(self._device), label.to(self._device))


def triples(size: int, count: int, seed: int, purpose: int, counter: int) -> Tensor:
    """Positions (count, 3) int64 in 0..size-1, uniform up to one part in 2^64 / size."""
    bits = random_bits(seed, purpose, counter).random_raw(3 * count)
    return torch.from_numpy((bits % size).astype("int64")).view(count, 3)


def stacked_mnist(root: str | Path | None = None) -> StackedDigits:
    """Stacked MNIST; ``root`` and errors as for ``mnist``."""
    recipe = {"source": "stacked-mnist", **({} if root is None else {"root": str(root)})}
    return StackedDigits(mnist(root), recipe)
