"""The perceptual objective in closed form."""

from __future__ import annotations

import pytest
import torch

from ganvas.metrics.perceptual import lpips_distance
from ganvas.objectives.perceptual import perceptual


def levels(picture: torch.Tensor) -> list[torch.Tensor]:
    return [picture, picture[:, :1] * 2 + picture[:, 1:]]


class Stages:
    name = weights = resizer = score_name = ""

    def stages(self, picture: torch.Tensor) -> list[torch.Tensor]:
        return levels(picture)


def test_it_is_the_metric_with_a_gradient():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, 2, 4, 5, generator=generator) for _ in range(2))
    found = perceptual(levels, a.requires_grad_(True), b)
    assert found.item() == pytest.approx(float(lpips_distance(Stages(), a.detach(), b).mean()), rel=1e-5)
    found.backward()
    assert a.grad is not None and a.grad.abs().max() > 0
    assert perceptual(levels, b, b).item() == 0


def test_opposite_activations_are_four_apart():
    picture = torch.ones(1, 2, 3, 3)
    assert perceptual(lambda x: [x], picture, -picture).item() == pytest.approx(4)
