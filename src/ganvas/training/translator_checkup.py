"""A checkup of a translator: what it makes of a few held-out pictures, against what it should make and against doing nothing.

It takes ``SAMPLES`` pictures, always the same, once through the generator (and back, where there is a way) and through the
discriminator. It is due so seldom that this takes about a hundredth of the time, and changes nothing of the training.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.batches import Spec
from ganvas.data.joint import of_another
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.training.at_rest import at_rest
from ganvas.training.checkup import STRIDE, SUBSET_SEED, auc, mutual
from ganvas.training.engine import Engine

SAMPLES = 16
FEWEST = 4
"""Below so many pictures there is no spread to speak of, and there are no checkups."""
PICTURES_A_STEP = 2
"""Of a checkup, for each picture of a step's batch: it then takes about a hundredth of the time of ``STRIDE`` steps."""


class Looked(NamedTuple):
    """Pictures to translate, what they should become or real pictures of that domain, and what is asked for.

    ``before``: sources as pictures of the target domain, where doing nothing is possible; else None. ``paired``: whether the
    targets are the sources' own. ``was``: labels of the sources.
    """

    source: Tensor
    target: Tensor
    before: Tensor | None
    label: Tensor | None = None
    was: Tensor | None = None
    paired: bool = False


class TranslatorCheckup:
    """The pictures that a translator's checkups are made on.

    Args:
        engine: whose players are looked at.
        data: what they are trained on.
    """

    def __init__(self, engine: Engine, data: Data) -> None:
        self.engine = engine
        spec = engine.method.spec
        self.held_out = looked(unseen(data), spec)
        self.seen = looked(data, spec) if self.held_out is not None and self.held_out.paired else None
        batch = engine.method.config.batch_size
        passes = SAMPLES * (2 if self.seen is not None else 1)
        self.stride = max(STRIDE, -(-passes // (PICTURES_A_STEP * batch)) * STRIDE)

    @property
    def possible(self) -> bool:
        """Whether there are enough pictures, and any difference between those to be made."""
        held = self.held_out
        return held is not None and len(held.source) >= FEWEST and float(spread(held.target)) > 0

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """The figures of this moment, named "checkup/...".

        auc: the chance that the discriminator scores a real picture above a translation; 1/2 when it cannot tell them apart.
        spread: the mean distance between two translations over that between two targets. Near 0 the input is ignored.
        changed: the mean |output - input| over |target - input|; 0 where nothing is done. Only where doing nothing is possible.
        colour: the mean difference between channels of translations over that of targets. Near 0 they are grey.
        error, error_seen: of pairs, the mean L1 to held-out targets and to targets of training.
        cycle: the mean L1 after there and back, over the mean distance between two inputs.
        steered: of labels, the mean |G(x, c') - G(x, c)| over the mean distance between two inputs. Near 0 labels are ignored.
        """
        held, engine = self.held_out, self.engine
        assert held is not None
        with at_rest(engine.method), torch.autocast(engine.device.type, enabled=False):
            output = self.translated(held.source, held.label)
            figures = {"auc": self.told_apart(held, output), "spread": float(spread(output) / spread(held.target))}
            figures |= of_pictures(held, output)
            if held.paired:
                figures["error"] = float((output - held.target).abs().mean())
                if self.seen is not None:
                    again = self.translated(self.seen.source, self.seen.label)
                    figures["error_seen"] = float((again - self.seen.target).abs().mean())
            elif held.was is not None:
                kept = self.translated(held.source, held.was)
                scale = spread(held.source)
                figures["steered"] = float(distance(output, kept) / scale)
                figures["cycle"] = float(distance(self.translated(output, held.was), held.source) / scale)
            else:
                figures["cycle"] = float(distance(self.translated(output, None, back=True), held.source) / spread(held.source))
        return {f"checkup/{name}": value for name, value in figures.items()}

    def translated(self, source: Tensor, label: Tensor | None, *, back: bool = False) -> Tensor:
        """By the raw weights, in batches as large as training's."""
        size, made = max(self.engine.method.config.batch_size, 1), []
        for rows in torch.arange(len(source)).split(size):
            own = None if label is None else label[rows]
            made.append(self.engine.translate(source[rows], own, averaged=False, back=back))
        return torch.cat(made)

    def told_apart(self, held: Looked, output: Tensor) -> float:
        """The discriminator's word on real pictures and on translations."""
        method, device = self.engine.method, self.engine.device
        scores = []
        for pictures in (held.target, output):
            parts = zip(held.source.split(SAMPLES), pictures.split(SAMPLES), strict=True)
            scores.append(torch.cat([method.judge_translated(a.to(device), b.to(device)).float().cpu() for a, b in parts]))
        return auc(*scores)


def looked(data: Data | None, spec: Spec) -> Looked | None:
    """The pictures of some data; None where it has none that a translator takes."""
    if data is None:
        return None
    if isinstance(data, PairData):
        source, target = data.pairs(SAMPLES, SUBSET_SEED)
        same = source.shape == target.shape
        return Looked(source, target, source if same else None, paired=True)
    if isinstance(data, TwoDomainData):
        x, y = data.domains(SAMPLES, SUBSET_SEED)
        count = min(len(x), len(y))
        x, y = x[:count], y[:count]
        return Looked(x, y, x if x.shape == y.shape else None)
    pictures, label = data.real(SAMPLES, SUBSET_SEED)
    if label is None:
        return None
    return Looked(pictures, pictures, None, of_another(label, spec), label)


def unseen(data: Data) -> Data | None:
    """The part that training does not see, or all of it where nothing was held out."""
    try:
        return data.held_out()
    except UsageError:
        return data


def of_pictures(held: Looked, output: Tensor) -> dict[str, float]:
    """``changed`` and ``colour``, where they mean something."""
    figures = {}
    if held.before is not None and (way := float((held.target - held.before).abs().mean())) > 0.02:
        figures["changed"] = float((output - held.before).abs().mean()) / way
    if output.shape[1] == 3 and (real := float(chroma(held.target))) > 0.02:
        figures["colour"] = float(chroma(output)) / real
    return figures


def spread(pictures: Tensor) -> Tensor:
    """The mean distance between two of them."""
    between = mutual(pictures, pictures)
    return between.sum() / max(len(pictures) * (len(pictures) - 1), 1)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """The mean Euclidean distance of pictures with their own counterparts."""
    mean: Tensor = (a - b).flatten(1).norm(dim=1).mean()
    return mean


def chroma(pictures: Tensor) -> Tensor:
    """How far the channels are apart: the mean of their largest less their smallest value."""
    return (pictures.amax(1) - pictures.amin(1)).mean()
