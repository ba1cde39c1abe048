"""EfficientNet-Lite0 with its real weights, where this machine has them: it knows what is in photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganvas.data import cache_dir
from ganvas.metrics.networks import efficientnet as module
from ganvas.metrics.networks import feature_network
from ganvas.metrics.networks.efficientnet import PUBLISHED, EfficientNetLite0, Layer, efficientnet
from ganvas.metrics.networks.pretrained import Pretrained


@pytest.fixture(scope="module")
def network() -> Pretrained:
    if not (cache_dir() / "networks" / PUBLISHED.file).is_file():
        pytest.skip("the weights are not in the cache")
    return efficientnet()


def photographs() -> Iterator[tuple[str, int, Tensor]]:
    """Name, ImageNet class, and the middle square (1, 3, S, S) of photographs that development packages carry."""
    sklearn = pytest.importorskip("sklearn.datasets")
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    pictures = {
        "palace": (698, sklearn.load_sample_image("china.jpg")),
        "daisy": (985, sklearn.load_sample_image("flower.jpg")),
        "military uniform": (652, np.asarray(Image.open(hopper).convert("RGB"))),
    }
    for name, (label, pixels) in pictures.items():
        image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 127.5 - 1
        side = min(image.shape[2:])
        top, left = ((size - side) // 2 for size in image.shape[2:])
        yield name, label, image[:, :, top : top + side, left : left + side]


def test_photographs_are_recognised_also_in_the_mirror(network: Pretrained) -> None:
    for name, label, image in photographs():
        probabilities = network.probabilities(torch.cat([image, image.flip(3)]))
        assert probabilities is not None and probabilities.argmax(1).tolist() == [label, label], name


def test_activations_have_the_statistics_that_training_recorded(network: Pretrained) -> None:
    """Of the first batch norm, on three photographs: right order of channels, right scale of the input."""
    own = network.network
    assert isinstance(own, EfficientNetLite0) and isinstance(own.stem, Layer)
    found = []
    for _, _, image in photographs():
        x = network.prepared(image)
        found.append(own.stem.conv(module.pad_same(x, 3, 2)))
    x = torch.cat(found)
    recorded = own.stem.norm
    assert recorded.running_var is not None and recorded.running_mean is not None
    alive = recorded.running_var > 1e-3  # several filters of the first layer give nothing
    ratio = x.var((0, 2, 3))[alive] / recorded.running_var[alive]
    assert int(alive.sum()) >= 16 and float(ratio.log().abs().median()) < 0.5
    means = torch.stack([x.mean((0, 2, 3)), recorded.running_mean])[:, alive]
    assert float(torch.corrcoef(means)[0, 1]) > 0.9


def test_features_do_not_depend_on_the_batch_and_grey_is_three_times_grey(network: Pretrained) -> None:
    image = torch.rand(5, 1, 20, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = network.features(image)
    assert features.shape == (5, 1280) and features.dtype == torch.float32
    torch.testing.assert_close(network.features(image, 2), features, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network.features(image.expand(-1, 3, -1, -1)), features, rtol=1e-4, atol=1e-5)


def test_the_word_finds_it(network: Pretrained) -> None:
    found = feature_network(f"efficientnet:{cache_dir() / 'networks' / PUBLISHED.file}", None)
    assert (found.weights, found.score_name) == (PUBLISHED.sha256, "FD-EfficientNet") and network.weights == found.weights
