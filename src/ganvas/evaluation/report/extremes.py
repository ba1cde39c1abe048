"""The best, the median and the worst of a translator's held-out pictures: what a mean hides."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.batches import Spec
from ganvas.data.joint import of_another
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import GanvasError
from ganvas.metrics.psnr_ssim import l1
from ganvas.runs import Model

COUNT = 64
"""Held-out pictures among which these are sought."""
PIXELS = 1 << 22
"""Of all of them, at most: 64 of 256x256."""


class Extremes(NamedTuple):
    """Three pictures, a column each of inputs, outputs, and targets or what the outputs became on the way back, (3, C, H, W).

    ``distances`` are the mean L1 of output and target, or of input and the way back; ``asked`` what each was to become.
    """

    columns: list[Tensor]
    distances: list[float]
    of: int
    third: str
    asked: list[str]

    def caption(self) -> list[str]:
        """A sentence on what the picture shows."""
        ranked = ", ".join(f"{value:.3g}" for value in self.distances)
        measure = "from its target" if self.third == "target" else "after there and back"
        told = f" Asked for, row by row: {'; '.join(self.asked)}." if self.asked else ""
        columns = ", ".join(("input", "output", self.third)[: len(self.columns)])
        return [
            f"The best, the median and the worst of {self.of} held-out pictures by L1 {measure}, in rows: {ranked} "
            f"(0 is the same, 2 the opposite). Columns: {columns}.{told}"
        ]


def extremes(model: Model, data: Data) -> Extremes | None:
    """Best, median and worst by L1 to the target, or where there is none after there and back.

    None where the data is of another kind, or there is neither a target nor a way back.
    """
    rows, columns = model.spec.shape[1:]
    count = max(3, min(COUNT, PIXELS // (rows * columns)))
    try:
        held = data.held_out()
        if isinstance(held, PairData) or (isinstance(data, TwoDomainData) and data.knows_pairs):
            pairs = held if isinstance(held, PairData) else data.true_pairs()  # type: ignore[attr-defined]
            source, target = pairs.pairs(count)
            output = model.translate(source)
            return ranked(source, output, target, l1(output, target), "target")
        if isinstance(held, TwoDomainData):
            source = held.domains(count).x
            output = model.translate(source)
            back = model.translate(output, back=True)
            return ranked(source, output, back, l1(back, source), "and back")
        source, label = held.real(count)
        if label is None:
            return None
        asked = of_another(label, model.spec)
        output = model.translate(source, asked)
        back = model.translate(output, label)
        return ranked(source, output, back, l1(back, source), "and back", [in_words(row, model.spec) for row in asked])
    except GanvasError:
        return None


def ranked(
    source: Tensor, output: Tensor, third: Tensor, distance: Tensor, name: str, asked: list[str] | None = None
) -> Extremes:
    """The three of ``distance`` (N,)."""
    order = distance.argsort()
    three = order[torch.tensor([0, len(order) // 2, len(order) - 1])]
    chosen = [side[three] for side in (source, output, third)]
    told = [] if asked is None else [asked[row] for row in three.tolist()]
    return Extremes(chosen, distance[three].tolist(), len(order), name, told)


def in_words(label: Tensor, spec: Spec) -> str:
    """What one label asks for: a class, or the attributes that it has."""
    if not label.dim():
        return spec.classes[int(label)]
    return ", ".join(name for name, value in zip(spec.domains, label.tolist(), strict=False) if value) or "none of all"
