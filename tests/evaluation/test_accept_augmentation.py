"""Rows F3 and F4 by themselves: they measure what they say, and fail what leaks or has not learnt."""

from __future__ import annotations

import pytest
import torch

from ganvas.data import ArrayData
from ganvas.evaluation.accept import LEVELS, augmentation
from ganvas.evaluation.accept.augmentation import LETTERS, at_random, does_not_leak, helps_few, highest, letters, shares_of_ways
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.networks.augment.adaptive import augmented


def test_level_four_has_its_rows() -> None:
    assert {"F3", "F4"} <= {check.name for check in LEVELS[4]}


def test_the_share_of_upright_letters_is_1_in_8_once_they_are_turned_and_mirrored() -> None:
    real, other = letters(400, 0).real(400).image, letters(400, 1).real(400).image
    assert shares_of_ways(other, real) == [1.0] + [0.0] * 7
    assert shares_of_ways(at_random(other, 0), real)[0] == pytest.approx(1 / 8, abs=0.06)
    leaked = augmented(other, 1.0, ("blit", "geom"))  # what a generator makes that learns the changes
    assert shares_of_ways(leaked, real)[0] < 0.5


def test_blends_of_letters_stand_upright() -> None:
    """A generator without classes makes what lies between letters; that is no leak."""
    real = letters(400, 0).real(400).image
    f, p = (boxes_of(letter) for letter in LETTERS)
    blends = torch.stack([f + share * (p - f) for share in (0.3, 0.4, 0.5, 0.6, 0.7)])
    assert shares_of_ways(blends, real)[0] == 1.0


def boxes_of(letter: tuple[tuple[float, float, float, float], ...]) -> torch.Tensor:
    """A letter of 8 x 11 pixels, (1, 16, 16) in [-1, 1]."""
    picture = torch.full((1, 16, 16), -1.0)
    for x0, x1, y0, y1 in letter:
        picture[0, 3 + round(11 * y0) : 3 + round(11 * y1), 4 + round(8 * x0) : 4 + round(8 * x1)] = 1.0
    return picture


def test_p_ends_at_the_cap() -> None:
    assert highest(moves=300, images=5000) == pytest.approx(0.8)


def test_a_generator_that_has_not_learnt_fails() -> None:
    state = torch.random.get_rng_state()
    outcome = does_not_leak(0, steps=3, count=64)
    assert not outcome.passed
    assert outcome.facts["identical"]
    assert outcome.facts["real"] == 1.0
    assert torch.equal(torch.random.get_rng_state(), state)


def test_few_pictures_are_judged_at_each_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (60, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = ArrayData(images, torch.arange(60) % 2, classes=["0", "1"], name="noise").split(0.4)
    monkeypatch.setattr(augmentation, "fashion_mnist", lambda: data)
    monkeypatch.setattr(
        augmentation, "lenet", lambda data: LeNetFeatures(LeNet(data.spec).eval(), "lenet (noise)", 0.9, "00", data.spec)
    )
    monkeypatch.setattr(augmentation, "FEW", 20)
    outcome = helps_few(0, stops=(1, 2), settings={"width": 4, "latent_size": 4, "batch_size": 8})
    assert len(outcome.facts["with"]) == len(outcome.facts["without"]) == 2
    assert outcome.facts["with"] != outcome.facts["without"] or outcome.facts["p"] == [0.0, 0.0]
    assert outcome.facts["ratio"] == min(outcome.facts["with"]) / min(outcome.facts["without"])
