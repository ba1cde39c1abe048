"""Streams of pairs and of two domains: pure functions of (seed, rank, cursor), both sides of a pair in step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganvas.data import PairData, Pairs, TwoDomainData
from ganvas.errors import UsageError


def pictures(count: int, channels: int = 1, side: int = 4, seed: int = 0) -> Tensor:
    return torch.randint(
        0, 256, (count, channels, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def negatives(count: int = 30, **settings: object) -> PairData:
    """Pairs of which the target is the source's negative."""
    source = pictures(count)
    return PairData(source, 255 - source, **settings)  # type: ignore[arg-type]


def domains(**settings: object) -> TwoDomainData:
    return TwoDomainData(pictures(30), pictures(21, channels=3, seed=1), **settings)  # type: ignore[arg-type]


class Negative:
    name = "negative"

    def __init__(self) -> None:
        self.draws: set[int] = set()

    def __call__(self, picture: Tensor, row: Tensor, draw: int) -> Tensor:
        self.draws.add(draw)
        return 255 - picture


MAKERS: list[Callable[..., PairData | TwoDomainData]] = [negatives, domains]


def same(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_spec_says_what_leads_where() -> None:
    spec = domains().spec
    assert spec.source == (1, 4, 4) and spec.shape == (3, 4, 4) and not spec.paired
    assert negatives().spec.paired


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("made", [False, True])
def test_both_sides_of_a_pair_are_gathered_and_mirrored_alike(mirror: bool, made: bool) -> None:
    data = PairData(Negative(), pictures(30), mirror=mirror) if made else negatives(mirror=mirror)
    stream = data.stream(7, seed=2)
    drawn = [next(stream) for _ in range(8)]
    assert all(torch.equal(pair.source, -pair.target) for pair in drawn)
    plain = {tuple(row.tolist()) for row in data.target.flatten(1)}
    seen = [tuple(row.tolist()) for pair in drawn for row in ((pair.target + 1) * 127.5).round().to(torch.uint8).flatten(1)]
    assert (0.3 < sum(row in plain for row in seen) / len(seen) < 0.7) if mirror else all(row in plain for row in seen)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_batch_depends_on_seed_and_cursor_alone(maker: Callable[..., PairData | TwoDomainData], mirror: bool) -> None:
    data = maker(mirror=mirror)
    stream = data.stream(5, seed=4)
    drawn = [next(stream) for _ in range(20)]
    again = data.stream(5, seed=4)
    assert all(same(again.at(cursor), drawn[cursor]) for cursor in (19, 0, 6, 5, 11))
    assert not same(data.stream(5, seed=5).at(0), drawn[0])


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("maker", MAKERS)
def test_ranks_share_out_the_global_batch(maker: Callable[..., PairData | TwoDomainData], mirror: bool) -> None:
    data = maker(mirror=mirror)
    alone = data.stream(8, seed=1)
    ranks = [data.stream(4, seed=1, rank=rank, world=2) for rank in range(2)]
    for _ in range(9):
        parts = [next(rank) for rank in ranks]
        assert same(next(alone), tuple(torch.cat(sides) for sides in zip(*parts, strict=True)))


def test_an_epoch_sees_every_picture_of_each_domain_once() -> None:
    stream = TwoDomainData(pictures(30), pictures(20, seed=1)).stream(10, seed=0)
    assert stream.batches_per_epoch == 3
    x = torch.cat([stream.at(cursor).x for cursor in range(3)])
    y = torch.cat([stream.at(cursor).y for cursor in range(2)])
    assert len(x.unique(dim=0)) == 30 and len(y.unique(dim=0)) == 20


def test_damage_is_drawn_anew_each_epoch_and_fixed_for_judging() -> None:
    damage = Negative()
    data = PairData(damage, pictures(30))
    damage.draws.clear()
    stream = data.stream(10, seed=0)
    for _ in range(6):
        next(stream)
    assert len(damage.draws) == 2 and 0 not in damage.draws
    damage.draws.clear()
    data.pairs(5)
    assert damage.draws == {0}


def test_a_split_holds_out_and_the_truth_is_held_out() -> None:
    data = negatives(label=torch.arange(30)).split(0.2)
    held = data.held_out()
    assert (len(data), len(held)) == (24, 6)
    assert data.fingerprint != held.fingerprint != negatives().fingerprint
    labels, other = data.labels(99), held.labels(99)
    assert labels is not None and other is not None and sorted([*labels.tolist(), *other.tolist()]) == list(range(30))
    truth = data.truth(4, seed=3)
    assert isinstance(truth, Pairs) and torch.equal(truth.target, held.real(4, seed=3).image)
    assert torch.equal(truth.source, -truth.target)


def test_two_domains_are_split_each() -> None:
    data = domains(true=lambda: negatives(5)).split(0.1)
    assert data.counts == (27, 19) and data.held_out().counts == (3, 2) and len(data) == 27
    drawn = data.domains(9, seed=1)
    assert drawn.x.shape == (9, 1, 4, 4) and torch.equal(drawn.y, data.real(9, seed=1).image)
    assert len(data.truth(3).source) == 3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="30 sources have 29 targets"):
        PairData(pictures(30), pictures(29))
    with pytest.raises(UsageError, match=r"float32 of shape \(2, 1, 4, 4\)"):
        TwoDomainData(pictures(2).float(), pictures(2))
    with pytest.raises(UsageError, match="batch of 22 is more than the 21 pictures"):
        domains().stream(22, seed=0)
    with pytest.raises(UsageError, match="no true translation is known"):
        domains().truth(1)
    with pytest.raises(UsageError, match="no held-out part"):
        negatives().held_out()
