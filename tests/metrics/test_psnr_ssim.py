"""PSNR, SSIM and L1 against torchmetrics and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from ganvas.errors import UsageError
from ganvas.metrics import l1, psnr, ssim


def pictures(channels: int, *size: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(channels)
    smooth = torch.nn.functional.interpolate(torch.rand(3, channels, 6, 5), size=size, mode="bilinear") * 2 - 1
    return smooth, (smooth + 0.3 * torch.randn_like(smooth)).clamp(-1, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(24, 24), (11, 40), (37, 29)])
def test_against_torchmetrics(channels: int, size: tuple[int, int]) -> None:
    a, b = pictures(channels, *size)
    _, everywhere = structural_similarity_index_measure(
        a.double(), b.double(), data_range=2.0, gaussian_kernel=True, sigma=1.5, kernel_size=11, k1=0.01, k2=0.03,
        reduction="none", return_full_image=True,
    )  # fmt: skip
    # torchmetrics continues the picture by reflection; the authors' program has only the windows that lie inside it.
    inside = everywhere[..., 5:-5, 5:-5] if min(size) > 11 else everywhere[..., 5:6, 5:-5]
    assert torch.allclose(ssim(a, b, batch_size=2), inside.mean((1, 2, 3)), rtol=1e-4, atol=1e-6)
    reference = peak_signal_noise_ratio(a.double(), b.double(), data_range=2.0, dim=(1, 2, 3), reduction="none")
    assert torch.allclose(psnr(a, b), reference, rtol=1e-4)


def test_closed_forms() -> None:
    a = torch.zeros(2, 3, 16, 16)
    b = torch.full_like(a, 0.2)
    assert psnr(a, b).tolist() == pytest.approx([10 * math.log10(4 / 0.04)] * 2, rel=1e-6)
    assert l1(a, b).tolist() == pytest.approx([0.2, 0.2], rel=1e-6)
    assert ssim(a, b).tolist() == pytest.approx([0.02**2 / (0.2**2 + 0.02**2)] * 2, rel=1e-5)  # luminance alone: C1 = 0.02^2
    assert psnr(a, a).tolist() == [math.inf] * 2
    assert ssim(b, b).tolist() == [1.0, 1.0]
    assert l1(b, b).tolist() == [0.0, 0.0]


def test_each_pair_has_its_own() -> None:
    a, b = pictures(3, 20, 20)
    b[0] = a[0]
    for score, perfect in ((ssim, 1.0), (psnr, math.inf), (l1, 0.0)):
        values = score(a, b)
        assert values[0] == pytest.approx(perfect)
        assert torch.allclose(values[1:], score(a[1:], b[1:]))
        assert (values[1:] != perfect).all()


@pytest.mark.parametrize("score", [l1, psnr, ssim])
def test_refusals(score: object) -> None:
    assert callable(score)
    with pytest.raises(UsageError, match="of one shape"):
        score(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 17))
    if score is ssim:
        with pytest.raises(UsageError, match="11x11"):
            score(torch.zeros(1, 1, 10, 16), torch.zeros(1, 1, 10, 16))
