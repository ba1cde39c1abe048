"""Augmentation: nothing at 0, exact shifts and holes, the same on every copy, and a gradient to the generator."""

from __future__ import annotations

import pytest
import torch

from ganvas.networks.augment import augment, kept, shifted


def test_probability_0_is_the_same_tensor_and_draws_nothing() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(4, 1, 8, 8)
    state = torch.get_rng_state()
    assert augment(pictures, 0.0) is pictures
    assert torch.equal(state, torch.get_rng_state())


def test_the_share_of_untouched_pictures_is_that_of_no_change_at_all() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(4000, 1, 8, 8) * 2 - 1
    same = (augment(pictures, 0.3) == pictures).flatten(1).all(1).double().mean()
    # A shift of at most one pixel is no shift in a ninth of the cases: 0.7 * 0.7 * (0.7 + 0.3 / 9).
    assert float(same) == pytest.approx(0.49 * (0.7 + 0.3 / 9), abs=0.025)


def test_shifts_are_by_whole_pixels_in_either_direction() -> None:
    torch.manual_seed(0)
    picture = torch.arange(16 * 24, dtype=torch.float32).view(1, 1, 16, 24).repeat(500, 1, 1, 1)
    moved = shifted(picture, torch.ones(500, dtype=torch.bool))
    inside = moved[:, 0, 4:-4, 4:-4] - picture[:, 0, 4:-4, 4:-4]
    assert torch.equal(inside, inside[:, :1, :1].expand_as(inside))  # one shift a picture
    shifts = {(int((d + 12) // 24), int((d + 12) % 24) - 12) for d in inside[:, 0, 0].tolist()}
    assert shifts == {(y, x) for y in range(-2, 3) for x in range(-3, 4)}
    assert torch.equal(shifted(picture, torch.zeros(500, dtype=torch.bool)), picture)


def test_holes_are_at_most_half_the_sides() -> None:
    torch.manual_seed(0)
    mask = kept(torch.zeros(200, 3, 16, 24), torch.arange(200) % 2 == 0)
    holes = (1 - mask)[:, 0]
    assert float(holes[1::2].sum()) == 0
    assert holes[::2].amax(2).sum(1).max() == 8
    assert holes[::2].amax(1).sum(1).max() == 12
    assert holes[::2].amax(1).sum(1).min() >= 6  # at the border half of it is outside


def test_the_generator_feels_what_the_critic_sees() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(64, 1, 8, 8, requires_grad=True)
    augment(pictures, 0.8).square().sum().backward()
    assert pictures.grad is not None
    assert float((pictures.grad == 0).double().mean()) < 0.5
