"""When memory does not hold a batch: the same update from parts of it, one after the other.

A loss that is a mean over samples has as its gradient the mean of its parts' gradients, so an update keeps its effective batch.
Two things need parts: the losses, whose arguments are split and whose gradients add up; and the players' forward passes outside
of losses (the fakes of a step), made part by part, and once more when their gradient is needed, so that only the activations of
one part exist at a time. What is taken over a batch as a whole, such as batch norm's statistics, is then taken over a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import ParametrizationList
from torch.utils.checkpoint import checkpoint

from ganvas.method import Method, Terms


class Backward(Protocol):
    """Runs the backward pass from a tensor, with its gradient when it is no scalar."""

    def __call__(self, of: Tensor, gradient: Tensor | None = None) -> None: ...


class MicroBatches:
    """Updates from at most ``most`` samples at a time.

    Args:
        batch: samples of a whole batch on this rank; a tensor of so many rows is one that is split.
        most: samples of a part, below ``batch``.
    """

    def __init__(self, batch: int, most: int) -> None:
        self.batch, self.most = batch, most
        self._minimising = False

    def minimise(self, loss: Callable[..., Terms], arguments: tuple[Any, ...], backward: Backward) -> Terms:
        """Runs ``loss(*arguments)`` and ``backward`` of its sum part by part. The terms are those of the whole batch."""
        roots: list[tuple[Tensor, Tensor]] = []
        cut = tuple(self.cut_off(argument, roots) for argument in arguments)
        # A loss that begins with something else, such as a number of samples to draw, is no mean over the batch's rows.
        whole = not cut or not self.splits(cut[0])
        starts = [0] if whole else range(0, self.batch, self.most)
        terms: Terms = {}
        self._minimising = True
        try:
            for start in starts:
                rows = slice(start, min(start + self.most, self.batch))
                share = 1.0 if whole else (rows.stop - rows.start) / self.batch
                part = loss(*cut) if whole else loss(*(self.take(argument, rows) for argument in cut))
                backward(torch.stack([value * share for value in part.values()]).sum())
                for name, value in part.items():
                    terms[name] = value.detach() * share + terms.get(name, 0.0)
            for past, leaf in roots:  # on through what made the arguments, with the gradients of all parts
                if leaf.grad is not None:
                    backward(past, leaf.grad)
        finally:
            self._minimising = False
        return terms

    def splits(self, argument: Any) -> bool:
        """Whether ``argument`` holds a row for each sample of the batch."""
        if isinstance(argument, Tensor):
            return argument.dim() > 0 and len(argument) == self.batch
        return isinstance(argument, tuple) and any(self.splits(part) for part in argument)

    def take(self, argument: Any, rows: slice) -> Any:
        """``argument`` with tensors of a whole batch cut to ``rows``; all else as it is."""
        return mapped(lambda tensor: tensor[rows] if self.splits(tensor) else tensor, argument)

    def cut_off(self, argument: Any, roots: list[tuple[Tensor, Tensor]]) -> Any:
        """``argument`` with each tensor that has a past replaced by a leaf of equal value; the pairs are added to ``roots``.

        Else the first part's backward pass would walk, and free, the graph that all parts share.
        """

        def leaf_of(tensor: Tensor) -> Tensor:
            if tensor.grad_fn is None or not self.splits(tensor):
                return tensor
            leaf = tensor.detach().requires_grad_()
            roots.append((tensor, leaf))
            return leaf

        return mapped(leaf_of, argument)

    @contextmanager
    def around(self, method: Method) -> Iterator[None]:
        """Within, each player's forward pass outside of a loss takes at most ``most`` samples at a time."""
        players = [child for child in method.children() if any(True for _ in child.parameters())]  # no pools of pictures
        for player in players:
            # An attribute of the object hides its class's method; the module's state stays as it is.
            player.forward = self.in_parts(player)
        try:
            yield
        finally:
            for player in players:
                del player.forward

    def in_parts(self, player: nn.Module) -> Callable[..., Any]:
        """``player.forward`` on parts, each made again in the backward pass instead of keeping its activations."""
        whole = player.forward

        def forward(*arguments: Any) -> Any:
            if self._minimising or not self.splits(arguments[0]):
                return whole(*arguments)
            outputs = []
            for start in range(0, self.batch, self.most):
                given = [self.take(argument, slice(start, start + self.most)) for argument in arguments]
                passage = Passage(player, whole)
                outputs.append(checkpoint(passage, *given, use_reentrant=False) if torch.is_grad_enabled() else passage(*given))
            if isinstance(outputs[0], tuple):
                return tuple(torch.cat(parts) for parts in zip(*outputs, strict=True))
            return torch.cat(outputs)

        return forward


class Passage:
    """A forward pass that batch norm remembers once, though it may be made twice."""

    def __init__(self, player: nn.Module, whole: Callable[..., Any]) -> None:
        self.player, self.whole, self.made = player, whole, False

    def __call__(self, *arguments: Any) -> Any:
        with forgetful(self.player) if self.made else nullcontext():
            self.made = True
            return self.whole(*arguments)


@contextmanager
def forgetful(module: nn.Module) -> Iterator[None]:
    """Batch norms use their batch as in training and leave their running statistics alone; spectral norms stand still."""
    norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm) and norm.training]
    kept = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    lists = [part for part in module.modules() if isinstance(part, ParametrizationList) and part.training]
    for part in lists:
        part.eval()
    for norm, _, tracked in kept:
        norm.momentum = 0.0
        norm.num_batches_tracked = None if tracked is None else tracked.clone()
    try:
        yield
    finally:
        for part in lists:
            part.train()
        for norm, momentum, tracked in kept:
            norm.momentum, norm.num_batches_tracked = momentum, tracked


def mapped(change: Callable[[Tensor], Tensor], argument: Any) -> Any:
    """``argument`` with ``change`` applied to it, or to the tensors in a tuple; a NamedTuple stays one."""
    if isinstance(argument, Tensor):
        return change(argument)
    if isinstance(argument, tuple):
        parts = [mapped(change, part) for part in argument]
        return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
    return argument
