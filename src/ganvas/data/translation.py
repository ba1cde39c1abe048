"""Data for translation: pairs of pictures or two domains of them; streams are pure functions of (seed, rank, cursor)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.data.dataset import (
    OTHER_MIRROR,
    OTHER_ORDER,
    OTHER_SUBSET,
    SUBSET,
    Gathered,
    Order,
    Stream,
    check_ranks,
    content_hash,
    permutation,
    to_float,
)
from ganvas.errors import UsageError


class Damage(Protocol):
    """Makes source pictures out of their targets.

    Attributes:
        name: what it does, in words; part of the fingerprint.
    """

    name: str

    def __call__(self, picture: Tensor, row: Tensor, draw: int) -> Tensor:
        """Sources uint8 (N, C', H', W') of ``picture`` uint8 (N, C, H, W): a function of it, its ``row`` (N,) and ``draw``."""


class Translation:
    """What both kinds of data for translation share; see ``Data`` for the attributes."""

    def __init__(
        self,
        spec: Spec,
        *,
        test: Callable[[], Self] | None,
        name: str,
        licence: str,
        origin: str,
        fingerprint: str,
        mirror: bool,
        recipe: dict[str, Any] | None,
        notes: tuple[str, ...],
    ) -> None:
        self.spec, self.name, self.licence, self.origin, self.fingerprint = spec, name, licence, origin, fingerprint
        self.mirror, self.recipe, self.notes, self._test = mirror, recipe or {}, notes, test

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        source, target = ("x".join(str(n) for n in shape) for shape in (self.spec.source or (), self.spec.shape))
        return f"<{self.name}: {len(self):,} {'pairs' if self.spec.paired else 'pictures a side'}, {source} to {target}>"

    def whole(self, test: Callable[[], Self]) -> Self:
        """The same set with that held-out part."""
        self._test = test
        return self

    def held_out(self) -> Self:
        if self._test is None:
            raise UsageError(f"{self.name} has no held-out part", "call split() and train on what it returns")
        return self._test()

    def refuse_to_stream(self, batch: int, available: int, world: int) -> None:
        if batch > available:
            raise UsageError(
                f"a batch of {batch} is more than the {available} pictures of {self.name}",
                f"use a batch size of at most {max(available // world, 1)}",
            )


class PairData(Translation):
    """Aligned pictures, in memory or in memory-mapped files: ``target`` is what ``source`` should be translated to.

    Args:
        source: uint8 (N, C', H', W'), or a ``Damage`` that makes it out of the target, anew in every epoch.
        target: uint8 (N, C, H, W).
        match: int64 (N,), the row of ``source`` that belongs to each row of ``target``; None when it is the same.
        label: int64 (N,), what is known of each target besides; for judging, never for training. Or None.
        rows: int64, the pairs that belong to this set, in order; all of them when None.
        mirror: flip half of the pairs of a stream left to right, both sides alike.
        test: gives the pairs that training does not see; without it ``held_out`` refuses.
        name, licence, origin, fingerprint, recipe, notes: see ``Data``; the fingerprint is computed when empty.

    Raises:
        UsageError: the sides are no uint8 pictures or of different number.
    """

    def __init__(
        self,
        source: Tensor | Damage,
        target: Tensor,
        *,
        match: Tensor | None = None,
        label: Tensor | None = None,
        rows: Tensor | None = None,
        test: Callable[[], PairData] | None = None,
        name: str = "pairs",
        licence: str = "not stated",
        origin: str = "in memory",
        fingerprint: str = "",
        mirror: bool = False,
        recipe: dict[str, Any] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        check_pictures(target)
        if isinstance(source, Tensor):
            check_pictures(source)
            if len(source) != len(target) and (match is None or len(match) != len(target)):
                raise UsageError(f"{len(source)} sources have {len(target)} targets", "give one target a source")
            shape, mark = source.shape[1:], fingerprint or content_hash(source, match)
        else:
            shape, mark = source(target[:1], torch.zeros(1, dtype=torch.int64), 0).shape[1:], source.name
        spec = Spec(tuple(target.shape[1:]), source=tuple(shape), paired=True)
        mark = fingerprint or hashlib.sha256(f"{mark} {content_hash(target, label)}".encode()).hexdigest()
        super().__init__(
            spec,
            test=test,
            name=name,
            licence=licence,
            origin=origin,
            fingerprint=mark,
            mirror=mirror,
            recipe=recipe,
            notes=notes,
        )
        self.source, self.target, self.match, self.label, self.rows = source, target, match, label, rows

    def __len__(self) -> int:
        return len(self.target) if self.rows is None else len(self.rows)

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> PairStream:
        """Endless batches of ``Pairs``; each epoch is a fresh permutation without its tail."""
        check_ranks(batch_size, rank, world)
        self.refuse_to_stream(batch_size * world, len(self), world)
        return PairStream(self, batch_size, seed, rank, world, torch.device(device))

    def subset(self, count: int, seed: int = 0) -> Tensor:
        """The rows of a fixed random subset of ``count`` pairs, of all when there are fewer."""
        rows = permutation(len(self), seed, SUBSET, 0)[:count]
        return rows if self.rows is None else self.rows[rows]

    def pairs(self, count: int, seed: int = 0) -> Pairs:
        """A fixed random subset of ``count`` pairs (all of them when there are fewer), float32 on the CPU."""
        rows = self.subset(count, seed)
        target = self.target.index_select(0, rows)
        if isinstance(self.source, Tensor):
            source = self.source.index_select(0, rows if self.match is None else self.match[rows])
        else:
            source = self.source(target, rows, 0)
        return Pairs(to_float(source), to_float(target))

    def truth(self, count: int, seed: int = 0) -> Pairs:
        """``pairs`` of the held-out part."""
        return self.held_out().pairs(count, seed)

    def labels(self, count: int, seed: int = 0) -> Tensor | None:
        """What is known of the pairs that ``pairs(count, seed)`` gives, int64 (N,); None when nothing is."""
        return None if self.label is None else self.label[self.subset(count, seed)]

    def real(self, count: int, seed: int = 0) -> Images:
        """The targets of ``pairs(count, seed)``."""
        return Images(to_float(self.target.index_select(0, self.subset(count, seed))))

    def part(self, rows: Tensor, name: str, mark: str, test: Callable[[], PairData] | None = None) -> PairData:
        """The set of the given rows, sharing its memory. ``mark`` says which part it is, for the fingerprint."""
        return PairData(
            self.source,
            self.target,
            match=self.match,
            label=self.label,
            rows=rows,
            test=test,
            name=name,
            licence=self.licence,
            origin=self.origin,
            fingerprint=hashlib.sha256(f"{self.fingerprint} {mark}".encode()).hexdigest(),
            mirror=self.mirror,
            recipe=self.recipe,
            notes=self.notes,
        )

    def split(self, share: float = 0.1, held: Tensor | None = None) -> PairData:
        """The set without its held-out part (``held``: positions; else a random ``share``), which ``held_out()`` returns."""
        own, apart, mark = divided(len(self), self.rows, share, held)
        test = self.part(apart, f"{self.name} (held out)", f"held out {mark}")
        return self.part(own, self.name, f"without {mark}", lambda: test)


class PairStream(Stream[Pairs]):
    """Batches of a ``PairData``; ``batches_per_epoch`` of them see (almost) every pair once."""

    def __init__(self, data: PairData, batch_size: int, seed: int, rank: int, world: int, device: torch.device) -> None:
        self._order = Order(data.rows, len(data), batch_size, seed, rank, world)
        self.batches_per_epoch = self._order.batches_per_epoch
        self._mirror, self._match, self._seed, self._device = data.mirror, data.match, seed, device
        # Damage is done on the CPU, where all its randomness is made.
        self._damage = None if isinstance(data.source, Tensor) else data.source
        self._source = Gathered(data.source, device) if isinstance(data.source, Tensor) else None
        self._target = Gathered(data.target, torch.device("cpu") if self._damage else device)

    def at(self, cursor: int) -> Pairs:
        rows = self._order.at(cursor)
        flip = self._order.flips(cursor) if self._mirror else None
        target = self._target.at(rows, flip)
        if self._source is not None:
            source = self._source.at(rows if self._match is None else self._match[rows], flip)
        else:
            assert self._damage is not None
            source = self._damage(target, rows, draw_of(self._seed, self._order.epoch(cursor)))
            source, target = (side.to(self._device, non_blocking=True) for side in (source, target))
        return Pairs(to_float(source), to_float(target))


class TwoDomainData(Translation):
    """Pictures of two domains without correspondence: those of ``x`` are to be translated to look like those of ``y``.

    Args:
        x: uint8 (N, C', H', W').
        y: uint8 (M, C, H, W).
        rows: the rows of x and those of y that belong to this set; all of them when None.
        true: held-out pictures with the translation that they should have, where it is known: for judging only.
        mirror: flip half of the pictures of each domain left to right.
        test: gives the pictures that training does not see; without it ``held_out`` refuses.
        name, licence, origin, fingerprint, recipe, notes: see ``Data``; the fingerprint is computed when empty.

    Raises:
        UsageError: a domain is no uint8 pictures.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        *,
        rows: tuple[Tensor | None, Tensor | None] = (None, None),
        true: Callable[[], PairData] | None = None,
        test: Callable[[], TwoDomainData] | None = None,
        name: str = "two domains",
        licence: str = "not stated",
        origin: str = "in memory",
        fingerprint: str = "",
        mirror: bool = False,
        recipe: dict[str, Any] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        check_pictures(x)
        check_pictures(y)
        spec = Spec(tuple(y.shape[1:]), source=tuple(x.shape[1:]))
        mark = fingerprint or hashlib.sha256(f"{content_hash(x, None)} {content_hash(y, None)}".encode()).hexdigest()
        super().__init__(
            spec,
            test=test,
            name=name,
            licence=licence,
            origin=origin,
            fingerprint=mark,
            mirror=mirror,
            recipe=recipe,
            notes=notes,
        )
        self.x, self.y, self.rows, self._true = x, y, rows, true

    @property
    def counts(self) -> tuple[int, int]:
        """How many pictures x and y have."""
        first, second = (len(side) if own is None else len(own) for side, own in zip((self.x, self.y), self.rows, strict=True))
        return first, second

    def __len__(self) -> int:
        return max(self.counts)

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> TwoDomainStream:
        """Endless batches of ``TwoDomains``; each domain has permutations and epochs of its own."""
        check_ranks(batch_size, rank, world)
        self.refuse_to_stream(batch_size * world, min(self.counts), world)
        return TwoDomainStream(self, batch_size, seed, rank, world, torch.device(device))

    def domains(self, count: int, seed: int = 0) -> TwoDomains:
        """Fixed random subsets of ``count`` pictures of each domain (all when it has fewer), float32 on the CPU."""
        return TwoDomains(chosen(self.x, self.rows[0], count, seed, SUBSET), self.real(count, seed).image)

    def real(self, count: int, seed: int = 0) -> Images:
        """The second part of ``domains(count, seed)``."""
        return Images(chosen(self.y, self.rows[1], count, seed, OTHER_SUBSET))

    @property
    def knows_pairs(self) -> bool:
        """Whether ``true_pairs`` has any."""
        return self._true is not None

    def true_pairs(self) -> PairData:
        """Held-out pictures of x with the pictures of y that they should become.

        Raises:
            UsageError: nobody knows them.
        """
        if self._true is None:
            raise UsageError(f"no true translation is known for {self.name}", "judge it by scores that need none")
        return self._true()

    def truth(self, count: int, seed: int = 0) -> Pairs:
        """``count`` of the ``true_pairs``, float32 on the CPU."""
        return self.true_pairs().pairs(count, seed)

    def part(
        self, rows: tuple[Tensor, Tensor], name: str, mark: str, test: Callable[[], TwoDomainData] | None = None
    ) -> TwoDomainData:
        """The set of the given rows of x and of y, sharing its memory; ``mark`` as for pairs."""
        return TwoDomainData(
            self.x,
            self.y,
            rows=rows,
            true=self._true,
            test=test,
            name=name,
            licence=self.licence,
            origin=self.origin,
            fingerprint=hashlib.sha256(f"{self.fingerprint} {mark}".encode()).hexdigest(),
            mirror=self.mirror,
            recipe=self.recipe,
            notes=self.notes,
        )

    def split(self, share: float = 0.1, held: tuple[Tensor, Tensor] | None = None) -> TwoDomainData:
        """The set without its held-out part (``held``: positions in x, y; else a ``share``), which ``held_out()`` returns."""
        parts = [
            divided(count, own, share, None if held is None else held[side])
            for side, (count, own) in enumerate(zip(self.counts, self.rows, strict=True))
        ]
        (own_x, apart_x, mark_x), (own_y, apart_y, mark_y) = parts
        test = self.part((apart_x, apart_y), f"{self.name} (held out)", f"held out {mark_x} {mark_y}")
        return self.part((own_x, own_y), self.name, f"without {mark_x} {mark_y}", lambda: test)


class TwoDomainStream(Stream[TwoDomains]):
    """Batches of a ``TwoDomainData``; ``batches_per_epoch`` of them see (almost) every picture of the larger domain once."""

    def __init__(self, data: TwoDomainData, batch_size: int, seed: int, rank: int, world: int, device: torch.device) -> None:
        self._x, self._y = Gathered(data.x, device), Gathered(data.y, device)
        count_x, count_y = data.counts
        self._order_x = Order(data.rows[0], count_x, batch_size, seed, rank, world)
        self._order_y = Order(data.rows[1], count_y, batch_size, seed, rank, world, OTHER_ORDER, OTHER_MIRROR)
        self.batches_per_epoch = max(self._order_x.batches_per_epoch, self._order_y.batches_per_epoch)
        self._mirror = data.mirror

    def at(self, cursor: int) -> TwoDomains:
        flip_x, flip_y = (order.flips(cursor) if self._mirror else None for order in (self._order_x, self._order_y))
        x, y = self._x.at(self._order_x.at(cursor), flip_x), self._y.at(self._order_y.at(cursor), flip_y)
        return TwoDomains(to_float(x), to_float(y))


def check_pictures(images: Tensor) -> None:
    """Refuses what is not uint8 (N, C, H, W)."""
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise UsageError(
            f"pictures are {images.dtype} of shape {tuple(images.shape)}", "give uint8 pictures of shape (N, C, H, W)"
        )


def draw_of(seed: int, epoch: int) -> int:
    """The number of a draw of training, in 1..2^63: 0 is kept for the fixed subsets."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {epoch}".encode(), digest_size=8).digest(), "little") // 2 + 1


def chosen(images: Tensor, rows: Tensor | None, count: int, seed: int, purpose: int) -> Tensor:
    """A fixed random subset of the rows as float32 pictures."""
    some = permutation(len(images) if rows is None else len(rows), seed, purpose, 0)[:count]
    return to_float(images.index_select(0, some if rows is None else rows[some]))


def divided(count: int, rows: Tensor | None, share: float, held: Tensor | None) -> tuple[Tensor, Tensor, str]:
    """The rows that stay, those held out (positions ``held``, else a share of them at random), and a mark of the latter."""
    own = torch.arange(count) if rows is None else rows
    held = permutation(count, 0, SUBSET, 1)[: int(count * share)] if held is None else held
    keep = torch.ones(count, dtype=torch.bool)
    keep[held] = False
    return own[keep], own[~keep], hashlib.sha256(own[~keep].numpy().tobytes()).hexdigest()
