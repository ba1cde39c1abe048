"""What the two players minimise, given the discriminator's raw outputs (logits, or a critic's scores), each of shape (N,).

Each objective is two functions, ``*_critic(real, fake)`` and ``*_generator(...)``, that return a scalar. Means are over the
batch. Where a paper writes a factor of 1/2 in front of the discriminator's loss, the docstring says whether it is here.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def minimax_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))], D = sigmoid(logit) (Goodfellow et al. 2014, eq. 1), without the thesis's factor 1/2.

    In logits: -log sigmoid(t) = softplus(-t) and -log(1 - sigmoid(t)) = softplus(t), which never overflow.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))] (Goodfellow et al. 2014, eq. 1): what G minimises in the zero-sum game; vanishes as D saturates."""
    return -softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-E[log D(G(z))] (Goodfellow et al. 2014, section 3): same fixed point, strong gradient while D rejects the fakes."""
    return softplus(-fake).mean()


def least_squares_critic(real: Tensor, fake: Tensor) -> Tensor:
    """1/2 E[(D(x) - 1)^2] + 1/2 E[D(G(z))^2] (Mao et al. 2017, eq. 9; a = 0, b = 1)."""
    return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()


def least_squares_generator(fake: Tensor) -> Tensor:
    """1/2 E[(D(G(z)) - 1)^2] (Mao et al. 2017, eq. 9; c = 1)."""
    return 0.5 * (fake - 1).square().mean()


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Lim and Ye 2017; Miyato et al. 2018, eq. 16)."""
    return (1 - real).relu().mean() + (1 + fake).relu().mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """-E[D(G(z))] (Miyato et al. 2018, eq. 17)."""
    return -fake.mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E[f(G(z))] - E[f(x)] (Arjovsky et al. 2017, eq. 2 with the sign turned, so that the critic minimises).

    Minus this value is the critic's estimate; it bounds W1 from below once divided by the critic's Lipschitz constant.
    """
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """-E[f(G(z))] (Arjovsky et al. 2017, Algorithm 1, line 10)."""
    return -fake.mean()


def relativistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(-(D(x) - D(G(z))))] over pairs (Jolicoeur-Martineau 2018, RpGAN; Huang et al. 2024, R3GAN, eq. 2)."""
    return softplus(fake - real).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(-(D(G(z)) - D(x)))] over pairs: the critic's loss with the roles exchanged (Huang et al. 2024, eq. 2)."""
    return softplus(real - fake).mean()
