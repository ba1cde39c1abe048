"""Four scores in three passes are the four scores, to the bit of their counts."""

from __future__ import annotations

import pytest
import torch

from ganvas.errors import UsageError
from ganvas.metrics import density_coverage, precision_recall
from ganvas.metrics.manifold import ball_radii, manifold_scores
from ganvas.metrics.neighbours import neighbour_radii


@pytest.mark.parametrize(("real", "generated"), [(300, 300), (200, 350)])
def test_equal_to_the_single_functions(real: int, generated: int) -> None:
    generator = torch.Generator().manual_seed(real)
    a, b = torch.randn(real, 5, generator=generator), 0.8 * torch.randn(generated, 5, generator=generator) + 0.3
    four = manifold_scores(a, b)
    assert (four.precision[0], four.recall[0]) == precision_recall(a, b)
    assert (four.density[0], four.coverage[0]) == pytest.approx(density_coverage(a, b), abs=1e-12)
    p = four.precision[0]
    assert four.precision[1] == pytest.approx((p * (1 - p) / generated) ** 0.5)
    assert manifold_scores(a, b, radii=ball_radii(a, 3, 5)) == four


def test_radii() -> None:
    points = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    near, wide = ball_radii(points, 3, 5)
    assert torch.equal(near, neighbour_radii(points, 3))
    assert torch.equal(wide, neighbour_radii(points, 5))
    with pytest.raises(UsageError, match="give more samples"):
        manifold_scores(points[:5], points)
