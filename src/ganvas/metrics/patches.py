"""The joined patch distance: how far (condition, picture) is from (condition, real picture), by small patches of all scales.

A squared MMD (Gretton et al. 2012) between joint distributions, of what was asked for and what was made of it (DeVries et al.
2019 join the two in the same way for a Fréchet distance), on patches of a Laplacian pyramid (Karras et al. 2018, section 5).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.errors import UsageError

PATCH = 5
"""Pixels of a patch's side."""
SMALLEST = 8
"""The pyramid ends before a side has fewer pixels: there a patch sees most of the picture."""
PATCHES = 1024
"""Of each band, over all pictures: the distance takes their number squared."""
WIDTHS = (0.5, 1.0, 2.0)
"""Of the kernel between pictures, times the median distance of real patches: several, as no one suits all data."""
UNSEEN = 0.04
"""A difference of so much in each value, 5 of 255 levels, counts for little: no one sees it, and flat areas would rule."""
NARROW = 0.25
"""The width of the kernel between pictures as conditions, times their median distance: it is to compare like with like."""
OF_LABELS = 1.0
"""The same between labels: of several attributes few pictures have all alike, and a narrow kernel would see but those."""


class PatchDistance:
    """Real pictures, each perhaps with a condition, to which others may be compared.

    The kernel between two pairs is k(c, c') k(y, y'), each exp(-|a - b| / width) of patches of one band (|y - y'| made smooth
    below what can be seen, sqrt(d^2 + u^2) - u). Why so:

    - *Joined*, a translator that ignores its input is found out, whose pictures all by themselves are those of the data; and
      since only the distribution counts, not the one answer that was drawn, a sharp picture of something else that goes with
      the input is no error, as it would be by L1, which is lowest for an average of all answers.
    - *This kernel*, because it is convex at all distances that matter: k(0) - 2 k(d) + k(2d) > 0. If the target is one of two
      at random, a network that always takes the same one is then nearer than one that answers between them. By the Wasserstein
      and the energy distance, which grow linearly, both are equally far; by a Fréchet distance, the undecided one is nearer.
    - *Patches of bands*, because distances of whole pictures are ruled by their coarse parts, in which a blur is perfect.

    Args:
        real: (N, C, H, W), about -1..1.
        condition: what each is an answer to: pictures (N, C', H', W'), of which the patches at the same places are taken; or
            labels, whole numbers (N,) or vectors (N, K). None for none: the distance is then that of the pictures alone.
        seed: of the patches' places.

    Raises:
        UsageError: no pictures, or not as many conditions.
    """

    def __init__(self, real: Tensor, condition: Tensor | None = None, *, seed: int = 0) -> None:
        if real.dim() != 4 or not len(real) or (condition is not None and len(condition) != len(real)):
            raise UsageError("patches need pictures, and as many conditions", "give (N, C, H, W), N above 0")
        self.shape, self.a_picture = real.shape, max(1, PATCHES // len(real))
        generator = torch.Generator().manual_seed(seed)
        self.places = [self.draw(band, generator) for band in bands(real)]
        self.real = self.patches(real)
        self.widths = [median_distance(band) for band in self.real]
        self.real_pairs = [self.kernel(band, band, width) for band, width in zip(self.real, self.widths, strict=True)]
        self.condition = None if condition is None else self.conditions(condition)
        share = NARROW if condition is not None and condition.dim() == 4 else OF_LABELS
        self.condition_widths = [] if self.condition is None else [share * median_distance(band) for band in self.condition]
        self.weights = self.likeness(self.condition, self.condition)
        self.scale = [float(weight.mean(dtype=torch.float64)) for weight in self.weights]

    def draw(self, band: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, int]:
        """Where each picture's patches begin, (N, patches) rows and columns; and how large they are."""
        count, _, rows, columns = band.shape
        side = min(PATCH, rows, columns)
        size = (count, self.a_picture)
        return (
            torch.randint(rows - side + 1, size, generator=generator),
            torch.randint(columns - side + 1, size, generator=generator),
            side,
        )

    def patches(self, pictures: Tensor) -> list[Tensor]:
        """Of each band, (N * patches, C * side^2)."""
        found = []
        for band, (rows, columns, side) in zip(bands(pictures), self.places, strict=True):
            windows = band.unfold(2, side, 1).unfold(3, side, 1)  # (N, C, rows, columns, side, side)
            found.append(windows[torch.arange(len(band))[:, None], :, rows, columns].flatten(0, 1).flatten(1))
        return found

    def conditions(self, condition: Tensor) -> list[Tensor]:
        """What is compared of conditions, for each band, as many rows as there are patches."""
        if condition.dim() == 4:
            whole = condition.shape[2:] == self.shape[2:]
            return self.patches(
                condition if whole else interpolate(condition, self.shape[2:], mode="bilinear", align_corners=False)
            )
        if condition.dim() == 1:
            condition = (condition[:, None] == torch.arange(int(condition.max()) + 1)).float()
        return [condition.float().repeat_interleave(self.a_picture, 0)] * len(self.places)

    def likeness(self, one: list[Tensor] | None, other: list[Tensor] | None) -> list[Tensor]:
        """k(c, c') in each band; 1 where there are no conditions."""
        if one is None or other is None:
            return [torch.ones(1, 1)] * len(self.places)
        return [torch.exp(-torch.cdist(a, b) / width) for a, b, width in zip(one, other, self.condition_widths, strict=True)]

    @staticmethod
    def kernel(a: Tensor, b: Tensor, width: float) -> Tensor:
        unseen = UNSEEN * a.shape[1] ** 0.5
        distance = (torch.cdist(a, b).square_() + unseen**2).sqrt_() - unseen
        return torch.stack([torch.exp(-distance / (width * each)) for each in WIDTHS]).mean(0)

    @torch.no_grad()
    def to(self, pictures: Tensor, condition: Tensor | None = None, *, blocks: int = 0) -> Tensor:
        """The distance to ``pictures``, about 0..1: the mean over bands of the root of the squared MMD, which counts each patch
        against itself, too. The mean of the roots, and not the root of the mean, as else the coarsest band would rule.

        Args:
            pictures: as many and of one shape with the real ones.
            condition: what each is an answer to; the real ones' where it is left out. Classes must be numbered alike.
            blocks: into so many parts of the pictures the distance is also taken, each against the real ones of its place.

        Returns:
            (1 + blocks,) float64: of all, then of each part.
        """
        if pictures.shape != self.shape:
            raise UsageError(f"{tuple(pictures.shape)} pictures against {tuple(self.shape)}", "give as many of one shape")
        made = self.patches(pictures)
        own = self.condition if condition is None or self.condition is None else self.conditions(condition)
        within = self.weights if own is self.condition else self.likeness(own, own)
        across = self.weights if own is self.condition else self.likeness(self.condition, own)
        parts = [slice(0, len(pictures)), *slices(len(pictures), blocks)]
        values = torch.zeros(len(parts), dtype=torch.float64)
        for band, patches in enumerate(made):
            width = self.widths[band]
            terms = (
                self.weights[band] * self.real_pairs[band],
                within[band] * self.kernel(patches, patches, width),
                across[band] * self.kernel(self.real[band], patches, width),
            )
            for index, part in enumerate(parts):
                rows = slice(part.start * self.a_picture, part.stop * self.a_picture)
                real, own_, cross = (float(term[rows, rows].mean(dtype=torch.float64)) for term in terms)
                values[index] += max(0.0, (real + own_ - 2 * cross) / self.scale[band]) ** 0.5
        return values / len(made)


def bands(pictures: Tensor) -> list[Tensor]:
    """A Laplacian pyramid: what halving loses, at each size from the whole one on, and last what is left."""
    found = []
    for _ in range(max(0, int(math.log2(max(1.0, min(pictures.shape[2:]) / SMALLEST))))):
        halved = avg_pool2d(pictures, 2)
        found.append(pictures - interpolate(halved, size=pictures.shape[2:], mode="bilinear", align_corners=False))
        pictures = halved
    return [*found, pictures]


def median_distance(rows: Tensor) -> float:
    """Between two rows that differ; 1 where none do."""
    distance = torch.cdist(rows, rows)
    apart = distance[distance > 1e-3 * distance.max()]
    return float(apart.median()) if len(apart) else 1.0


def slices(count: int, parts: int) -> list[slice]:
    """``count`` pictures in order, in parts of nearly one size."""
    edges = [round(count * part / parts) for part in range(parts + 1)] if parts else []
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
