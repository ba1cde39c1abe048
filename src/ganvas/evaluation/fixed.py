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
        was: what labelled pictures to translate are, as ``label``.
        real_label: what the real ones of these are.
    """

    given: Tensor
    real: Tensor
    label: Tensor | None = None
    paired: bool = False
    was: Tensor | None = None
    real_label: Tensor | None = None

    def outputs(self, progress: Progress) -> Iterator[Tensor]:
        """What the averaged weights make of ``given`` now, in batches."""
        make = progress.translate if self.given.dim() == 4 else progress.sample
        for part in self.batches(progress):
            yield make(self.given[part], None if self.label is None else self.label[part])

    def there_and_back(self, progress: Progress) -> Iterator[tuple[Tensor, Tensor]]:
        """The translations of pictures without pairs now, and what these become when they are translated back, in batches."""
        for part in self.batches(progress):
            if self.label is None or self.was is None:
                made = progress.translate(self.given[part])
                yield made, progress.translate(made, back=True)
            else:
                made = progress.translate(self.given[part], self.label[part])
                yield made, progress.translate(made, self.was[part])

    def batches(self, progress: Progress) -> Iterator[Tensor]:
        """Which are made at once: 2,000 wide pictures may not fit."""
        size = BATCH
        if self.given.dim() == 4:
            rows, columns = self.given.shape[2:]
            size = at_once(progress.engine.method.config.width, rows, columns, progress.engine.device)
        yield from torch.arange(len(self.given)).split(size)


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
    image, label = held.real(2 * count)
    if label is not None:  # what others are: so that translations together are to have what the real pictures have
        given, others = (slice(0, None, 2), slice(1, None, 2)) if len(image) > 1 else (slice(0, 1), slice(0, 1))
        count = min(len(image[given]), len(image[others]))
        was, real_label = label[given][:count], label[others][:count]
        return FixedInputs(
            image[given][:count], image[others][:count], of_another(was, data.spec), was=was, real_label=real_label
        )
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
