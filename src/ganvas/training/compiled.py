"""Losses as ``torch.compile`` makes them, for those who ask: many small operations become few."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from ganvas.errors import ResourceError
from ganvas.method import Method, Terms

Loss = Callable[..., Terms]


class CompiledLosses:
    """A method's losses, each compiled at its first call, which takes a minute or so; those it names ``eager`` as they are.

    Augmentation and what it observes stay as they are, too: its strength moves with training, and each would be compiled anew.

    Args:
        method: its ``seen`` and ``observe`` are hidden from the compiler from now on.
        graphs: record them as CUDA graphs, whose outputs and gradients are gone when the next one is played.
    """

    def __init__(self, method: Method, *, graphs: bool = False) -> None:
        self.method, self.graphs = method, graphs
        self.compiled: dict[tuple[str, bool], Loss] = {}
        # An attribute of the object hides its class's method.
        method.seen = torch.compiler.disable(method.seen)  # type: ignore[method-assign]
        method.observe = torch.compiler.disable(method.observe)  # type: ignore[method-assign]
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\._")  # the compiler's, of its own parts

    def of(self, loss: Loss, *, adds_up: bool = False) -> Loss:
        """The quicker form of one of the method's losses; its gradients are the same to within rounding.

        Args:
            loss: a method of the method.
            adds_up: gradients of several calls will be added up, which those of a graph do not live long enough for.
        """
        if loss.__name__ in self.method.eager:
            return loss
        key = loss.__name__, self.graphs and not adds_up
        if key not in self.compiled:
            compiled = torch.compile(loss, mode="reduce-overhead" if key[1] else None)
            self.compiled[key] = or_a_reason(kept(compiled) if key[1] else compiled)
        return self.compiled[key]


def kept(graph: Loss) -> Loss:
    """``graph``, its terms in memory of their own, where they outlive the next graph."""

    def loss(*arguments: Any) -> Terms:
        return {name: value.clone() for name, value in graph(*arguments).items()}

    return loss


def or_a_reason(compiled: Loss) -> Loss:
    """``compiled``, whose failure to compile is one line and a way out."""
    from torch._dynamo.exc import TorchDynamoException

    def loss(*arguments: Any) -> Terms:
        try:
            return compiled(*arguments)
        except TorchDynamoException as error:
            said = " ".join(str(error).strip().partition("\n\n")[0].split())  # the first paragraph
            raise ResourceError(f"the losses cannot be compiled here: {said}", "train without --compile") from error

    return loss
