"""Pivotal tuning: a generator is brought to pictures where their latents already lie.

Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images", arXiv 2106.05744. Inversion finds the nearest that
a generator can make; what it cannot make, it has to learn. The latents ("pivots") stay, the weights move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from ganvas.apps.interpolate import between
from ganvas.apps.invert import AT_ONCE, distances, loss_to
from ganvas.apps.latent import MOST, Codes, drawn, joined, on_device, pictures, rendered
from ganvas.errors import UsageError
from ganvas.metrics.networks.contract import DifferentiableNetwork
from ganvas.runs import Model

RATE = 1e-3
"""Of Adam, falling to 0 along half a cosine."""
KEEP = 1.0
"""Weight of the squared error that holds pictures between the pivots and other samples to what they were (section 3.2), by
pixels alone: the network would have to look at as many pictures again."""
ELSEWHERE = 64
"""Samples by which it is told how far the rest of the latent space moved."""


@dataclass(frozen=True)
class Tuned:
    """A generator that knows pictures.

    Args:
        model: a copy with other weights; the one that was given stays as it is.
        made: its pictures (N, C, H, W) at the pivots, in [-1, 1].
        distance: of each to its target (N,), as ``invert`` measures it.
        moved: the mean distance between what the two models make of ``ELSEWHERE`` other latents.
    """

    model: Model
    made: Tensor
    distance: Tensor
    moved: float


def tune(
    model: Model,
    pivots: Codes,
    target: Tensor,
    *,
    network: DifferentiableNetwork | None = None,
    passes: int = 200,
    seed: int = 0,
    names: Sequence[str] = (),
    report: Callable[[str], None] | None = None,
) -> Tuned:
    """Tunes a copy of ``model`` until it makes ``target`` (N, C, H, W) in [-1, 1] of ``pivots``, all N in one generator.

    Args:
        network: of the perceptual distance, as in ``invert``; None goes by pixels alone.
        passes: over the pictures, in parts of ``AT_ONCE``.
        names: of the pictures, for the new model's description.
        report: is told, in a sentence, how far it is.

    Raises:
        UsageError: as many pictures as pivots are needed, and one pass or more.
    """
    if len(pivots) != len(target) or target.shape[1:] != model.spec.shape or passes < 1:
        what = f"{len(target)} pictures of {tuple(target.shape[1:])} at {len(pivots)} latents, {passes} passes"
        raise UsageError(f"{what}: nothing can be tuned", "give pictures as the model makes them, and 1 pass or more")
    method = model.trainable()
    weights = [p for name in method.averaged for p in getattr(method, name).parameters()]
    optimiser = torch.optim.Adam(weights, lr=RATE, betas=(0.9, 0.99))
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(target), AT_ONCE)]
    losses = [loss_to(target[part].to(model.device), network) for part in parts]
    source, steps = torch.Generator().manual_seed(seed), passes * len(parts)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = RATE * (1 + cos(pi * step / steps)) / 2
        part, loss = parts[step % len(parts)], losses[step % len(parts)]
        codes = pivots.at(part)
        near = on_the_way(model, codes, source)
        both = Codes(codes.space, *on_device(model, joined(codes, near)))
        made, held = rendered(method, both).float().split(len(codes))
        far = loss(made).mean() + KEEP * (held - pictures(model, near).to(model.device)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        far.backward()
        optimiser.step()
        if report and step % len(parts) == 0 and (step // len(parts) + 1) % 100 == 0:
            report(f"tuned by {step // len(parts) + 1} of {passes} passes")
    facts = {"from": model.hash, "pictures": list(names) or len(target), "passes": passes, "seed": seed}
    known = model.changed(method, {"tuned": facts})
    made = pictures(known, pivots)
    others = drawn(model, range(ELSEWHERE), seed=seed, space=pivots.space)
    moved = distances(network, pictures(known, others), pictures(model, others))
    return Tuned(known, made, distances(network, made, target), float(moved.mean()))


def on_the_way(model: Model, pivots: Codes, source: torch.Generator) -> Codes:
    """Codes between pivots (N) and as many other samples of their classes, anywhere on the way."""
    numbers = torch.randint(MOST, (1,), generator=source)
    labels = None if pivots.label is None else pivots.label.tolist()
    others = drawn(model, range(len(pivots)), seed=int(numbers), space=pivots.space, labels=labels)
    return between(model, pivots, others, torch.rand(len(pivots), generator=source), arc=pivots.space == "z")
