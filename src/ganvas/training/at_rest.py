"""A method as it is looked at between two updates: nothing that its players do then is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn.modules.batchnorm import _BatchNorm

from ganvas.method import Method
from ganvas.training.shared_norm import SharedBatchNorm


@contextmanager
def at_rest(method: Method) -> Iterator[None]:
    """Everyone in evaluation mode; but the batch norm of critics works as in training, on its batch, and remembers nothing.

    A critic in evaluation mode would normalise reals and fakes by what is the mean of both, which it never did in training.
    """
    modes = [(module, module.training) for module in method.modules()]
    method.eval()
    norms = judges_norms(method)
    memories = [(m, m.momentum, None if m.num_batches_tracked is None else m.num_batches_tracked.clone()) for m in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 0.0
        if isinstance(norm, SharedBatchNorm):
            norm.alone = True  # the other ranks may not look, or not at as many
    try:
        yield
    finally:
        for norm, momentum, tracked in memories:
            norm.momentum = momentum
            if isinstance(norm, SharedBatchNorm):
                norm.alone = False
            if tracked is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(tracked)
        for module, training in modes:
            module.training = training


def judges_norms(method: Method) -> list[_BatchNorm]:
    """The batch norms of every player but the generator."""
    judges = [child for name, child in method.named_children() if name != "generator"]
    return [module for judge in judges for module in judge.modules() if isinstance(module, _BatchNorm)]
