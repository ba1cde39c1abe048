"""Row LI: faces that training never saw, found again in the latent space of a model that was trained for minutes."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.apps.invert import SIDE, invert
from ganvas.data import ArrayData, faces
from ganvas.data.dataset import to_float
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import trained_model
from ganvas.metrics.neighbours import nearest
from ganvas.metrics.networks.contract import DifferentiableNetwork
from ganvas.metrics.networks.efficientnet import efficientnet
from ganvas.metrics.perceptual import lpips_distance, perceptual_embedding

SHARE = 0.8
"""Of the held-out faces must be nearer to their inversion than to any training face."""
SHORT = 20
"""Training faces, nearest at the resolution of the descent, of which the nearest at the network's own is looked for."""


def held_out_faces(seed: int, minutes: float = 9.0, count: int = 50, steps: int = 200) -> Outcome:
    """LI: the share of held-out drawn faces 64 whose inversion is nearer than the nearest training face.

    dcgan learns the training faces for ``minutes``. Distances are perceptual, at EfficientNet's own 224 pixels; the descent
    went by 64, and what it minimised is not what is judged.
    """
    data = faces()
    network = efficientnet()
    model = trained_model("dcgan", data, {"width": 32, "batch_size": 32}, seed, minutes=minutes)
    unseen = data.held_out().real(count, seed).image
    found = invert(model, unseen, network=network, steps=steps, seed=seed)
    rival = nearest_distance(unseen, data, network)
    wins = found.distance < rival
    share = float(wins.double().mean())
    ratio = float((found.distance / rival).median())
    measured = (
        f"{share:.0%} of {count}; median distance {float(found.distance.median()):.3f} (nearest sample "
        f"{float(found.start.median()):.3f}, nearest training face {float(rival.median()):.3f}); median ratio {ratio:.2f}"
    )
    facts = {
        "share": share, "inverted": found.distance.tolist(), "nearest_training": rival.tolist(),
        "nearest_sample": found.start.tolist(), "psnr": found.psnr.tolist(), "step": model.facts.get("step"),
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
