"""The choice of a feature network, and what all of them have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganvas.data import ArrayData, Spec, points
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.metrics import lenet as lenet_module
from ganvas.metrics.lenet import LeNet, LeNetFeatures, save
from ganvas.metrics.networks import FeatureNetwork, Raw, feature_network
from ganvas.metrics.networks.choice import suits


@pytest.fixture
def digits() -> ArrayData:
    source = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (20, 1, 8, 8), generator=source, dtype=torch.uint8)
    return ArrayData(image, torch.arange(20) % 2, classes=["a", "b"], name="noise")


def untrained(data: ArrayData) -> LeNetFeatures:
    torch.manual_seed(0)
    return LeNetFeatures(LeNet(data.spec).eval().requires_grad_(False), "lenet", 0.9, "00", data.spec)


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (Spec((2,)), "raw"),
        (Spec((1, 28, 28), ("0", "1")), "lenet"),
        (Spec((3, 64, 64), ("0", "1")), "lenet"),
        (Spec((3, 64, 64)), "efficientnet"),
        (Spec((3, 64, 64), ("alone",)), "efficientnet"),
        (Spec((1, 30, 28), ("0", "1")), "efficientnet"),
        (Spec((3, 128, 128), ("0", "1")), "efficientnet"),
    ],
)
def test_auto_goes_by_the_kind_of_sample(spec: Spec, word: str) -> None:
    assert suits(spec) == word


def test_points_are_their_own_features() -> None:
    data = points("ring")
    network = feature_network("auto", data)
    sample = data.real(10).image
    assert torch.equal(network.features(sample, batch_size=3), sample)
    assert network.probabilities(sample) is None
    assert (network.weights, network.resizer, network.score_name) == ("", "none", "FD-raw")
    assert Raw().features(torch.zeros(2, 3, 4, 4)).shape == (2, 48)


def test_lenet_gives_features_probabilities_and_stages(digits: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.metrics.networks.choice.lenet", lambda data, report: untrained(data))
    network: FeatureNetwork = feature_network("auto", digits)
    image = digits.real(20).image
    assert network.features(image).shape == (20, lenet_module.FEATURES)
    assert network.score_name == "FD-LeNet"
    probabilities = network.probabilities(image, batch_size=7)
    assert probabilities is not None
    torch.testing.assert_close(probabilities.sum(1), torch.ones(20))
    assert isinstance(network, LeNetFeatures)
    assert torch.equal(probabilities.argmax(1), network.classify(image))
    assert [tuple(stage.shape[1:]) for stage in network.stages(image)] == [(16, 4, 4), (32, 2, 2)]
    whole = network.network.trunk[6:](network.stages(image)[-1])
    torch.testing.assert_close(whole, network.features(image))


def test_lenet_from_a_file(digits: ArrayData, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    kept = save(untrained(digits).network, 0.9, digits, path)
    found = feature_network(f"lenet:{path}", digits)
    assert found.weights == kept.weights
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        feature_network(f"lenet:{path}", digits)
    with pytest.raises(DataError, match="no file"):
        feature_network(f"lenet:{tmp_path / 'other'}", digits)


def test_refuses() -> None:
    with pytest.raises(UsageError, match="choose from"):
        feature_network("vgg", None)
    with pytest.raises(UsageError, match="depends on the data"):
        feature_network("auto", None)
    with pytest.raises(UsageError, match="trained on the data"):
        feature_network("lenet", None)
    with pytest.raises(UsageError, match="no weights"):
        feature_network("raw:weights.pth", None)
    with pytest.raises(UsageError, match="NaN"):
        Raw().features(torch.tensor([[0.0, torch.nan]]))
    with pytest.raises(UsageError, match="at least one"):
        Raw().features(torch.zeros(0, 2))
