"""The score of a translator's moments: does it arrive where it should, and does what it makes go with what it was given?

Each half can be won by a translator that is of no use. L1 to the target is lowest for the average of all answers, a blur; a
distance between translations and targets as two sets does not see that the input is ignored; a cycle is closed by doing
nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.evaluation.fixed import FixedInputs
from ganvas.evaluation.scorers import BLOCKS, FEWEST, Found, finite
from ganvas.metrics.patches import PATCH, PatchDistance
from ganvas.metrics.psnr_ssim import l1
from ganvas.training import Progress


class PairScorer:
    """Of pairs: the ``PatchDistance`` of (source, translation) from (source, target).

    A blur fails for its missing details, another picture of the target domain because its details are not where the source's
    are, and the source itself for both. What is decided is nearer than what is left open, even if it is decided otherwise
    than it was for this one target. 0 is reached by the targets only: there are no other true answers to these sources, whose
    distance could be a floor.
    """

    title, weights, resizer = "joined patch distance", "", "none"

    def __init__(self, inputs: FixedInputs) -> None:
        self.inputs = inputs
        self.floor: float | None = None
        self.distance = PatchDistance(inputs.real, inputs.given)
        self.network = f"raw pixels, {PATCH}x{PATCH} patches of {len(self.distance.places)} bands with the source's"

    def found(self, progress: Progress) -> Found:
        """Beside the score stands "l1", the mean distance of translations to their targets, 0..2."""
        made = finite(torch.cat(list(self.inputs.outputs(progress))))
        distances = self.distance.to(made, blocks=blocks_of(made))
        return found_of(distances, {"l1": round(float(l1(made, self.inputs.real).mean()), 6)})


class CycleScorer:
    """Without pairs: sqrt(arrival^2 + cycle^2).

    "arrival" is the ``PatchDistance`` of translations from other, real pictures of the target domain; where labels are asked
    for, of (label, translation) from (label, picture). "cycle" is that of (source, there and back) from (source, source). So
    doing nothing fails by the first, one picture for all by the second, and both are distances of one kind, with no weight
    between them to be chosen. The way from the target domain to the source domain counts as the way back only.
    """

    title, weights, resizer = "patch distance there and back", "", "none"

    def __init__(self, inputs: FixedInputs, data: Data) -> None:
        self.inputs = inputs
        self.arrival = PatchDistance(inputs.real, inputs.real_label)
        self.cycle = PatchDistance(inputs.given, inputs.given)
        joined = "" if inputs.real_label is None else " with the label"
        self.network = f"raw pixels, {PATCH}x{PATCH} patches of {len(self.arrival.places)} bands{joined}"
        self.floor = self.of_real(data)

    def of_real(self, data: Data) -> float | None:
        """The arrival of as many pictures of training that are of the target domain, or of their labels."""
        image, label = data.real(len(self.inputs.real))
        if len(image) < len(self.inputs.real):
            return None
        return float(self.arrival.to(image, label if self.inputs.real_label is not None else None)[0])

    def found(self, progress: Progress) -> Found:
        """Beside the score stand "arrival" and "cycle", and the mean L1 after there and back, 0..2, as "cycle_l1"."""
        there, back = (finite(torch.cat(parts)) for parts in zip(*self.inputs.there_and_back(progress), strict=True))
        blocks = blocks_of(there)
        arrival = self.arrival.to(there, self.inputs.label, blocks=blocks)
        cycle = self.cycle.to(back, blocks=blocks)
        beside = {
            "arrival": round(float(arrival[0]), 6),
            "cycle": round(float(cycle[0]), 6),
            "cycle_l1": round(float(l1(back, self.inputs.given).mean()), 6),
        }
        return found_of(torch.hypot(arrival, cycle), beside)


def blocks_of(made: Tensor) -> int:
    """Into how many parts outputs are divided for a standard error: none where they are few."""
    return BLOCKS if len(made) >= FEWEST else 0


def found_of(distances: Tensor, beside: dict[str, float]) -> Found:
    """The first, and its standard error by the spread of the others."""
    value, *blocks = distances.tolist()
    error = float(torch.tensor(blocks, dtype=torch.float64).std()) / math.sqrt(len(blocks)) if blocks else None
    return Found(value, error, beside)
