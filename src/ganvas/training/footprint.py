"""What training takes of the memory, known before it starts: a step is played on tensors that have a shape and no content.

Counted are weights, gradients, Adam's two moments and averages, and what a sample's forward passes keep for the backward pass
at the fullest moment of a step. Scratch memory of single operations and what is kept outside of autograd come on top: one step
of five methods took 0.9 (stylegan) to 2.8 times (r3gan) as much on a CPU.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.errors import ResourceError
from ganvas.method import Method, MethodConfig, Terms
from ganvas.runs.memory import free_bytes

PLAYED = 4
"""Samples of the step that is played; what it keeps is in proportion."""
COPIES = 4
"""Of the weights: themselves, their gradients, and two moments."""
MAPS = 150
"""Full-size maps of the network's width, more than a sample keeps: measured were up to 64, by BigGAN and StyleGAN at 64 pixels.
Where so many fit, nothing is played, which takes seconds."""
SURE = 1.2
"""How many times the free memory must be exceeded for a training to be refused."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that training needs, roughly and rather too few.

    Args:
        fixed: of weights, their gradients, moments and averages.
        sample: of what one sample of an update keeps.
    """

    fixed: int
    sample: int

    def of(self, samples: int) -> int:
        return self.fixed + samples * self.sample


def footprint(kind: type[Method], config: MethodConfig, spec: Spec) -> Footprint | None:
    """The needs of a method; None where a step cannot be played without numbers, because it looks at them."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # addresses mean nothing here
        try:
            with FakeTensorMode():
                method = kind(replace(config, batch_size=PLAYED), spec).train()
                kept = Kept(method)
                step(method, kept)
        except (RuntimeError, NotImplementedError):
            return None
    weights = bytes_of(chain(method.parameters(), method.buffers()))
    averaged = bytes_of(p for name in method.averaged for p in getattr(method, name).parameters())
    return Footprint(COPIES * weights + averaged, kept.peak // PLAYED)


class Kept:
    """Counts the bytes that autograd holds, each tensor once; weights are held anyhow and do not count.

    Attributes:
        peak: the most that were held at a time.
    """

    def __init__(self, method: Method) -> None:
        self.weights = {key_of(tensor) for tensor in chain(method.parameters(), method.buffers())}
        self.holders: Counter[int] = Counter()
        self.now = self.peak = 0

    def pack(self, tensor: Tensor) -> Held:
        return Held(self, tensor)

    def unpack(self, held: Held) -> Tensor:
        return held.tensor


class Held:
    """A tensor that autograd holds."""

    def __init__(self, kept: Kept, tensor: Tensor) -> None:
        self.kept, self.tensor, self.key = kept, tensor, key_of(tensor)
        if self.key not in kept.weights:
            kept.holders[self.key] += 1
            if kept.holders[self.key] == 1:
                kept.now += tensor.untyped_storage().nbytes()
                kept.peak = max(kept.peak, kept.now)

    def __del__(self) -> None:
        if self.key not in self.kept.weights:
            self.kept.holders[self.key] -= 1
            if not self.kept.holders[self.key]:
                self.kept.now -= self.tensor.untyped_storage().nbytes()


def key_of(tensor: Tensor) -> int:
    """The same for all views of one memory, as long as it lives."""
    return int(tensor.untyped_storage()._cdata)


def bytes_of(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def step(method: Method, kept: Kept) -> None:
    """The first step, in which every lazy term is due, without optimisers."""
    players: dict[str, set[int]] = {
        name: {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, optimizer in method.optimizers().items()
    }

    def update(player: str, loss: Callable[..., Terms], *arguments: Any) -> None:
        others = [p for p in method.parameters() if id(p) not in players[player]]
        for parameter in others:
            parameter.requires_grad_(False)
        total = sum(loss(*arguments).values())
        assert isinstance(total, Tensor)
        total.backward()
        for parameter in others:
            parameter.requires_grad_(True)

    with torch.autograd.graph.saved_tensors_hooks(kept.pack, kept.unpack):
        method.train_step(0, batches(method.spec), update)


def batches(spec: Spec) -> Iterator[Images | Pairs | TwoDomains]:
    """Endless batches of ``PLAYED`` samples without content."""
    image = torch.empty(PLAYED, *spec.shape)
    label: Tensor | None = torch.zeros(PLAYED, dtype=torch.int64)
    if spec.attributes or spec.sets:
        label = torch.zeros(PLAYED, spec.label_size, dtype=torch.int64)
    elif not spec.classes:
        label = None
    while True:
        if spec.source is None or spec.attributes:
            yield Images(image, label)
        elif spec.paired:
            yield Pairs(torch.empty(PLAYED, *spec.source), image)
        else:
            yield TwoDomains(torch.empty(PLAYED, *spec.source), image)


def samples_that_fit(method: Method, device: torch.device) -> int | None:
    """How many samples of an update fit into the free memory at a time; None where the whole batch does, or nothing is known.

    Raises:
        ResourceError: not even one does; it says which width would.
    """
    config, spec = method.config, method.spec
    weights = bytes_of(chain(method.parameters(), method.buffers()))
    there = next(method.parameters()).device.type == device.type
    free = free_bytes(device) + (weights if there else 0)
    maps = MAPS * config.width * math.prod(spec.shape[1:]) * 4
    if (COPIES + 1) * weights + config.batch_size * maps <= free:
        return None
    needs = footprint(type(method), config, spec)
    if needs is None or needs.of(config.batch_size) <= free:
        return None
    if needs.of(1) <= SURE * free:
        return max(1, (free - needs.fixed) // max(1, needs.sample))
    raise ResourceError(
        f"training needs about {needs.of(1) / 2**30:,.1f} GiB, {free / 2**30:,.1f} GiB of memory are free",
        narrower(type(method), config, spec, free),
    )


def narrower(kind: type[Method], config: MethodConfig, spec: Spec, free: int) -> str:
    """What would fit, in words."""
    width = config.width
    while width > 1:
        width //= 2
        needs = footprint(kind, replace(config, width=width), spec)
        if needs is not None and needs.of(config.batch_size) <= free:
            return f"--width {width} fits"
    return "lower --size"
