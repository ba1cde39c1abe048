"""The Inception Score: its extremes, and torchmetrics."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.image.inception import InceptionScore as Reference

from ganvas.errors import UsageError
from ganvas.metrics import inception_score


def test_sure_and_varied_is_the_number_of_classes() -> None:
    assert inception_score(torch.eye(10).repeat(30, 1)) == (pytest.approx(10), pytest.approx(0, abs=1e-9))


def test_unsure_or_one_class_is_one() -> None:
    assert inception_score(torch.full((40, 5), 0.2)).value == pytest.approx(1)
    assert inception_score(torch.eye(5)[:1].repeat(40, 1)).value == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save", "ignore:std")
def test_equals_torchmetrics() -> None:
    logits = 3 * torch.randn(60, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    class Answers(torch.nn.Module):
        num_features = 7

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return logits

    metric = Reference(feature=Answers(), splits=1)
    metric.update(torch.zeros(60, 3, 8, 8))
    assert inception_score(logits.softmax(1), splits=1).value == pytest.approx(float(metric.compute()[0]), rel=1e-4)


def test_splits_by_hand() -> None:
    p = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert inception_score(p, splits=2) == (pytest.approx(1.5), pytest.approx(0.5))


def test_refuses() -> None:
    with pytest.raises(UsageError, match="softmax"):
        inception_score(torch.tensor([[3.0, -1.0]]), splits=1)
    with pytest.raises(UsageError, match="10 splits"):
        inception_score(torch.eye(3))
