"""How well a translator does on held-out pairs, in one table with what needs no learning and with what learns no game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.dataset import to_float
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import DataError, UsageError
from ganvas.evaluation.evidence import Report
from ganvas.metrics import Score, Stamp, feature_network, l1, lpips_distance, psnr, quantise, resize, ssim
from ganvas.metrics.ms_ssim import WINDOW
from ganvas.metrics.networks.contract import StagedNetwork
from ganvas.runs import Model

COUNT = 256
"""Pairs, where there are so many."""
PERFECT = 100.0
"""What the PSNR of equal pictures counts, in dB: an infinite one would leave no mean."""
CERTAIN = 2.0
"""Standard errors by which two means differ before it is said that one is better."""


class Measure(NamedTuple):
    """A score of each pair: (outputs, targets) -> (N,) float64, which direction is better, and what it sees."""

    of_each: Callable[[Tensor, Tensor], Tensor]
    better: Literal["lower", "higher"]
    features: str = "pixels"
    weights: str = ""
    resizer: str = "none"


@dataclass(frozen=True)
class Gain:
    """By how much the model is better than another on the same pairs; below 0 where it is worse. ``error`` is standard."""

    measure: str
    than: str
    value: float
    error: float

    @property
    def certain(self) -> bool:
        return abs(self.value) > CERTAIN * self.error


@dataclass(frozen=True)
class TranslationJudgement:
    """Scores of each contestant, "model" first, by measure; the model's gains over the others; what a reader must know."""

    scores: dict[str, dict[str, Score]]
    gains: list[Gain]
    remarks: list[str]
    data: str

    def to_json(self) -> dict[str, Any]:
        scores = {who: {name: score.to_json() for name, score in own.items()} for who, own in self.scores.items()}
        gains = [{**vars(gain), "certain": gain.certain} for gain in self.gains]
        return {"kind": "translation", "data": self.data, "scores": scores, "gains": gains, "remarks": self.remarks}

    def __str__(self) -> str:
        names = [*self.scores["model"]]
        rows = [["", *names], *([who, *(number(own[name]) for name in names)] for who, own in self.scores.items())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        stamps = {name: score.stamp for name, score in self.scores["model"].items()}
        pairs = next(iter(stamps.values()))
        seen = [f"{name} by {stamp.features}" for name, stamp in stamps.items() if stamp.features != "pixels"]
        facts = f"{pairs.generated} held-out pairs of {self.data}, seed {pairs.seed}" + "".join(f"; {words}" for words in seen)
        return "\n".join([*table, "", facts, *self.verdict(), *self.remarks])

    def verdict(self) -> list[str]:
        """A sentence on each rival."""
        lines = []
        for rival in [who for who in self.scores if who != "model"]:
            own = [gain for gain in self.gains if gain.than == rival]
            groups = {
                "better": [gain for gain in own if gain.certain and gain.value > 0],
                "worse": [gain for gain in own if gain.certain and gain.value < 0],
                "no different": [gain for gain in own if not gain.certain],
            }
            parts = [
                f"{word} in " + ", ".join(f"{gain.measure} ({gain.value:+.3g} ± {gain.error:.1g})" for gain in gains)
                for word, gains in groups.items()
                if gains
            ]
            lines.append(f"Against {rival}: {'; '.join(parts)}.")
        return lines


def number(score: Score) -> str:
    return f"{score.value:.4g} ± {score.standard_error or 0:.1g}"


def judge_translation(
    model: Model,
    data: Data | PairData | TwoDomainData,
    *,
    regression: Model | None = None,
    count: int = COUNT,
    seed: int = 0,
    features: str = "efficientnet",
    report: Report = lambda words: None,
) -> TranslationJudgement:
    """PSNR, SSIM, L1 and a perceptual distance on held-out pairs (true ones of unpaired data), model and baselines.

    The baseline that learns nothing is the source itself, or enlarged by the bicubic filter, its channels made the target's.

    Args:
        model: a translator of the data's source to its target.
        data: pairs, or two domains of which true pairs are known.
        regression: the same network trained on L1 alone (``adversarial=0``), to stand in the table.
        count: pairs, at most.
        seed: which pairs.
        features: the network of the perceptual distance, see ``metrics.feature_network``; "none" leaves it out.
        report: is told of what takes time.

    Raises:
        UsageError: the model does not translate such pictures, or no true pairs are known.
    """
    spec = data.spec
    held_out = data.held_out() if isinstance(data, PairData) else data.true_pairs() if isinstance(data, TwoDomainData) else None
    if held_out is None or spec.source is None:
        raise UsageError(f"{data.name} has no pairs to judge a translation by", "name paired data with --against")
    for judged in [model, *([] if regression is None else [regression])]:
        refuse_strangers(judged, spec.source, spec.shape)
    source, target = held_out.pairs(count, seed)
    contestants = {"model": model.translate(source)}
    if regression is not None:
        contestants["L1 alone"] = regression.translate(source)
    if (baseline := untaught(source, target)) is not None:
        contestants["source" if source.shape[2:] == target.shape[2:] else "bicubic"] = baseline
    measures, remarks = measures_for(target, features, report)
    values = {who: {name: m.of_each(output, target) for name, m in measures.items()} for who, output in contestants.items()}
    stamps = {
        name: Stamp(m.features, m.weights, m.resizer, len(target), len(target), "test", seed, held_out.fingerprint)
        for name, m in measures.items()
    }
    scores = {
        who: {
            name: Score(name, float(each.mean()), stamps[name], measures[name].better, error_of(each))
            for name, each in own.items()
        }
        for who, own in values.items()
    }
    return TranslationJudgement(scores, gains_of(values, measures), remarks, data.name)


def gains_of(values: dict[str, dict[str, Tensor]], measures: dict[str, Measure]) -> list[Gain]:
    """By pairs, so that what makes a picture hard counts for neither side."""
    gains = []
    for rival in [who for who in values if who != "model"]:
        for name, measure in measures.items():
            better = values["model"][name] - values[rival][name]
            better = better if measure.better == "higher" else -better
            gains.append(Gain(name, rival, float(better.mean()), error_of(better)))
    return gains


def error_of(each: Tensor) -> float:
    """The standard error of a mean; 0 for a single value."""
    return float(each.std() / len(each) ** 0.5) if len(each) > 1 else 0.0


def refuse_strangers(model: Model, source: Sequence[int], target: Sequence[int]) -> None:
    """Raises UsageError unless the model is a translator between pictures of these channels."""
    if not model.method.translates or model.spec.source is None:
        raise UsageError(f"{model.method_name} makes samples from noise, it translates none", "judge a pix2pix or cyclegan")
    own, wanted = (model.spec.source[0], model.spec.shape[0]), (source[0], target[0])
    if own != wanted:
        raise UsageError(
            f"the model goes from {own[0]} to {own[1]} channels, the data from {wanted[0]} to {wanted[1]}", "name other data"
        )


def untaught(source: Tensor, target: Tensor) -> Tensor | None:
    """The source at the target's size and channels; None where channels do not say how.

    Grey is repeated, colour made grey (ITU-R BT.601); an extra last channel (a mask of holes, alpha) is left out.
    """
    have, wanted = source.shape[1], target.shape[1]
    if have == wanted + 1 and have != 2:
        source = source[:, :wanted]
    elif have == 1 or (have == 2 and wanted == 1):
        source = source[:, :1].expand(-1, wanted, -1, -1)
    elif have == 3 and wanted == 1:
        source = (source * source.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    elif have != wanted:
        return None
    if source.shape[2:] == target.shape[2:]:
        return source
    return to_float(resize(quantise(source), *target.shape[2:], filter="bicubic"))


def measures_for(target: Tensor, features: str, report: Report) -> tuple[dict[str, Measure], list[str]]:
    """The measures that such pictures allow, and why one is missing."""
    measures, remarks = {"psnr": Measure(lambda a, b: psnr(a, b).clamp(max=PERFECT), "higher")}, []
    if min(target.shape[2:]) >= WINDOW:
        measures["ssim"] = Measure(ssim, "higher")
    else:
        remarks.append(f"no SSIM: its window is {WINDOW}x{WINDOW}")
    measures["l1"] = Measure(l1, "lower")
    if features == "none":
        return measures, remarks
    try:
        network = feature_network(features, None, report=report)
    except DataError as error:
        return measures, [*remarks, f"no perceptual distance: {error.cause}"]
    if not isinstance(network, StagedNetwork):
        raise UsageError(f"{features} shows no stages for a perceptual distance", "choose efficientnet, or none")

    def perceptual(output: Tensor, target: Tensor) -> Tensor:
        parts = zip(output.split(32), target.split(32), strict=True)
        return torch.cat([lpips_distance(network, a, b) for a, b in parts])

    measures["perceptual"] = Measure(perceptual, "lower", network.name, network.weights, network.resizer)
    return measures, remarks
