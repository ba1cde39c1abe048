"""The contract: a GAN is an order of updates between players.

A method file says what each player minimises and in which order; the engine (``ganvas.training``) owns everything else:
gradients, precision, devices, ranks, averaging, logging, saving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.errors import UsageError

Terms = dict[str, Tensor]
"""Named, weighted scalar terms. Their sum is minimised and their names are the log."""


class Update(Protocol):
    """The engine's one verb, handed to ``Method.train_step``."""

    def __call__(self, player: str, loss: Callable[..., Terms], *arguments: Any) -> None:
        """Minimise ``sum(loss(*arguments).values())`` by one step of ``player``'s optimiser, everyone else frozen."""


class Method(nn.Module):
    """One paper's GAN: players as sub-modules, an optimiser each, and the order of their updates.

    A subclass has the signature ``(config, spec)``, where ``config`` is its frozen dataclass with the paper's defaults. It
    sets ``self.generator`` (the module that is averaged) and draws its randomness from torch's global generator, which the
    engine seeds with (seed, rank, step) before each step: nothing random needs saving. State that training changes lives in
    ``state_dict`` (buffers, ``get_extra_state``), or it does not exist.

    Attributes:
        name: what the registry and the command line call it.
        averaged: the sub-modules of which the engine keeps an exponential moving average; sampling uses these.
        wasserstein_term: the logged term that is *minus* the critic's Wasserstein estimate, or None when there is none.
    """

    name: ClassVar[str]
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    wasserstein_term: ClassVar[str | None] = None
    generator: nn.Module

    def __init__(self, config: Any, spec: Spec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec

    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser a player, keyed by the player's name. Called once, after the method is on its device."""
        raise NotImplementedError

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        """The algorithm box: one generator iteration as an order of ``update`` calls. ``step`` counts from 0."""
        raise NotImplementedError

    def latent(self, count: int) -> Tensor:
        """Draws ``count`` latents z ~ N(0, I), (count, latent size), on the method's device."""
        device = next(self.parameters()).device
        return torch.randn(count, self.config.latent_size, device=device)

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) in [-1, 1] or points (N, d) from latents (N, latent size); ``label`` (N,) int64 if conditional."""
        if label is not None:
            raise UsageError(f"{self.name} is not conditional, it takes no labels", "train cgan for samples by class")
        samples: Tensor = self.generator(latent)
        return samples
