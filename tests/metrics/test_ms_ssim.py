"""MS-SSIM against torchmetrics at every number of scales; its use as a measure of variety."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate
from torchmetrics.functional.image.ssim import _ssim_update

from ganvas.errors import UsageError
from ganvas.metrics import ms_ssim, ms_ssim_diversity
from ganvas.metrics.ms_ssim import WEIGHTS, scales


def pictures(count: int, side: int, seed: int) -> torch.Tensor:
    noise = torch.randn(count, 3, side // 4, side // 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return interpolate(noise, (side, side), mode="bilinear").tanh()


def reference(a: torch.Tensor, b: torch.Tensor, count: int) -> torch.Tensor:
    """From torchmetrics' terms of one scale. Its own product of them keeps the padded border at the coarsest scale."""
    value = torch.ones(len(a), dtype=torch.float64)
    for scale in range(count):
        _, structure = _ssim_update(a, b, data_range=2.0, return_contrast_sensitivity=True)
        _, whole = _ssim_update(a, b, data_range=2.0, return_full_image=True)
        term = structure if scale < count - 1 else whole[..., 5:-5, 5:-5].flatten(1).mean(1)
        value *= term.relu() ** (WEIGHTS[scale] / sum(WEIGHTS[:count]))
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
    return value


@pytest.mark.parametrize(("side", "count"), [(176, 5), (64, 3), (28, 2), (16, 1)])
def test_equals_torchmetrics(side: int, count: int) -> None:
    a = pictures(2, side, seed=0)
    b = (0.7 * a + 0.3 * pictures(2, side, seed=1)).clamp(-1, 1)
    assert scales(side, side) == count
    torch.testing.assert_close(ms_ssim(a, b), reference(a, b, count), rtol=1e-5, atol=0)


def test_equal_pictures_score_one() -> None:
    a = pictures(3, 32, seed=2)
    assert ms_ssim(a, a).tolist() == pytest.approx([1, 1, 1])


def test_flat_pictures_by_hand() -> None:
    # Only the luminance differs: (2 m n + c1) / (m^2 + n^2 + c1) at the coarsest scale, to the power of its weight.
    a, b = torch.full((1, 1, 16, 16), 0.5), torch.full((1, 1, 16, 16), 0.25)
    assert float(ms_ssim(a, b)) == pytest.approx((0.25 + 4e-4) / (0.3125 + 4e-4), rel=1e-9)


def test_fewer_kinds_of_picture_score_higher() -> None:
    varied = pictures(40, 28, seed=3)
    few = varied[:2].repeat(20, 1, 1, 1)
    # Half of the pairs are equal pictures.
    assert ms_ssim_diversity(few, pairs=100) > ms_ssim_diversity(varied, pairs=100) + 0.3
    assert ms_ssim_diversity(varied[:1].repeat(5, 1, 1, 1), pairs=10) == pytest.approx(1)


def test_refuses() -> None:
    with pytest.raises(UsageError, match="11x11"):
        ms_ssim(*[avg_pool2d(pictures(1, 16, seed=4), 2)] * 2)
    with pytest.raises(UsageError, match="pair"):
        ms_ssim_diversity(pictures(1, 16, seed=5))
