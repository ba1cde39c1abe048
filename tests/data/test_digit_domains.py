"""Made data of which the translation is known: masks with two-valued fills, inked digits, digits in four hues."""

from __future__ import annotations

import pytest
import torch

from ganvas.data.coloured_digits import HUES, domains_of, hues_of, in_every_hue, inked, uninked
from ganvas.data.dataset import ArrayData, to_float
from ganvas.data.two_valued import two_valued
from ganvas.errors import UsageError


def digits(count: int = 60) -> ArrayData:
    """Pictures that are all different, labelled, with a test set of other pictures."""

    def part(seed: int, size: int) -> ArrayData:
        pixels = torch.randint(0, 256, (size, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
        return ArrayData(pixels, torch.arange(size) % 10, classes=tuple("0123456789"), name=f"digits {seed}")

    return part(0, count).whole(lambda: part(1, 20))


def test_a_fill_is_plus_or_minus_one_inside_the_mask_and_nothing_outside() -> None:
    data = two_valued(count=300, size=16)
    source, target = data.pairs(300)
    inside = source > 0
    assert set(source.unique().tolist()) == {-1.0, 1.0}
    assert torch.all(target[inside].abs() == 1) and target[~inside].abs().max() < 0.005
    label = data.labels(300)
    assert label is not None and 0.4 < label.float().mean() < 0.6
    for mask, filled, value in zip(inside, target, label.tolist(), strict=True):
        assert mask.any() and torch.all(filled[mask] == 2 * value - 1)
    assert 0.12 < inside.float().mean() < 0.28


def test_shapes_differ_and_their_seed_decides_them() -> None:
    data = two_valued(count=200, size=16)
    assert len(data.source.unique(dim=0)) > 190
    assert data.fingerprint == two_valued(count=200, size=16).fingerprint != two_valued(count=200, size=16, seed=1).fingerprint
    seen = {tuple(row) for row in data.source.flatten(1).tolist()}
    held = data.held_out()
    assert len(held) == 512 and sum(tuple(row) in seen for row in held.source.flatten(1).tolist()) < 10
    with pytest.raises(UsageError, match="4x4 cannot be drawn"):
        two_valued(size=4)


def test_ink_is_undone_by_its_inverse() -> None:
    grey = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    assert inked(grey)[0].flatten().tolist() == [250, 236, 205] and inked(grey)[255].flatten().tolist() == [24, 40, 120]
    assert (uninked(to_float(inked(grey))) - to_float(grey)).abs().max() < 0.01


def test_no_digit_is_in_both_domains_and_the_true_pairs_are_held_out() -> None:
    plain = digits()
    data = domains_of(plain, "inked", {})
    assert data.counts == (30, 30) and data.held_out().counts == (10, 10)
    x = {tuple(row) for row in data.x.flatten(1).tolist()}
    y = {tuple(row) for row in ((uninked(to_float(data.y)) + 1) * 127.5).round().to(torch.uint8).flatten(1).tolist()}
    assert len(x) == len(y) == 30 and not x & y
    true = data.true_pairs()
    assert len(true) == 20 and torch.equal(true.target, inked(true.source))
    label = true.labels(20)
    assert label is not None and sorted(label.tolist()) == sorted([*range(10)] * 2)
    assert not x & {tuple(row) for row in true.source.flatten(1).tolist()}
    assert torch.equal(data.truth(5, seed=2).source, true.pairs(5, seed=2).source)


def test_a_hue_is_the_label_and_each_digit_can_be_had_in_all() -> None:
    plain = digits()
    data = hues_of(plain, {})
    assert data.spec.classes == tuple(HUES) and data.spec.shape == (3, 6, 6) and data.labels is not None
    counts = data.labels.bincount(minlength=4)
    assert counts.tolist() == [15, 15, 15, 15]
    colour = torch.tensor(list(HUES.values()))[data.labels].view(-1, 3, 1, 1)
    assert (data.images.float() - plain.images.float() / 255 * colour).abs().max() <= 0.5
    every, label = in_every_hue(plain.held_out(), 7)
    assert every.shape == (4, 7, 3, 6, 6) and len(label) == 7
    brightest = ((every + 1) / 2).amax((-1, -2)).mean(1)
    assert brightest.argmax(1).tolist() == [0, 0, 1, 2]
