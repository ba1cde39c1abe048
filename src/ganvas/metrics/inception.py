"""The Inception Score: confident classes for each sample, and all classes over the samples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError


class InceptionScore(NamedTuple):
    """``value``: the mean over splits, from 1 to the number of classes. ``spread``: their standard deviation."""

    value: float
    spread: float


def inception_score(probabilities: Tensor, *, splits: int = 10) -> InceptionScore:
    """exp(mean KL(p(y|x) || p(y))) of class probabilities (N, K), in each of ``splits`` equal parts (Salimans et al. 2016).

    The parts are taken in the order given, which must be random. The score knows no real data and says nothing of variety
    within a class; it is biased in small parts, so compare equal counts and splits.

    Raises:
        UsageError: fewer samples than splits, or rows that are not probabilities.
    """
    if probabilities.dim() != 2 or splits < 1 or len(probabilities) < splits:
        raise UsageError(f"{splits} splits of probabilities {tuple(probabilities.shape)}", "give (N, K) with N >= splits")
    p = probabilities.detach().cpu().double()
    if not torch.isfinite(p).all() or bool((p < 0).any()) or bool(((p.sum(1) - 1).abs() > 1e-3).any()):
        raise UsageError("the rows are not probabilities", "take the softmax of the classifier's logits")
    scores = torch.stack([part_score(part) for part in p.tensor_split(splits)])
    return InceptionScore(float(scores.mean()), float(scores.std(correction=0)))


def part_score(p: Tensor) -> Tensor:
    """exp(mean KL(p_i || mean p)) of one part (n, K); 0 log 0 is 0."""
    divergence = torch.special.xlogy(p, p) - torch.special.xlogy(p, p.mean(0))
    score: Tensor = divergence.sum(1).mean().exp()
    return score
