"""Row LI: faces that training never saw, found again in the latent space of a model that was trained for minutes."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.apps.invert import SIDE, invert
from ganvas.apps.tune import tune
from ganvas.data import ArrayData, faces
from ganvas.data.dataset import to_float
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import steps_within, trained_model
from ganvas.metrics.neighbours import nearest
from ganvas.metrics.networks.contract import DifferentiableNetwork
from ganvas.metrics.networks.efficientnet import efficientnet
from ganvas.metrics.perceptual import lpips_distance, perceptual_embedding
from ganvas.metrics.psnr_ssim import psnr

SHARE = 0.8
"""Of the held-out faces must be nearer to their inversion than to any training face."""
PASSES = 100
"""Of the tuning over the faces."""
SHORT = 20
"""Training faces, nearest at the resolution of the descent, of which the nearest at the network's own is looked for."""


def held_out_faces(seed: int, minutes: float = 9.0, count: int = 50, steps: int = 200, passes: int = PASSES) -> Outcome:
    """LI: the share of held-out drawn faces 64 whose inversion is nearer than the nearest training face.

    dcgan learns the training faces for ``minutes``; one copy of it is then tuned to all of the inversions at once. What the
    row judges is the tuned one's; beside it stands the share without. Distances are perceptual, at EfficientNet's own 224
    pixels; descent and tuning went by 64, and what they minimised is not what is judged.
    """
    data = faces()
    network = efficientnet()
    settings = {"width": 32, "batch_size": 32}
    model = trained_model("dcgan", data, settings, seed, steps=steps_within("dcgan", data, settings, seed, minutes))
    unseen = data.held_out().real(count, seed).image
    found = invert(model, unseen, network=network, steps=steps, seed=seed)
    tuned = tune(model, found.codes, unseen, network=network, passes=passes, seed=seed)
    rival = nearest_distance(unseen, data, network)
    share, before = (float((distance < rival).double().mean()) for distance in (tuned.distance, found.distance))
    medians = {
        "tuned": tuned.distance, "inverted": found.distance, "nearest sample": found.start, "nearest training face": rival,
    }  # fmt: skip
    told = ", ".join(f"{name} {float(value.median()):.3f}" for name, value in medians.items())
    measured = f"{share:.0%} of {count} (untuned {before:.0%}); median distances: {told}; others moved by {tuned.moved:.3f}"
    facts = {name.replace(" ", "_"): value.tolist() for name, value in medians.items()} | {
        "share": share, "share_untuned": before, "moved": tuned.moved, "step": model.facts.get("step"),
        "psnr": found.psnr.tolist(), "psnr_tuned": psnr(tuned.made, unseen).tolist(),
    }  # fmt: skip
    return Outcome(share >= SHARE, measured, facts)


def nearest_distance(pictures: Tensor, data: ArrayData, network: DifferentiableNetwork) -> Tensor:
    """The perceptual distance (N,) of each picture to the training picture that is nearest to it.

    All are compared at the descent's resolution, the ``SHORT`` nearest of them at the network's own.
    """
    rows = torch.arange(len(data.images)) if data.rows is None else data.rows
    asked = embedded(pictures, network)
    parts = [nearest(asked, embedded(to_float(data.images[part]), network), SHORT) for part in rows.split(500)]
    distance = torch.cat([near for near, _ in parts], dim=1)  # (N, SHORT * parts)
    index = torch.cat([part[place] for part, (_, place) in zip(rows.split(500), parts, strict=True)], dim=1)
    short = index.gather(1, distance.topk(SHORT, dim=1, largest=False).indices)  # (N, SHORT)
    best = []
    for picture, candidates in zip(pictures, short, strict=True):
        training = to_float(data.images[candidates])
        best.append(lpips_distance(network, picture.expand_as(training), training).min())
    return torch.stack(best)


@torch.no_grad()
def embedded(pictures: Tensor, network: DifferentiableNetwork) -> Tensor:
    """Rows whose squared distances are the perceptual ones at ``SIDE`` pixels, float64."""
    return torch.cat([perceptual_embedding(network.activations(part, SIDE)) for part in pictures.split(50)]).double()
