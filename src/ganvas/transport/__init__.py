"""Optimal transport: distances between samples and what each is, and what a critic's estimate of them is worth."""

from __future__ import annotations

from ganvas.transport.distances import Distance, distance
from ganvas.transport.dual import CriticEstimate, critic_estimate
from ganvas.transport.entropic import Entropic, sinkhorn
from ganvas.transport.exact import Plan, emd, transport_plan, wasserstein, wasserstein_1d
from ganvas.transport.gaussian import gaussian_w2
from ganvas.transport.sliced import Sliced, sliced_distance

__all__ = [
    "CriticEstimate",
    "Distance",
    "Entropic",
    "Plan",
    "Sliced",
    "critic_estimate",
    "distance",
    "emd",
    "gaussian_w2",
    "sinkhorn",
    "sliced_distance",
    "transport_plan",
    "wasserstein",
    "wasserstein_1d",
]
