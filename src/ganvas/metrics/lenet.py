"""The feature network for small pictures: a LeNet that we train on the labelled set itself, once, and keep in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganvas.data import Data, cache_dir
from ganvas.data.batches import Spec
from ganvas.data.cache import locked, write_atomically
from ganvas.errors import DataError, UsageError
from ganvas.metrics.batched import through

FEATURES = 84
"""Components of the penultimate layer, as in LeNet-5."""
RECIPE = "lenet-1"
"""Names architecture and training below; a change of either gets another name, so that no old cache entry is taken for it."""
BATCH_SIZE = 128
EPOCHS = 4


class LeNet(nn.Module):
    """LeNet-5 (LeCun et al. 1998) with ReLU, max pooling, wider convolutions: (N, C, H, W) -> logits (N, classes)."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        channels, rows, columns = spec.shape
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 16, 5, padding=2),
            nn.MaxPool2d(2),  # (N, 16, H/2, W/2)
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, padding=2),
            nn.MaxPool2d(2),  # (N, 32, H/4, W/4)
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * (rows // 4) * (columns // 4), 120),
            nn.ReLU(),
            nn.Linear(120, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, len(spec.classes))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(image))
        return logits


@dataclass(frozen=True)
class LeNetFeatures:
    """A trained, frozen LeNet with its provenance.

    Args:
        network: the LeNet, in evaluation mode, without gradients.
        name: for stamps: recipe, data set and layer.
        accuracy: share of the held-out samples it classifies rightly.
        weights: sha256 of its weights.
        spec: what it takes.
    """

    network: LeNet
    name: str
    accuracy: float
    weights: str
    spec: Spec

    resizer = "none"
    score_name = "FD-LeNet"

    def to(self, device: torch.device | str) -> LeNetFeatures:
        """The same network on another device; it moves, and is not copied."""
        self.network.to(device)
        return self

    def features(self, image: Tensor, batch_size: int = 500) -> Tensor:
        """Penultimate activations (N, 84) of pictures (N, C, H, W) in [-1, 1] of the network's own size; never resized."""
        return self._through(self.network.trunk, image, batch_size)

    def probabilities(self, image: Tensor, batch_size: int = 500) -> Tensor:
        """Class probabilities (N, K) of pictures (N, C, H, W) in [-1, 1]."""
        return self._through(self.network, image, batch_size).softmax(1)

    def classify(self, image: Tensor, batch_size: int = 500) -> Tensor:
        """The most likely class (N,) int64 of pictures (N, C, H, W) in [-1, 1]."""
        return self._through(self.network, image, batch_size).argmax(1)

    @torch.no_grad()
    def stages(self, image: Tensor) -> list[Tensor]:
        """Activations after the two convolutions: (N, 16, H/2, W/2) and (N, 32, H/4, W/4)."""
        return self.activations(image)

    def activations(self, image: Tensor, side: int | None = None) -> list[Tensor]:
        """As ``stages``, with gradients to the pictures; the network has one size, which is theirs."""
        self.require_fit(image)
        first = self.network.trunk[:3](image.to(self._device))
        return [first, self.network.trunk[3:6](first)]

    @property
    def _device(self) -> torch.device:
        return self.network.head.weight.device

    def _through(self, part: nn.Module, image: Tensor, batch_size: int) -> Tensor:
        self.require_fit(image)
        return through(lambda batch: part(batch.to(self._device)), image, batch_size)

    def require_fit(self, image: Tensor) -> None:
        """Raises UsageError unless the pictures have the network's channels and size: resizing in silence changes scores."""
        if tuple(image.shape[1:]) != self.spec.shape:
            raise UsageError(
                f"{self.name} takes pictures of {self.spec.shape}, not {tuple(image.shape[1:])}",
                "resize and say so in the stamp",
            )


def lenet(data: Data, *, seed: int = 0, report: Callable[[str], None] | None = None) -> LeNetFeatures:
    """The LeNet of a labelled picture set: from the cache, else trained now (about a minute on 2 cores for MNIST) and cached.

    The same data and seed give the same weights on one machine. Accuracy is on ``data.held_out()``, which training never sees.

    Args:
        data: pictures with labels, its sides multiples of 4.
        report: is told, in a sentence, when a training starts and what came of it.

    Raises:
        DataError: the data has no labels or is points.
    """
    if not data.spec.is_image or not data.spec.classes:
        raise DataError(f"{data.name} has no labelled pictures to train a feature network on", "use mnist or fashion-mnist")
    key = hashlib.sha256(json.dumps([RECIPE, data.fingerprint, seed]).encode()).hexdigest()[:16]
    path = cache_dir() / "networks" / f"{RECIPE}-{key}.safetensors"
    with locked(path.stem):
        found = load(path, data)
        if found is None:
            if report:
                report(f"training the feature network on {data.name} (once; it is kept in {path.parent})")
            network, accuracy = train_lenet(data, seed)
            found = save(network, accuracy, data, path)
            if report:
                report(f"feature network: {accuracy:.2%} of {data.name}'s held-out pictures classified rightly")
    return found


def train_lenet(data: Data, seed: int = 0, epochs: int = EPOCHS) -> tuple[LeNet, float]:
    """A LeNet trained by Adam on a one-cycle schedule, and its held-out accuracy."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), one_thread():
        torch.manual_seed(seed)
        network = LeNet(data.spec).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        steps = max(1, epochs * len(data) // BATCH_SIZE)
        optimiser = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
        batches = data.stream(BATCH_SIZE, seed=seed)
        for _ in range(steps):
            image, label = next(batches)
            if label is None:
                raise DataError(f"{data.name} streams no labels", "use a labelled data set")
            loss = cross_entropy(network(image), label)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval().requires_grad_(False)
    held_out = data.held_out()
    image, label = held_out.real(len(held_out))
    if label is None:
        raise DataError(f"{held_out.name} has no labels", "use a labelled data set")
    with torch.no_grad():
        guesses = torch.cat([network(batch).argmax(1) for batch in torch.split(image, 500)])
    return network, float((guesses == label).double().mean())


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are split by thread: with one, the weights do not depend on how many the caller uses."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def save(network: LeNet, accuracy: float, data: Data, path: Path) -> LeNetFeatures:
    """Writes weights and facts, whole or not at all, with a hash that finds damage later."""
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    facts = {"recipe": RECIPE, "data": data.name, "accuracy": repr(accuracy), "sha256": hash_of(weights)}
    write_atomically(path, safetensors.torch.save(weights, metadata=facts))
    return frozen(network, facts, data)


def load(path: Path, data: Data) -> LeNetFeatures | None:
    """Reads what ``save`` wrote; None when there is nothing or it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if facts["sha256"] != hash_of(weights):
            return None
        network = LeNet(data.spec)
        network.load_state_dict(weights)
    except (FileNotFoundError, SafetensorError, KeyError, TypeError, RuntimeError):
        return None
    return frozen(network, facts, data)


def frozen(network: LeNet, facts: dict[str, str], data: Data) -> LeNetFeatures:
    """The network for use: in evaluation mode, without gradients, in the memory layout in which it is fast."""
    network.to(memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
    return LeNetFeatures(
        network=network,
        name=f"lenet ({facts['data']}), {FEATURES}-d penultimate layer",
        accuracy=float(facts["accuracy"]),
        weights=facts["sha256"],
        spec=data.spec,
    )


def hash_of(weights: dict[str, Tensor]) -> str:
    """sha256 over names and bytes of the weights, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
