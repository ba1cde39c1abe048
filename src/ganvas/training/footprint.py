"""What training takes of the memory, known before it starts: a step is played on tensors that have a shape and no content.

Counted are weights, gradients, Adam's two moments and averages, and all tensors that are alive at the fullest moment of a step,
with an allowance for the scratch memory of single operations and for what the allocator wastes.
"""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.errors import ResourceError
from ganvas.method import Method, MethodConfig, Terms
from ganvas.runs.memory import free_bytes

PLAYED = (4, 8)
"""Samples of the two steps that are played: what the larger one needs beyond the smaller is in proportion to them."""
COPIES = 4
"""Of the weights: themselves, their gradients, and two moments."""
MAPS = 250
"""Full-size maps of the network's width, more than a sample takes: measured were up to 152, by R3GAN at 64 pixels. Where so
many fit, nothing is played, which takes seconds."""
WASTE = 1.3
"""How much more a step takes than its tensors. One of six methods took 0.86 (r3gan) to 1.25 times (sngan) what is then said."""
SURE = 1.2
"""How many times the free memory must be exceeded for a training to be refused."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that training needs, roughly.

    Args:
        fixed: of weights, their gradients, moments and averages, and of what is as large however many samples there are.
        sample: of what one sample of an update adds.
    """

    fixed: int
    sample: int

    def of(self, samples: int) -> int:
        return self.fixed + samples * self.sample


def footprint(kind: type[Method], config: MethodConfig, spec: Spec) -> Footprint | None:
    """The needs of a method; None where a step cannot be played without numbers, because it looks at them."""
    peaks = []
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # addresses mean nothing here
        try:
            for samples in PLAYED:
                with FakeTensorMode():
                    method = kind(replace(config, batch_size=samples), spec).train()
                    with Alive(method) as alive:
                        step(method, samples)
                peaks.append(alive.peak)
        except (RuntimeError, NotImplementedError):
            return None
    weights = bytes_of(chain(method.parameters(), method.buffers()))
    averaged = bytes_of(p for name in method.averaged for p in getattr(method, name).parameters())
    (few, many), (small, large) = PLAYED, peaks
    sample = WASTE * max(0, large - small) / (many - few)
    return Footprint(COPIES * weights + averaged + int(max(0, WASTE * small - few * sample)), int(sample))


class Alive(TorchDispatchMode):
    """Within, counts the bytes of all tensors that operations make and that are still there, each memory once. The weights of
    ``method`` were there before, and their gradients are counted elsewhere.

    Attributes:
        peak: the most that were there at a time.
    """

    def __init__(self, method: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.weights = {key_of(tensor) for tensor in chain(method.parameters(), method.buffers())}
        self.sizes: dict[int, int] = {}
        self.now = self.peak = 0
        for parameter in method.parameters():
            parameter.register_post_accumulate_grad_hook(self.leave_out_gradient)

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        made = function(*arguments, **(named or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self.count(tensor)
        return made

    def count(self, tensor: Tensor) -> None:
        memory, key = tensor.untyped_storage(), key_of(tensor)
        if key in self.sizes or key in self.weights:
            return
        self.sizes[key] = memory.nbytes()
        self.now += self.sizes[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(memory, self.forget, key).atexit = False

    def leave_out_gradient(self, weight: Tensor) -> None:
        assert weight.grad is not None
        key = key_of(weight.grad)
        self.now -= self.sizes.get(key, 0)
        self.sizes[key] = 0  # it is alive, but counts for nothing

    def forget(self, key: int) -> None:
        self.now -= self.sizes.pop(key, 0)


def key_of(tensor: Tensor) -> int:
    """The same for all views of one memory, as long as it lives."""
    return int(tensor.untyped_storage()._cdata)


def bytes_of(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def step(method: Method, samples: int) -> None:
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

    method.train_step(0, batches(method.spec, samples), update)


def batches(spec: Spec, samples: int) -> Iterator[Images | Pairs | TwoDomains]:
    """Endless batches of so many samples without content."""
    image = torch.empty(samples, *spec.shape)
    label: Tensor | None = torch.zeros(samples, dtype=torch.int64)
    if spec.attributes or spec.sets:
        label = torch.zeros(samples, spec.label_size, dtype=torch.int64)
    elif not spec.classes:
        label = None
    while True:
        if spec.source is None or spec.attributes:
            yield Images(image, label)
        elif spec.paired:
            yield Pairs(torch.empty(samples, *spec.source), image)
        else:
            yield TwoDomains(torch.empty(samples, *spec.source), image)


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
