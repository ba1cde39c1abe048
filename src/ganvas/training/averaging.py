"""Exponential moving averages of weights: what sampling uses."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def decay(half_life: float, images: int, batch: int, warm_up: float = 0.05) -> float:
    """beta of one update: weights lose half their say over ``half_life`` images (Karras et al. 2019-2020's convention).

    During warm-up the half-life is ``warm_up`` times the images seen, so that early averages forget the random start.
    """
    half_life = min(half_life, images * warm_up)
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0


class Average(nn.Module):
    """The averaged copy of one module, in evaluation mode: w_avg <- beta w_avg + (1 - beta) w, float buffers included.

    Averaging batch norm's running statistics keeps them those of the averaged weights; integer buffers are copied.
    """

    def __init__(self, module: nn.Module, half_life: float, warm_up: float = 0.05) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.half_life, self.warm_up = half_life, warm_up
        self._pairs = self._match(module)

    def _match(self, source: nn.Module) -> tuple[list[Tensor], list[Tensor], list[tuple[Tensor, Tensor]]]:
        mine, theirs = self.module.state_dict(), source.state_dict()
        floats = [key for key, value in mine.items() if isinstance(value, Tensor) and value.is_floating_point()]
        others = [key for key, value in mine.items() if isinstance(value, Tensor) and not value.is_floating_point()]
        return [mine[k] for k in floats], [theirs[k] for k in floats], [(mine[k], theirs[k]) for k in others]

    @torch.no_grad()
    def update(self, images: int, batch: int) -> None:
        """One step after an update of the source by ``batch`` images, the ``images``-th of training being its last."""
        averages, sources, others = self._pairs
        torch._foreach_lerp_(averages, sources, 1.0 - decay(self.half_life, images, batch, self.warm_up))
        for average, source in others:
            average.copy_(source)
