"""Distances between pictures as a network sees them, and how far a generator moves through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganvas.errors import UsageError
from ganvas.metrics.networks.contract import FeatureNetwork, StagedNetwork

Sampler = Callable[[Tensor], Tensor]
"""Latents (N, d) -> pictures (N, C, H, W) in [-1, 1] or points (N, d)."""


class PathLength(NamedTuple):
    """``value``: the mean over the paths that were not trimmed away. ``standard_error``: of it. ``paths``: drawn in all."""

    value: float
    standard_error: float
    paths: int


@torch.no_grad()
def lpips_distance(network: StagedNetwork, a: Tensor, b: Tensor) -> Tensor:
    """The perceptual distance (N,) float64 of pictures ``a`` and ``b``, (N, C, H, W) in [-1, 1]: 0 for equal ones, at most 4.

    Activations at each depth are brought to length 1 at each position; their squared differences are averaged over positions
    and then over depths. That is the form of Zhang et al. 2018, equation 1, **without the weights that LPIPS learned** from
    human judgement and usually on another network: the numbers are not LPIPS, and compare only with those of the same network.

    Raises:
        UsageError: different shapes, or pictures that the network does not take.
    """
    if a.shape != b.shape or a.dim() != 4:
        raise UsageError(f"pictures of {tuple(a.shape)} and {tuple(b.shape)}", "give as many on either side, of one size")
    distances = staged_distances(network.stages(a), network.stages(b))
    return torch.stack([distance.cpu().double() for distance in distances]).mean(0)


def staged_distances(left: Sequence[Tensor], right: Sequence[Tensor]) -> list[Tensor]:
    """The terms of ``lpips_distance`` from activations (N, C, H, W) at each depth: (N,) each, differentiable."""
    differences = [normalize(a.float(), dim=1) - normalize(b.float(), dim=1) for a, b in zip(left, right, strict=True)]
    return [difference.square().sum(1).mean((1, 2)) for difference in differences]


def perceptual_embedding(activations: Sequence[Tensor]) -> Tensor:
    """Rows (N, d) whose squared Euclidean distances are ``lpips_distance``: for searches among many pictures."""
    parts = [normalize(a.float(), dim=1) / (a.shape[2] * a.shape[3] * len(activations)) ** 0.5 for a in activations]
    return torch.cat([part.flatten(1) for part in parts], dim=1)


def perceptual_path_length(
    sample: Sampler,
    network: FeatureNetwork,
    latent_size: int,
    *,
    mapping: Callable[[Tensor], Tensor] | None = None,
    ends: bool = False,
    count: int = 2000,
    epsilon: float = 1e-4,
    trim: float = 0.01,
    seed: int = 0,
    batch_size: int = 50,
) -> PathLength:
    """How far pictures move for a small step in latent space: E[d(G(z_t), G(z_(t + eps)))] / eps^2 (Karras et al. 2019, 4.1).

    Small steps of a smooth generator change little everywhere; sudden changes along a path make it long. d is
    ``lpips_distance`` where the network shows its stages, else the squared distance of features: state which network.

    Args:
        sample: from latents, or from what ``mapping`` makes of them.
        latent_size: components of z, which is drawn from N(0, I).
        mapping: z -> w; then the path is straight, in w. Without it the path is an arc in z (``slerp``).
        ends: paths start at z itself ("PPL end"), and not at a random point between two ("PPL full").
        trim: share of the shortest, and of the longest, paths that are left out.
        batch_size: paths at a time.

    Raises:
        UsageError: numbers out of range, or samples that are not finite.
    """
    if count < 2 or not 0 < epsilon < 1 or not 0 <= trim < 0.5:
        raise UsageError(
            f"{count} paths, epsilon {epsilon:g}, trim {trim:g}", "use 2 or more, 0 < epsilon < 1, 0 <= trim < 0.5"
        )
    generator = torch.Generator().manual_seed(seed)
    distances = []
    for start in range(0, count, batch_size):
        number = min(batch_size, count - start)
        a, b = torch.randn(2, number, latent_size, generator=generator)
        t = torch.zeros(number, 1) if ends else torch.rand(number, 1, generator=generator)
        if mapping is None:
            here, there = slerp(a, b, t), slerp(a, b, t + epsilon)
        else:
            a, b = mapping(a), mapping(b)
            here, there = torch.lerp(a, b, t.to(a.device)), torch.lerp(a, b, (t + epsilon).to(a.device))
        with torch.no_grad():
            distances.append(distance_between(network, sample(here), sample(there)) / epsilon**2)
    lengths = torch.cat(distances)
    if not torch.isfinite(lengths).all():
        raise UsageError("the samples hold NaN or infinity", "check the generator")
    low, high = lengths.quantile(trim), lengths.quantile(1 - trim)
    kept = lengths[(lengths >= low) & (lengths <= high)]
    return PathLength(float(kept.mean()), float(kept.std() / len(kept) ** 0.5), count)


def distance_between(network: FeatureNetwork, a: Tensor, b: Tensor) -> Tensor:
    """The squared distance (N,) float64 that the network allows: of its stages where it shows them, else of its features."""
    if isinstance(network, StagedNetwork):
        return lpips_distance(network, a, b)
    return (network.features(a).double() - network.features(b).double()).square().sum(1)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """A point (N, d) between ``a`` and ``b``, (N, d), at ``t`` (N, 1): direction on the arc (Shoemake 1985), length between.

    The length is where Karras et al. bring all latents to length 1, as their generator does: others have never seen such z. For
    one that does, it is the same.
    """
    a, b, t = a.double(), b.double(), t.double()
    start, end = normalize(a, dim=1), normalize(b, dim=1)
    angle = torch.acos((start * end).sum(1, keepdim=True).clamp(-1, 1))
    arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / torch.sin(angle)
    direction = torch.where(torch.sin(angle) < 1e-6, start, arc)  # one direction, or opposite ones: no arc to follow
    return (torch.lerp(a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True), t) * direction).float()
