"""Row LI's rival: the training picture that is nearest is found among all of them."""

from __future__ import annotations

import torch

from ganvas.data import ArrayData
from ganvas.data.batches import Spec
from ganvas.data.dataset import to_float
from ganvas.evaluation.accept.inverted import nearest_distance
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.metrics.perceptual import lpips_distance


def test_the_rival_is_the_nearest_of_all_training_pictures() -> None:
    torch.manual_seed(0)
    spec = Spec((1, 8, 8), ("a", "b"))
    judge = LeNetFeatures(LeNet(spec).eval().requires_grad_(False), "random", 0.0, "", spec)
    data = ArrayData(torch.randint(0, 256, (80, 1, 8, 8), dtype=torch.uint8)).split(0.25)
    unseen = data.held_out().real(5).image
    training = to_float(data.images[data.rows])  # type: ignore[index]
    wanted = [lpips_distance(judge, each.expand_as(training), training).min() for each in unseen]
    assert torch.allclose(nearest_distance(unseen, data, judge), torch.stack(wanted), atol=1e-9)
    assert nearest_distance(training[:1], data, judge)[0] == 0
