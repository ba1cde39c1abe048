"""Nearest neighbours among features, exactly, by blocks that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganvas.errors import UsageError

BLOCK = 1 << 22
"""Distances held at once: 32 MB of float64."""


def distance_blocks(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances from rows of ``a`` (N, d) to all of ``b`` (M, d), both float64: pairs (rows, (n, M)).

    By |a|^2 + |b|^2 - 2ab, which is one matrix product. It leaves an error of about 1e-8 |a|, so equal rows are not quite at 0.
    """
    centre = b.mean(0)  # about the mean the squares are small, and so is what their difference loses
    a, b = a - centre, b - centre
    squares = b.square().sum(1)
    for start in range(0, len(a), max(1, BLOCK // len(b))):
        rows = slice(start, min(len(a), start + max(1, BLOCK // len(b))))
        part = a[rows]
        squared = torch.addmm(squares + part.square().sum(1, keepdim=True), part, b.T, alpha=-2)
        yield rows, squared.clamp_(min=0).sqrt_()


def neighbour_radii(points: Tensor, k: int) -> Tensor:
    """The distance (N,) from each of ``points`` (N, d), float64, to its k-th nearest neighbour, itself not counted.

    Raises:
        UsageError: k is not in 1..N-1.
    """
    if not 1 <= k < len(points):
        raise UsageError(f"{len(points)} samples have no neighbour number {k}", "give more samples")
    radii = points.new_empty(len(points))
    for rows, distance in distance_blocks(points, points):
        own = torch.arange(rows.start, rows.stop, device=points.device)
        distance[own - rows.start, own] = torch.inf
        radii[rows] = distance.topk(k, dim=1, largest=False).values[:, -1]  # kthvalue takes eight times as long
    return radii


def inside_any(points: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """How many of the balls of ``radii`` (M,) about ``centres`` (M, d) hold each of ``points`` (N, d): (N,) int64."""
    return torch.cat([(distance <= radii).sum(1) for _, distance in distance_blocks(points, centres)])


def nearest(points: Tensor, among: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Distances and indices, both (N, k) and nearest first, of the k of ``among`` (M, d) nearest to each of ``points`` (N, d).

    The distances are from the differences themselves: a copy is at exactly 0.
    """
    if not 1 <= k <= len(among):
        raise UsageError(f"there are no {k} nearest of {len(among)} samples", "give more samples")
    distances, indices = [], []
    for rows, distance in distance_blocks(points, among):
        index = distance.topk(k, dim=1, largest=False).indices
        exact = torch.stack([(points[rows] - among[column]).norm(dim=1) for column in index.T], dim=1)
        exact, order = exact.sort(dim=1)
        distances.append(exact)
        indices.append(index.gather(1, order))
    return torch.cat(distances), torch.cat(indices)
