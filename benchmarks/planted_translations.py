"""Answers of known quality on held-out pairs: the joined patch distance beside L1 and the sliced Wasserstein distance.

python benchmarks/planted_translations.py
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.data import open_source
from ganvas.data.translation import PairData
from ganvas.metrics.patches import PatchDistance
from ganvas.metrics.sliced import sliced_wasserstein


def blurred(pictures: Tensor, factor: int) -> Tensor:
    return interpolate(avg_pool2d(pictures, factor), size=pictures.shape[2:], mode="bilinear", align_corners=False)


def answers(source: Tensor, target: Tensor) -> dict[str, Tensor]:
    """By name."""
    generator = torch.Generator().manual_seed(1)
    planted = {
        "target": target,
        "source": source.expand_as(target),
        "blurred, half the size": blurred(target, 2),
        "blurred, a quarter of the size": blurred(target, 4),
        "another source's target": target[torch.randperm(len(target), generator=generator)],
        "mean target": target.mean(0, keepdim=True).expand_as(target),
        "noise of 2.5 levels": target + 0.02 * torch.randn(target.shape, generator=generator),
    }
    if target.shape[1] == 3:
        return planted | {"without colour": target.mean(1, keepdim=True).expand_as(target)}
    inside = (source > 0).float()
    signs = torch.randint(0, 2, (len(source), 1, 1, 1), generator=generator) * 2.0 - 1
    return planted | {"undecided": inside * 0, "always +1": inside, "at random +1 or -1": inside * signs}


def main() -> None:
    torch.set_num_threads(1)
    for word in ("two-valued", "openmoji-edges"):
        source, target = cast(PairData, open_source(word)).held_out().pairs(500)
        distance = PatchDistance(target, source)
        print(f"\n{word}, {len(target)} held-out pairs: joined patch distance ± its error, L1, sliced Wasserstein distance")
        for name, answer in answers(source, target).items():
            value, *blocks = distance.to(answer, blocks=4)
            error = float(torch.stack(blocks).std()) / 2
            gap, sliced = float((answer - target).abs().mean()), sliced_wasserstein(answer, target)
            print(f"{name:32} {float(value):.3f} ± {error:.3f}  {gap:.3f}  {sliced:.3f}")


if __name__ == "__main__":
    main()
