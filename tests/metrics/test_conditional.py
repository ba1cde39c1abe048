"""Conditional accuracy and the modes of stacked digits, counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.data import Spec
from ganvas.errors import UsageError
from ganvas.metrics import conditional_accuracy, stacked_digits, stacked_modes
from ganvas.metrics.lenet import LeNet, LeNetFeatures


def test_accuracy_by_hand() -> None:
    found = conditional_accuracy(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 0, 2]), classes=4)
    assert found.accuracy == 0.75
    assert found.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert found.by_class[:3] == (0.5, 1.0, 1.0)
    assert math.isnan(found.by_class[3])


def test_accuracy_refuses() -> None:
    with pytest.raises(UsageError, match="one answer a label"):
        conditional_accuracy(torch.zeros(3).long(), torch.zeros(4).long(), classes=2)
    with pytest.raises(UsageError, match="of 2 classes"):
        conditional_accuracy(torch.zeros(3).long(), torch.full((3,), 5), classes=2)


def every_mode() -> torch.Tensor:
    return torch.cartesian_prod(*[torch.arange(10)] * 3)


def test_all_modes_alike_and_one_alone() -> None:
    assert stacked_modes(every_mode().repeat(3, 1)) == (1000, pytest.approx(0, abs=1e-12))
    assert stacked_modes(every_mode()[123:124].repeat(50, 1)) == (1, pytest.approx(math.log(1000)))
    assert stacked_modes(every_mode()[:250]) == (250, pytest.approx(math.log(4)))


def test_a_perfect_sampler_has_its_floor() -> None:
    digits = torch.randint(10, (26_000, 3), generator=torch.Generator().manual_seed(0))
    assert stacked_modes(digits).modes == 1000
    assert stacked_modes(digits).reverse_kl == pytest.approx(999 / 52_000, rel=0.1)


def test_each_channel_is_classified_for_itself() -> None:
    torch.manual_seed(0)
    spec = Spec((1, 28, 28), tuple("0123456789"))
    network = LeNetFeatures(LeNet(spec).eval(), "test", 0.0, "", spec)
    picture = torch.randn(6, 3, 28, 28)
    expected = torch.stack([network.classify(picture[:, [channel]]) for channel in range(3)], dim=1)
    assert torch.equal(stacked_digits(network, picture), expected)


def test_stacked_refuses() -> None:
    with pytest.raises(UsageError, match=r"0\.\.9"):
        stacked_modes(torch.tensor([[1, 2, 10]]))
    with pytest.raises(UsageError, match="shape"):
        stacked_modes(torch.zeros(4, 2).long())
