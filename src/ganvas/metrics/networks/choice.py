"""From a word to a feature network."""

from __future__ import annotations

from pathlib import Path

import torch

from ganvas.data import Data, Spec
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.metrics.lenet import LeNetFeatures, lenet, load
from ganvas.metrics.networks.clip import clip
from ganvas.metrics.networks.contract import FeatureNetwork
from ganvas.metrics.networks.dinov2 import dinov2
from ganvas.metrics.networks.efficientnet import efficientnet
from ganvas.metrics.networks.inception import inception
from ganvas.metrics.networks.raw import Raw
from ganvas.metrics.networks.weights import Report

FEATURE_NETWORKS = {
    "auto": "raw for points; lenet for small labelled pictures; else efficientnet",
    "raw": "the values themselves: for points",
    "lenet": "a LeNet that is trained on the labelled set, once: for digits, clothing and other small pictures",
    "efficientnet": "EfficientNet-Lite0, ImageNet: for colour pictures",
    "inception": "Inception v3 of 2015, ported from TensorFlow: the FID of the literature",
    "dinov2": "DINOv2 ViT-L/14: features that follow human judgement better (Stein et al. 2023)",
    "clip": "CLIP ViT-L/14 at 336 pixels: the features of CMMD",
}
"""The words that ``feature_network`` knows, and what stands behind each."""
PRETRAINED = {"efficientnet": efficientnet, "inception": inception, "dinov2": dinov2, "clip": clip}
SMALL = 64
"""Pixels up to which a side is a LeNet's business."""


def feature_network(
    word: str, data: Data | None, *, report: Report | None = None, device: torch.device | str = "cpu"
) -> FeatureNetwork:
    """The feature network that a word names, ready on ``device``.

    Args:
        word: one of ``FEATURE_NETWORKS``, or such a word, a colon and the path of a file with its weights.
        data: the real samples; needed by "auto" and "lenet".
        report: is told, in a sentence, of what takes time (a training, a download).

    Raises:
        UsageError: an unknown word, a word that needs data without any, or weights for a network that has none.
        DataError: the data is not what the network takes, or its weights cannot be fetched.
        ModelError: the weights are damaged or another network's.
    """
    name, _, place = word.partition(":")
    path = Path(place).expanduser() if place else None
    if name not in FEATURE_NETWORKS:
        raise UsageError(f"there is no feature network {name!r}", f"choose from {', '.join(FEATURE_NETWORKS)}")
    if name == "auto":
        name = automatic(data)
    match name:
        case "raw":
            if path:
                raise UsageError("raw has no weights", f"leave {place} out")
            return Raw()
        case "lenet":
            return lenet_of(data, path, report).to(device)
        case _:
            return PRETRAINED[name](path, report=report).to(device)


def automatic(data: Data | None) -> str:
    """The word for what "auto" means of the data."""
    if data is None:
        raise UsageError("which feature network suits depends on the data, and there is none", "name the network")
    return suits(data.spec)


def suits(spec: Spec) -> str:
    """The word for the network that suits samples of one kind."""
    if not spec.is_image:
        return "raw"
    small = all(side <= SMALL and side % 4 == 0 for side in spec.shape[1:])
    return "lenet" if small and len(spec.classes) > 1 else "efficientnet"


def lenet_of(data: Data | None, path: Path | None, report: Report | None) -> LeNetFeatures:
    """The LeNet of the data: from the cache or trained, or from a file that an earlier training left."""
    if data is None:
        raise UsageError("the LeNet is trained on the data, and there is none", "give the data, or choose another network")
    if path is None:
        return lenet(data, report=report)
    if not path.is_file():
        raise DataError(f"there is no file {path}", "name the LeNet's .safetensors")
    found = load(path, data)
    if found is None:
        raise ModelError(f"{path} is damaged, or no LeNet for {data.name}", "leave the path out to train one")
    return found
