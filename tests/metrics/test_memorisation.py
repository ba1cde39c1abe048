"""Planted copies are found and counted; honest and collapsed samplers are not accused."""

from __future__ import annotations

import pytest
import torch

from ganvas.errors import UsageError
from ganvas.metrics import authenticity, memorisation
from ganvas.metrics.memorisation import Memorisation


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def planted(share: float, seed: int, noise: float = 0.0, held: int = 500) -> Memorisation:
    train, held_out, honest = normal(1500, 10, seed=seed), normal(held, 10, seed=seed + 1), normal(1000, 10, seed=seed + 2)
    copies = round(share * len(honest))
    rows = torch.randint(len(train), (copies,), generator=torch.Generator().manual_seed(seed))
    honest[:copies] = train[rows] + noise * normal(copies, 10, seed=seed + 3)
    return memorisation(honest, train, held_out, seed=seed)


@pytest.mark.parametrize("seed", [0, 10, 20])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_planted_copies_are_counted(share: float, seed: int, noise: float) -> None:
    found = planted(share, seed, noise)
    assert found.detected
    assert found.copies == pytest.approx(share, abs=0.05)
    assert found.expected == 0.75


def test_honest_samplers_are_not_accused() -> None:
    found = [planted(0.0, 30 + 4 * s, held=1500) for s in range(12)]
    assert not any(each.detected for each in found)
    assert max(each.copies for each in found) < 0.05
    assert sum(each.p_value < 0.2 for each in found) < 7
    assert "no sign" in str(found[0])


def test_a_collapsed_sampler_is_not_taken_for_a_copier() -> None:
    # All samples lie by one point; whether its neighbours are of the training set says nothing.
    for seed in range(4):
        train, held_out = normal(200, 5, seed=seed), normal(200, 5, seed=seed + 9)
        collapsed = train[:1] + 0.3 + 1e-3 * normal(300, 5, seed=5)
        assert not memorisation(collapsed, train, held_out).detected


def test_duplicates_in_the_training_set() -> None:
    train = normal(100, 5, seed=6).repeat(6, 1)
    assert memorisation(train[:300], train, normal(600, 5, seed=7)).copies == pytest.approx(1, abs=0.05)


def test_authenticity_by_hand() -> None:
    train = torch.tensor([[0.0], [1.0], [10.0]])
    # 0.4 and 0.6 from neighbours that have one at 1; 8 from 10, whose own is at 9; 1.5 from 1, whose own is at 1.
    generated = torch.tensor([[0.4], [-1.5], [18.0], [20.0]])
    assert authenticity(generated, train) == 0.5
    assert authenticity(train, train) == 0


def test_refuses_too_few() -> None:
    with pytest.raises(UsageError, match="N >= 6"):
        memorisation(normal(5, 2, seed=0), normal(9, 2, seed=1), normal(9, 2, seed=2))
