"""Inputs that stay the same while training goes on, so that its moments compare: latents, or held-out pictures to translate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.batches import Spec
from ganvas.data.joint import of_another
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.method import Method
from ganvas.runs.latents import draw
from ganvas.runs.memory import at_once
from ganvas.training import Progress

BATCH = 250
PIXELS = 1 << 22
"""Of all pictures that are translated to score one moment: 500 of 64x64 are half of it, of 256x256 there are 64."""
MOST_TRANSLATED = 500


@dataclass(frozen=True)
class FixedInputs:
    """What a method is asked for at each moment, and what is real.

    Args:
        given: latents (N, latent size), or pictures to translate (N, C', H, W).
        real: as many held-out samples or pictures of the target domain.
        label: (N,) or (N, K), of the samples of a conditional method, or what its pictures shall become.
        paired: whether each real picture is what the given one of its place should become.
    """

    given: Tensor
    real: Tensor
    label: Tensor | None = None
    paired: bool = False

    def outputs(self, progress: Progress) -> Iterator[Tensor]:
        """What the averaged weights make of ``given`` now, in batches."""
        method, translates = progress.engine.method, self.given.dim() == 4
        size = BATCH
        if translates:
            rows, columns = self.given.shape[2:]
            size = at_once(method.config.width, rows, columns, progress.engine.device)
        for part in torch.arange(len(self.given)).split(size):  # not at once: 2,000 wide pictures may not fit
            make = progress.translate if translates else progress.sample
            yield make(self.given[part], None if self.label is None else self.label[part])


def fixed_inputs(method: Method, data: Data, count: int, seed: int) -> FixedInputs:
    """Latents drawn from ``seed``, or held-out pictures of ``data``; ``count``, or as many as were held out.

    Raises:
        UsageError: nothing was held out, or data that is not for a method of this kind.
    """
    held = data.held_out()
    if not method.translates:
        batch = held.real(count)
        latent = draw(0, len(batch.image), method.config.latent_size, seed=seed, prior=method.config.prior)
        return FixedInputs(latent, batch.image, batch.label if method.conditional else None)
    if isinstance(held, PairData):
        return FixedInputs(*held.pairs(count), paired=True)
    if isinstance(held, TwoDomainData):
        x, y = held.domains(count)
        count = min(len(x), len(y))
        return FixedInputs(x[:count], y[:count])
    batch = held.real(count)
    if batch.label is not None:  # what the others are: so that translations together are to have what the real pictures have
        return FixedInputs(batch.image, batch.image, of_another(batch.label, data.spec))
    raise UsageError(f"{data.name} holds nothing that {method.name} could translate", "name pairs or two domains")


def in_each_domain(inputs: FixedInputs, spec: Spec) -> list[FixedInputs]:
    """The same pictures to become of each class, or to change each attribute; just as they are where there is no label."""
    if inputs.label is None or inputs.given.dim() != 4:
        return [inputs]
    if inputs.label.dim() == 1:
        return [replace(inputs, label=torch.full_like(inputs.label, number)) for number in range(len(spec.classes))]
    changed, start = [], 0
    owner = [number for number, count in enumerate(spec.sets) for _ in range(count)]
    for index, group in enumerate(spec.attributes):
        own = within(inputs.label, spec, owner[index]) if spec.sets else inputs.label
        for place in range(start, start + len(group)):
            label = own.clone()
            had = label[:, place].clone()
            label[:, start : start + len(group)] = 0
            label[:, place] = 1 if len(group) > 1 else 1 - had
            changed.append(replace(inputs, label=label))
        start += len(group)
    return changed


def within(label: Tensor, spec: Spec, number: int) -> Tensor:
    """Labels in terms of one of several sets: what pictures of other sets are in its terms is not known, so all 0."""
    mask = torch.zeros(len(spec.sets), dtype=label.dtype)
    mask[number] = 1
    own = torch.zeros_like(label)
    place = spec.places[number]
    own[:, place] = label[:, place]
    own[:, len(spec.domains) :] = mask
    return own


def scored_count(method: Method, samples: int) -> int:
    """How many outputs one score takes: ``samples``, or fewer where pictures are translated, which costs more."""
    if not method.translates:
        return samples
    rows, columns = method.spec.shape[1:]
    return max(16, min(MOST_TRANSLATED, PIXELS // (rows * columns)))
