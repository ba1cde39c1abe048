"""Whether a generator copies its training data: nearest neighbours in the training set against those in held-out data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import hypergeom
from torch import Tensor

from ganvas.metrics.features import as_features
from ganvas.metrics.neighbours import nearest

NEIGHBOURS = 5
"""The nearest real sample is judged against the fifth: in dense regions all are near, but only one is copied."""
ALARM = 1e-3
"""Copying is said to be detected below this p-value."""


@dataclass(frozen=True)
class Memorisation:
    """What the nearest neighbours say.

    Args:
        nearer_train: the share of generated samples whose nearest real one is a training sample and not a held-out one.
        expected: that share for a generator that knows the distribution and not the sample: N / (N + H).
        copies: estimated share of generated samples that are copies of training samples, 0..1.
        p_value: of seeing so many near training samples by chance. See ``memorisation``.
        authenticity: AuthPct as a share, 0..1; see ``authenticity``.
        distance_train, distance_held_out: median distances from generated samples to the nearest of either set.
    """

    nearer_train: float
    expected: float
    copies: float
    p_value: float
    authenticity: float
    distance_train: float
    distance_held_out: float

    @property
    def detected(self) -> bool:
        return self.p_value < ALARM

    def __str__(self) -> str:
        verdict = f"about {self.copies:.0%} copies of training samples" if self.detected else "no sign of copying"
        return (
            f"{verdict}: {self.nearer_train:.1%} nearest to a training sample against {self.expected:.1%} by chance "
            f"(p = {self.p_value:.1g}), authenticity {self.authenticity:.1%}"
        )


def memorisation(generated: Tensor, train: Tensor, held_out: Tensor, *, seed: int = 0) -> Memorisation:
    """Judges features ``generated`` (G, d) against ``train`` (N, d) and ``held_out`` (H, d) of the same distribution.

    To a generator that did not learn by heart, which real samples it was trained on is a matter of chance: the label of its
    samples' nearest neighbour in the pool of both is "train" with probability N / (N + H), whatever the distances. So held-out
    samples are decoys: among the samples that lie closest (by the ratio of the first to the fifth neighbour's distance, below a
    threshold), T near training samples and D near decoys mean T - D N / H copies. The threshold is chosen on one half of the
    pool, where that excess stands out most from its chance variation, and used on the other, so that the estimate has no bias
    from the choice; then the halves change places. The p-value counts each real sample once, so that a generator that has
    collapsed is not taken for one that copies, and is hypergeometric.

    The two sets must be random parts of one: MNIST's test set is by other writers, and against it 2,000 training pictures that
    were held out look like 5 % copies (12,000 and 10,000 beside them), though not to the p-value.

    All training samples that copies may be of belong in ``train``; the more held-out samples, the sharper the estimate: its
    standard deviation without copies is at most sqrt(N / (H G)).

    Raises:
        UsageError: fewer than six samples on a side, different d, or features that are not finite.
    """
    generated, train, held_out = as_features(generated, train, held_out, at_least=NEIGHBOURS + 1)
    (to_train, in_train), (to_held_out, in_held_out) = (nearest(generated, part, NEIGHBOURS) for part in (train, held_out))
    # The nearest of the pool are among the nearest of its parts: one search serves every question below.
    distance, order = torch.cat([to_train, to_held_out], dim=1).sort(dim=1, stable=True)
    distance = distance[:, :NEIGHBOURS]
    hit = torch.cat([in_train, in_held_out + len(train)], dim=1).gather(1, order[:, :1])[:, 0]
    copied = hit < len(train)
    # Five copies of one picture in the pool: 0 / 0 is as near as near can be.
    closeness = (distance[:, 0] / distance[:, -1]).nan_to_num(0.0)
    odds, pool = len(train) / len(held_out), len(train) + len(held_out)
    excess, drawn, marked = 0.0, 0, 0
    half = torch.randperm(pool, generator=torch.Generator().manual_seed(seed)).to(hit.device)[hit] % 2 == 0
    for chosen_on in (half, ~half):
        threshold = best_threshold(closeness[chosen_on], copied[chosen_on], odds)
        near = ~chosen_on & (closeness <= threshold)
        excess += float((near & copied).sum()) - odds * float((near & ~copied).sum())
        real = hit[near].unique()
        drawn, marked = drawn + len(real), marked + int((real < len(train)).sum())
    return Memorisation(
        nearer_train=float(copied.double().mean()),
        expected=len(train) / pool,
        copies=min(1.0, max(0.0, excess / len(generated))),
        p_value=float(hypergeom.sf(marked - 1, pool, len(train), drawn)),
        authenticity=authentic_share(to_train[:, 0], in_train[:, 0], train),
        distance_train=float(to_train[:, 0].median()),
        distance_held_out=float(to_held_out[:, 0].median()),
    )


def best_threshold(closeness: Tensor, copied: Tensor, odds: float) -> float:
    """The closeness up to which the excess T - odds D is largest in units of its chance deviation, sqrt(odds (T + D))."""
    if not len(closeness):
        return 0.0
    ordered, order = closeness.sort()
    train = copied[order].cumsum(0).double()
    count = torch.arange(1, len(order) + 1, device=train.device).double()
    deviation = (train - odds * (count - train)) / (odds * count).sqrt()
    # Only where the value changes: samples of equal closeness are in together or not at all.
    deviation[:-1][ordered[:-1] == ordered[1:]] = -torch.inf
    return float(ordered[deviation.argmax()])


def authenticity(generated: Tensor, train: Tensor) -> float:
    """AuthPct as a share, 0..1: generated samples farther from their nearest training sample than its own nearest other is.

    Alaa et al. 2022, section 3.3. A perfect sampler does not have 1 (about 1/2 of its samples are nearer), so that it means
    nothing without the value of held-out samples.
    """
    generated, train = as_features(generated, train)
    distance, index = nearest(generated, train)
    return authentic_share(distance[:, 0], index[:, 0], train)


def authentic_share(distance: Tensor, index: Tensor, train: Tensor) -> float:
    """``authenticity`` from the distance to the nearest of ``train``, and which it is, both (G,)."""
    hit, back = index.unique(return_inverse=True)
    # The nearest of train to one of its own is itself, or a duplicate of it, at 0; the second is its nearest other.
    own = nearest(train[hit], train, 2)[0][:, 1]
    return float((distance > own[back]).double().mean())
