"""Pivotal tuning: a generator is brought to pictures where their latents already lie.

Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images", arXiv 2106.05744. Inversion finds the nearest that
a generator can make; what it cannot make, it has to learn. The latents ("pivots") stay, the weights move.

The paper descends by Adam on the squared error and a perceptual distance, and draws what is held anew at each step. A few
pictures at fixed latents are a small problem that is the same at every step, so L-BFGS (Liu and Nocedal 1989) solves it: at
equal time drawn faces came nearer than by Adam, and the rest of the space moved less. Errors count by absolute value, for
squares leave a faint noise in what is flat; no network has to look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from ganvas.apps.interpolate import between
from ganvas.apps.invert import AT_ONCE, distances
from ganvas.apps.latent import MOST, Codes, drawn, joined, on_device, pictures, rendered
from ganvas.errors import UsageError
from ganvas.metrics.networks.contract import DifferentiableNetwork
from ganvas.runs import Model

HISTORY = 20
"""Steps of L-BFGS from which it guesses the curvature; each costs the memory of the weights twice."""
SMOOTH = 0.01
"""Errors below this, in units of [-1, 1], count by their square."""
KEEP = 1.0
"""Weight of the squared error that holds pictures between the pivots and other samples to what they were (section 3.2)."""
HELD = 16
"""Of these pictures there are at least so many, and one for each pivot."""
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
        network: of the perceptual distance that is reported, as in ``invert``; None reports the squared error of pixels.
        passes: over the pictures, in parts of ``AT_ONCE``.
        names: of the pictures, for the new model's description.
        report: is told, in a sentence, how far it is.

    Raises:
        UsageError: as many pictures as pivots are needed, and one pass or more.
    """
    if len(pivots) != len(target) or target.shape[1:] != model.spec.shape or passes < 1:
        what = f"{len(target)} pictures of {tuple(target.shape[1:])} at {len(pivots)} latents, {passes} passes"
        raise UsageError(f"{what}: nothing can be tuned", "give pictures as the model makes them, and 1 pass or more")
    method, device = model.trainable(), model.device
    weights = [p for name in method.averaged for p in getattr(method, name).parameters()]
    source = torch.Generator().manual_seed(seed)
    near = joined(*(on_the_way(model, pivots, source) for _ in range(ceil(HELD / len(pivots)))))
    done = 0

    def learnt(error: Tensor) -> Tensor:
        return (error.square() + SMOOTH**2).sqrt().sum() / target.numel()

    def held(error: Tensor) -> Tensor:
        return KEEP * error.square().sum() / (target[0].numel() * len(near))

    terms = [(pivots.at(part), target[part].to(device), learnt) for part in parts_of(len(pivots))]
    terms += [(near.at(part), pictures(model, near.at(part)).to(device), held) for part in parts_of(len(near))]

    def far() -> Tensor:
        """What is minimised, its gradient added to the weights'."""
        nonlocal done
        optimiser.zero_grad()
        total = torch.zeros((), device=device)
        for codes, goal, term in terms:
            share = term(rendered(method, Codes(codes.space, *on_device(model, codes))).float() - goal)
            share.backward()
            total += share.detach()
        done += 1
        if report and done % 100 == 0:
            report(f"tuned by {done} of {passes} passes")
        return total

    optimiser = torch.optim.LBFGS(
        weights, max_iter=passes, max_eval=passes, history_size=HISTORY, line_search_fn="strong_wolfe", tolerance_grad=0.0,
        tolerance_change=0.0,
    )  # fmt: skip
    optimiser.step(far)
    facts = {"from": model.hash, "pictures": list(names) or len(target), "passes": passes, "seed": seed}
    known = model.changed(method, {"tuned": facts})
    made = pictures(known, pivots)
    others = drawn(model, range(ELSEWHERE), seed=seed, space=pivots.space)
    moved = distances(network, pictures(known, others), pictures(model, others))
    return Tuned(known, made, distances(network, made, target), float(moved.mean()))


def parts_of(count: int) -> list[slice]:
    """What goes through the generator at once."""
    return [slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE)]


def on_the_way(model: Model, pivots: Codes, source: torch.Generator) -> Codes:
    """Codes between pivots (N) and as many other samples of their classes, anywhere on the way."""
    numbers = torch.randint(MOST, (1,), generator=source)
    labels = None if pivots.label is None else pivots.label.tolist()
    others = drawn(model, range(len(pivots)), seed=int(numbers), space=pivots.space, labels=labels)
    return between(model, pivots, others, torch.rand(len(pivots), generator=source), arc=pivots.space == "z")
