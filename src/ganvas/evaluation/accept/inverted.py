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
from ganvas.training.auto import HASTE

SHARE = 0.8
"""Of the held-out faces must be nearer to their inversion than to any training face."""
PASSES = 400
"""Of the tuning to each face."""
SHORT = 20
"""Training faces, nearest at the resolution of the descent, of which the nearest at the network's own is looked for."""


def held_out_faces(seed: int, minutes: float = 9.0, count: int = 50, steps: int = 200, passes: int = PASSES) -> Outcome:
    """LI: the share of held-out drawn faces 64 whose inversion is nearer than the nearest training face.

    wgan-gp, as ``auto`` trains it, learns the training faces for ``minutes``; each face is inverted, and a copy of the model
    tuned to it alone. What the row judges is the tuned ones'; beside it stands the share without. Distances are perceptual, at
    EfficientNet's own 224 pixels; the descent went by 64, and tuning by pixels: neither minimised what is judged.
    """
    data = faces()
    network = efficientnet()
    model = trained_model("wgan-gp", data, HASTE, seed, steps=steps_within("wgan-gp", data, HASTE, seed, minutes))
    unseen = data.held_out().real(count, seed).image
    found = invert(model, unseen, network=network, steps=steps, seed=seed)
    each = [
        tune(model, found.codes.at([n]), unseen[n : n + 1], network=network, passes=passes, seed=seed) for n in range(count)
    ]
    tuned, made = (torch.cat(parts) for parts in zip(*((one.distance, one.made) for one in each), strict=True))
    moved = sum(one.moved for one in each) / count
    rival = nearest_distance(unseen, data, network)
    share, before = (float((distance < rival).double().mean()) for distance in (tuned, found.distance))
    medians = {
        "tuned": tuned, "inverted": found.distance, "nearest sample": found.start, "nearest training face": rival,
    }  # fmt: skip
    told = ", ".join(f"{name} {float(value.median()):.3f}" for name, value in medians.items())
    measured = f"{share:.0%} of {count} (untuned {before:.0%}); median distances: {told}; others moved by {moved:.3f}"
    facts = {name.replace(" ", "_"): value.tolist() for name, value in medians.items()} | {
        "share": share, "share_untuned": before, "moved": moved, "step": model.facts.get("step"),
        "psnr": found.psnr.tolist(), "psnr_tuned": psnr(made, unseen).tolist(),
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
