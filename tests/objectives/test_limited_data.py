"""LeCam's and the consistency terms against closed forms, value and gradient."""

from __future__ import annotations

import pytest
import torch

from ganvas.objectives.adversarial import wasserstein_critic
from ganvas.objectives.limited_data import anchored, balanced_consistency, consistency, lecam


def test_lecam_by_hand() -> None:
    real = torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([-2.0], dtype=torch.float64, requires_grad=True)
    anchor_real, anchor_fake = torch.tensor(2.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    value = lecam(real, fake, anchor_real, anchor_fake)
    assert value.item() == pytest.approx((4 + 16) / 2 + 16)
    value.backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.tolist() == [2.0, 4.0]  # 2 (D - a_F) / N
    assert fake.grad.tolist() == [-8.0]


@pytest.mark.parametrize(("weight", "anchor"), [(0.3, 0.5), (0.1, -0.2)])
def test_the_best_discriminator_under_lecam_is_the_papers(weight: float, anchor: float) -> None:
    """On a line of five places with known p and q, by Newton's method on the scores: the loss is a parabola in them."""
    p = torch.tensor([0.1, 0.2, 0.4, 0.2, 0.1], dtype=torch.float64)
    q = torch.tensor([0.4, 0.1, 0.1, 0.1, 0.3], dtype=torch.float64)
    scores = torch.zeros(5, dtype=torch.float64)
    place = torch.arange(5)
    real, fake = place.repeat_interleave((p * 10).round().long()), place.repeat_interleave((q * 10).round().long())

    def loss(scores: torch.Tensor) -> torch.Tensor:
        on_real, on_fake = scores[real], scores[fake]
        a = torch.tensor(anchor, dtype=torch.float64)
        return wasserstein_critic(on_real, on_fake) + weight * lecam(on_real, on_fake, a, -a)

    slope = torch.autograd.functional.jacobian(loss, scores)
    curvature = torch.autograd.functional.hessian(loss, scores)
    best = scores - torch.linalg.solve(curvature, slope)
    assert torch.allclose(best, (1 / (2 * weight) - anchor) * (p - q) / (p + q), atol=1e-10)


def test_anchors_are_running_means_without_a_gradient() -> None:
    scores = torch.tensor([2.0, 4.0], requires_grad=True)
    anchor = torch.tensor(1.0)
    for _ in range(3):
        anchor = anchored(anchor, scores, decay=0.9)
    assert anchor.item() == pytest.approx(3 - 2 * 0.9**3)
    assert not anchor.requires_grad


def test_consistency_is_a_squared_distance_and_balanced_on_both_sides() -> None:
    real, changed_real = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 2.5], requires_grad=True)
    fake, changed_fake = torch.tensor([0.0, 0.0]), torch.tensor([2.0, 0.0])
    assert consistency(real, changed_real).item() == pytest.approx((1 + 0.25) / 2)
    value = balanced_consistency(real, changed_real, fake, changed_fake)
    assert value.item() == pytest.approx(10 * 0.625 + 10 * 2)
    value.backward()
    assert changed_real.grad is not None
    assert changed_real.grad.tolist() == pytest.approx([-10.0, 5.0])
    assert balanced_consistency(real, real, fake, fake).item() == 0
    alone = balanced_consistency(real, changed_real, fake, changed_fake, weight_real=1.0, weight_fake=0.0)
    assert alone.item() == pytest.approx(0.625)
