"""Terms that keep a discriminator from learning few samples by heart; added to any objective's ``*_critic``.

All take raw outputs, (N,) or of any one shape, and return a scalar without its weight, as penalties do.
"""

from __future__ import annotations

from torch import Tensor


def lecam(real: Tensor, fake: Tensor, anchor_real: Tensor, anchor_fake: Tensor) -> Tensor:
    """E[(D(x) - a_F)^2] + E[(D(G(z)) - a_R)^2] (Tseng et al. 2021, eq. 5, arXiv 2104.03310); weight lambda, 0.01 to 0.3.

    ``anchor_real`` a_R and ``anchor_fake`` a_F are running means of D on real and generated samples, see ``anchored``: each
    side is drawn towards where the other one has been. With anchors a and -a, and the Wasserstein objective, the best
    discriminator is (1 / (2 lambda) - a) (p - q) / (p + q), and the generator minimises a LeCam divergence (proposition 1).
    """
    return (real - anchor_fake).square().mean() + (fake - anchor_real).square().mean()


def anchored(anchor: Tensor, scores: Tensor, decay: float = 0.99) -> Tensor:
    """The running mean after one more batch of scores, decay * anchor + (1 - decay) * mean, without a gradient (eq. 4)."""
    return (decay * anchor + (1 - decay) * scores.detach().mean()).to(anchor.dtype)


def consistency(scores: Tensor, changed: Tensor) -> Tensor:
    """E[(D(x) - D(T(x)))^2]: a change T that keeps the meaning keeps the score (Zhang et al. 2020, arXiv 1910.12027)."""
    return (scores - changed).square().mean()


def balanced_consistency(
    real: Tensor,
    changed_real: Tensor,
    fake: Tensor,
    changed_fake: Tensor,
    *,
    weight_real: float = 10.0,
    weight_fake: float = 10.0,
) -> Tensor:
    """The same on real and on generated samples (bCR; Zhao et al. 2021, algorithm 1, arXiv 2002.04724), weights as there.

    On real samples alone the generator learns the changes. Only the discriminator minimises it; the generator never sees T.
    """
    return weight_real * consistency(real, changed_real) + weight_fake * consistency(fake, changed_fake)
