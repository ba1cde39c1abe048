"""The sliced Wasserstein distance: samples of any sizes and weights, seen from many directions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.transport.cost import as_points, as_weights, check_order, check_samples

DIRECTIONS = 512


class Sliced(NamedTuple):
    """A sliced distance with the standard error that the choice of directions leaves in it."""

    value: float
    standard_error: float
    directions: int


def sliced_distance(
    a: Tensor,
    b: Tensor,
    order: int = 1,
    *,
    directions: int = DIRECTIONS,
    seed: int = 0,
    weights_a: Tensor | None = None,
    weights_b: Tensor | None = None,
) -> Sliced:
    """SW_p = (mean over random unit directions of W_p^p of the projections)^(1/p) (Bonneel et al. 2015), by POT.

    At most W_p, for a projection shortens every move; between shifted samples in d dimensions about W_p / sqrt(d).

    Args:
        a, b: samples, (N, ...) and (M, ...).
        directions: how many are drawn, uniform on the sphere, from ``seed``; at least 2.

    Raises:
        UsageError: a sample is empty or not finite, the two differ in shape, or weights are not above 0.
    """
    import ot

    check_samples(a, b)
    check_order(order)
    if directions < 2:
        raise UsageError(f"directions={directions} is out of range", "it must be at least 2")
    a, b = as_points(a), as_points(b)
    mass_a, mass_b = as_weights(weights_a, len(a)).numpy(), as_weights(weights_b, len(b)).numpy()
    generator = torch.Generator().manual_seed(seed)
    theta = torch.randn(a.shape[1], directions, generator=generator, dtype=torch.float64)
    theta /= theta.norm(dim=0)
    powers = torch.cat(
        [  # in blocks: POT holds several arrays of (N + M, directions)
            torch.from_numpy(ot.wasserstein_1d((a @ block).numpy(), (b @ block).numpy(), mass_a, mass_b, p=order))
            for block in theta.split(64, dim=1)
        ]
    )  # W_p^p of each projection, (directions,)
    mean, error = float(powers.mean()), float(powers.std() / directions**0.5)
    value = mean ** (1 / order)
    return Sliced(value, error / (order * value ** (order - 1)) if value > 0 else 0.0, directions)
