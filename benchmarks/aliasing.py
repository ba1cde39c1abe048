"""What the aliasing detector says of sets that were shrunk in seven ways: the table of docs/scores.md.

    python benchmarks/aliasing.py

Each set is halved: one half, shrunk by Pillow's bicubic filter, is the reference for the other. Then false alarms on disjoint
parts of MNIST as it is. About a minute on one core, once the sets are in the cache.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganvas.data import faces, fashion_mnist, mnist
from ganvas.metrics import aliased, resize

PROPER = ("bicubic", "lanczos", "bilinear", "box")
CARELESS = ("nearest", "bicubic", "bilinear")


def fields(count: int, exponent: float, side: int = 256) -> Tensor:
    """Random fields (count, 1, side, side) uint8 whose power falls as f^-exponent."""
    generator = torch.Generator().manual_seed(0)
    frequency = torch.fft.fftfreq(side).double()
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt()
    radius[0, 0] = 1
    noise = torch.randn(count, 1, side, side, generator=generator, dtype=torch.float64)
    field = torch.fft.ifft2(torch.fft.fft2(noise) * radius ** (-exponent / 2)).real
    field = (field - field.mean((2, 3), keepdim=True)) / field.std((2, 3), keepdim=True)
    return (field * 45 + 128).clamp(0, 255).round().to(torch.uint8)


def to_float(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def carelessly(pixels: Tensor, side: int, mode: str) -> Tensor:
    options = {} if mode == "nearest" else {"align_corners": False}
    return interpolate(pixels.float(), size=(side, side), mode=mode, **options).round().clamp(0, 255)


def report(name: str, pixels: Tensor, side: int) -> None:
    half = len(pixels) // 2
    reference = to_float(resize(pixels[:half], side, side))
    own = pixels[half:]
    shrunk = {f"{kernel}, antialiased": resize(own, side, side, filter=kernel) for kernel in PROPER}
    shrunk |= {f"{kernel}, careless": carelessly(own, side, kernel) for kernel in CARELESS}
    for way, picture in shrunk.items():
        found = aliased(to_float(picture), reference)
        corner = "none" if found.corner is None else f"{found.corner:6.1f} ± {found.standard_error:.1f} dB"
        print(f"{name} to {side:3}  {way:22} {corner:16} {found.verdict:8} {'unlike the reference' * found.unlike}")


def false_alarms(pixels: Tensor, size: int, pairs: int = 40) -> None:
    """Pairs of disjoint random parts of one set: none should be called aliased, and none unlike."""
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))  # neighbours are of one writer
    parts = to_float(pixels[order[: 2 * size * pairs]]).split(size)
    found = [aliased(parts[index], parts[index + 1]) for index in range(0, len(parts) - 1, 2)]
    called, unlike = (sum(each) for each in ((r.verdict == "aliased" for r in found), (r.unlike for r in found)))
    print(f"mnist as it is, {len(found)} pairs of {size}: {called} called aliased, {unlike} unlike")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for exponent in (2, 3, 4):
        report(f"fields f^-{exponent}", fields(200, exponent), 64)
    for side in (64, 32):
        report("drawn faces", faces(count=300, size=256).images[:300], side)
    report("mnist", mnist().images[:2000], 14)
    report("fashion-mnist", fashion_mnist().images[:2000], 14)
    for size in (50, 200, 700):
        false_alarms(mnist().images, size)


if __name__ == "__main__":
    main()
