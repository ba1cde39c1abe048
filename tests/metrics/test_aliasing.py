"""Sets that were shrunk properly and sets that were not: planted on random fields, drawn faces and digits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganvas.data import cache_dir, faces, mnist
from ganvas.errors import UsageError
from ganvas.metrics import resize
from ganvas.metrics.aliasing import aliased, corner_of

PROPER = ("bicubic", "lanczos", "box", "bilinear")
WITHOUT = ("nearest", "bilinear", "bicubic")


def fields(count: int, exponent: float, size: int = 128) -> Tensor:
    """Random fields (count, 1, size, size) uint8 whose power falls as f^-exponent."""
    generator = torch.Generator().manual_seed(int(10 * exponent))
    frequency = torch.fft.fftfreq(size).double()
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt()
    radius[0, 0] = 1
    noise = torch.randn(count, 1, size, size, generator=generator, dtype=torch.float64)
    field = torch.fft.ifft2(torch.fft.fft2(noise) * radius ** (-exponent / 2)).real
    field = (field - field.mean((2, 3), keepdim=True)) / field.std((2, 3), keepdim=True)
    return (field * 45 + 128).clamp(0, 255).round().to(torch.uint8)


def to_float(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def properly(pixels: Tensor, size: int, filter: str) -> Tensor:  # noqa: A002
    return to_float(resize(pixels, size, size, filter=filter))


def carelessly(pixels: Tensor, size: int, mode: str) -> Tensor:
    options = {} if mode == "nearest" else {"align_corners": False}
    return to_float(interpolate(pixels.float(), size=(size, size), mode=mode, **options).round().clamp(0, 255))


@pytest.mark.parametrize("exponent", [2.0, 2.5, 3.0])
def test_fields_are_told_apart_and_obey_the_theory(exponent: float) -> None:
    pixels = fields(120, exponent)
    for filter in PROPER:  # noqa: A001
        assert aliased(properly(pixels, 32, filter)).verdict != "aliased", filter
    for mode in WITHOUT:
        assert aliased(carelessly(pixels, 32, mode)).verdict == "aliased", mode
    bicubic = aliased(properly(pixels, 32, "bicubic")).corner
    plain = aliased(carelessly(pixels, 32, "nearest")).corner
    assert plain is not None and bicubic is not None
    assert plain == pytest.approx(3 * (1 - exponent / 2), abs=0.8)
    assert bicubic - plain == pytest.approx(-5.2, abs=0.7)


def test_drawn_faces_are_told_apart() -> None:
    pytest.importorskip("dicebear")
    pixels = faces(count=60, size=256).images[:60]
    reference = properly(pixels[30:], 64, "bicubic")
    for filter in PROPER:  # noqa: A001
        assert aliased(properly(pixels[:30], 64, filter), reference).verdict == "clean", filter
    assert not aliased(properly(pixels[:30], 64, "bicubic"), reference).unlike
    verdicts = {mode: aliased(carelessly(pixels[:30], 64, mode), reference) for mode in WITHOUT}
    assert all(report.unlike and report.verdict != "clean" for report in verdicts.values())
    assert "otherwise" in str(verdicts["nearest"])


def test_digits_are_told_apart() -> None:
    if not (cache_dir() / "mnist").is_dir():
        pytest.skip("mnist is not in the cache")
    pixels = mnist().images[:2000]
    reference = properly(pixels[1000:], 14, "bicubic")
    assert not aliased(properly(pixels[:1000], 14, "bicubic"), reference).unlike
    for filter in PROPER:  # noqa: A001
        assert aliased(properly(pixels[:1000], 14, filter), reference).verdict == "clean"
    for mode in ("nearest", "bicubic"):
        report = aliased(carelessly(pixels[:1000], 14, mode), reference)
        assert report.unlike and report.verdict != "clean"
    # Halving by a bilinear filter is the mean of four: a box.
    assert aliased(carelessly(pixels[:1000], 14, "bilinear")).verdict == "clean"
    assert aliased(to_float(pixels)).verdict != "aliased"


def test_halves_of_one_set_are_alike() -> None:
    pixels = properly(fields(400, 2.5, 48), 16, "bicubic")
    reports = [aliased(pixels[start : start + 20], pixels[start + 20 : start + 40]) for start in range(0, 400, 40)]
    assert not any(report.unlike for report in reports)


def test_the_standard_error_is_that_of_repeats() -> None:
    parts = properly(fields(600, 2.5, 48), 16, "bicubic").split(20)
    corners, errors = zip(*(corner_of(part) for part in parts), strict=True)
    assert torch.tensor(errors).mean() == pytest.approx(float(torch.tensor(corners).std()), rel=0.3)


def test_nothing_fine_is_nothing_to_tell_by() -> None:
    smooth = torch.linspace(-1, 1, 32).view(1, 1, 1, 32).expand(5, 3, 32, 32)
    for image in (smooth, torch.zeros(4, 1, 16, 16)):
        report = aliased(image, image)
        assert (report.corner, report.verdict, report.unlike) == (None, "unclear", False)
        assert "no fine detail" in str(report)


def test_noise_looks_like_aliasing_as_the_limits_say() -> None:
    noise = torch.rand(50, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert aliased(noise).verdict == "aliased"
    assert aliased(noise).corner == pytest.approx(0, abs=0.3)


def test_refuses() -> None:
    with pytest.raises(UsageError, match="12x12"):
        aliased(torch.zeros(2, 1, 8, 20))
    with pytest.raises(UsageError, match="one size"):
        aliased(torch.zeros(2, 1, 16, 16), torch.zeros(2, 3, 16, 16))
    with pytest.raises(UsageError, match="NaN"):
        aliased(torch.full((2, 1, 16, 16), torch.nan))
