"""Optimal transport: the exact distance between samples, and what a critic's estimate of it is worth."""

from __future__ import annotations

from ganvas.transport.dual import CriticEstimate, critic_estimate
from ganvas.transport.exact import emd, wasserstein_1d

__all__ = ["CriticEstimate", "critic_estimate", "emd", "wasserstein_1d"]
