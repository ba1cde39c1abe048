"""Perceptual distances by hand; path length against the closed form of a linear generator."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganvas.data import Spec
from ganvas.errors import UsageError
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.metrics.networks import Raw
from ganvas.metrics.networks.efficientnet import EfficientNetLite0
from ganvas.metrics.networks.pretrained import Pretrained
from ganvas.metrics.perceptual import lpips_distance, perceptual_path_length, slerp


class TwoStages(Raw):
    """Shows the picture itself, and its mean over positions."""

    def stages(self, image: Tensor) -> list[Tensor]:
        return [image, image.mean((2, 3), keepdim=True)]


def test_distance_by_hand() -> None:
    a, b = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    a[0, 0], b[0, 0, 0, 0], b[0, 1, 0, 1] = 3.0, 1.0, 5.0
    # Directions: (1, 0) at both places against (1, 0) and (0, 1): squared 0 and 2. Means (3, 0) against (1/2, 5/2).
    mean = 2 - 2 * 0.5 / math.hypot(0.5, 2.5)
    assert lpips_distance(TwoStages(), a, b).tolist() == pytest.approx([(1 + mean) / 2])
    assert lpips_distance(TwoStages(), a, a).tolist() == [0]
    assert lpips_distance(TwoStages(), a, -a).tolist() == pytest.approx([4])
    with pytest.raises(UsageError, match="as many"):
        lpips_distance(TwoStages(), a, b[:, :1])


def test_networks_see_more_distance_where_there_is_more() -> None:
    torch.manual_seed(0)
    spec = Spec((1, 12, 12), ("a", "b"))
    lenet = LeNetFeatures(LeNet(spec).eval().requires_grad_(False), "lenet", 0.9, "", spec)
    efficient = Pretrained(EfficientNetLite0().eval().requires_grad_(False), "random", "", "FD")
    image, noise = torch.rand(3, 1, 12, 12) * 2 - 1, torch.randn(3, 1, 12, 12)
    for network in (lenet, efficient):
        near, far = (lpips_distance(network, image, image + size * noise) for size in (1e-4, 0.3))
        assert bool((near > 0).all()) and bool((near < 1e-3 * far).all())  # not lost to bytes


def test_path_length_of_a_linear_generator() -> None:
    """In w the step is eps A (w2 - w1), whose mean squared length over eps^2 is 2 |A M|^2 for w = M z."""
    generator = torch.Generator().manual_seed(0)
    matrix, mapping = torch.randn(6, 4, generator=generator), torch.randn(4, 4, generator=generator)
    found = perceptual_path_length(
        lambda w: w @ matrix.T, Raw(), 4, mapping=lambda z: z @ mapping.T, count=20_000, trim=0, epsilon=1e-2, batch_size=20_000
    )
    expected = 2 * float((matrix @ mapping).square().sum())
    assert found.value == pytest.approx(expected, abs=4 * found.standard_error)
    assert found.standard_error < 0.02 * expected and found.paths == 20_000


def test_path_length_on_the_arc() -> None:
    """Of the identity: in many dimensions z1 and z2 are orthogonal, of length root d; the squared speed is d (pi / 2)^2."""
    size = 2000
    for ends in (False, True):
        found = perceptual_path_length(lambda z: z, Raw(), size, count=100, ends=ends, epsilon=1e-3)
        assert found.value == pytest.approx(size * (math.pi / 2) ** 2, rel=0.02)


def test_a_jump_makes_the_path_long_and_trimming_cuts_it() -> None:
    smooth, sudden = (lambda z: z), (lambda z: z + 5 * (z > 0))
    options = {"count": 4000, "epsilon": 1e-3, "batch_size": 4000}
    plain = perceptual_path_length(smooth, Raw(), 2, trim=0, **options)
    assert perceptual_path_length(sudden, Raw(), 2, trim=0, **options).value > 10 * plain.value
    assert perceptual_path_length(sudden, Raw(), 2, trim=0.01, **options).value < 1.5 * plain.value
    assert perceptual_path_length(smooth, Raw(), 2, **options) == perceptual_path_length(smooth, Raw(), 2, **options)


def test_slerp() -> None:
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    torch.testing.assert_close(slerp(a, b, torch.tensor([[1 / 3]])), 2 * torch.tensor([[math.sqrt(0.75), 0.5]]))
    torch.testing.assert_close(slerp(a, b, torch.zeros(1, 1)), a)
    torch.testing.assert_close(slerp(a, 3 * a, torch.full((1, 1), 0.5)), 2 * a)  # no arc: the line


def test_refuses() -> None:
    for options in ({"count": 1}, {"epsilon": 0.0}, {"trim": 0.5}):
        with pytest.raises(UsageError, match="paths"):
            perceptual_path_length(lambda z: z, Raw(), 2, **options)
    with pytest.raises(UsageError, match="NaN"):
        perceptual_path_length(lambda z: z * torch.nan, Raw(), 2)
