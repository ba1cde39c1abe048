"""How well a translator does where no picture has its own target: does it arrive in the domain, and does it keep the picture?

No one score says so. A translator that does nothing has no cycle error; one that gives the same picture of the target for every
source is taken for the target. So each score stands beside what the untouched sources have and what real pictures have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganvas.data import Data
from ganvas.data.batches import Images, Spec
from ganvas.data.joint import mask_of, of_another
from ganvas.data.translation import TwoDomainData
from ganvas.errors import DataError, UsageError
from ganvas.evaluation.evidence import Report
from ganvas.evaluation.translation import TranslationJudgement, error_of, judge_translation, number, untaught
from ganvas.metrics import Score, Stamp, feature_network
from ganvas.metrics.domains import domain_judge
from ganvas.metrics.moments import Moments
from ganvas.metrics.psnr_ssim import l1
from ganvas.runs import Model

COUNT = 256
TAUGHT = 2000
"""Real training pictures that the classifier learns from."""


@dataclass(frozen=True)
class Finding:
    """A score of the translations, and what the untouched sources and real pictures score; None where that has no sense."""

    score: Score
    untouched: float | None
    real: float | None


@dataclass(frozen=True)
class UnpairedJudgement:
    """The findings, what they say, what a reader must know; and the judgement on true pairs where these are known."""

    findings: list[Finding]
    words: list[str]
    remarks: list[str]
    data: str
    pairs: TranslationJudgement | None = None

    def __getitem__(self, name: str) -> Finding:
        return next(finding for finding in self.findings if finding.score.name == name)

    def to_json(self) -> dict[str, Any]:
        found = [{**each.score.to_json(), "untouched": each.untouched, "real": each.real} for each in self.findings]
        told: dict[str, Any] = {"kind": "unpaired translation", "data": self.data, "scores": found}
        told |= {"words": self.words, "remarks": self.remarks}
        return told if self.pairs is None else told | {"pairs": self.pairs.to_json()}

    def __str__(self) -> str:
        head = ("", "translations", "untouched", "real", "best")
        rows = [head]
        for each in self.findings:
            beside = ["" if value is None else f"{value:.4g}" for value in (each.untouched, each.real)]
            rows.append(
                (each.score.name, number(each.score), beside[0], beside[1], "low" if each.score.better == "lower" else "high")
            )
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        stamps = dict.fromkeys(each.score.stamp.features for each in self.findings if each.score.stamp.features != "pixels")
        count = self.findings[0].score.stamp.generated
        facts = f"{count} held-out pictures of {self.data}" + "".join(f"; {features}" for features in stamps)
        shown = [*lines, "", facts, *self.words, *self.remarks]
        return "\n".join(shown if self.pairs is None else [*shown, "", "On true pairs:", "", str(self.pairs)])


@dataclass(frozen=True)
class Trial:
    """What is judged: sources, what became of them, the L1 of each after there and back, and real pictures, held out and not.

    ``label`` says what was asked for, (N, K) of zeros and ones; ``groups`` how it divides; ``changes`` which groups were to
    change, ``stays`` which were to stay, bool (N, groups); ``real_label`` what the real pictures are, ``real_known`` which of
    their groups are known; ``untouched``: whether the sources are of another domain, so that it means something to leave them.
    """

    source: Tensor
    output: Tensor
    cycle: Tensor
    real: Tensor
    floor: Tensor
    label: Tensor
    changes: Tensor
    stays: Tensor
    real_label: Tensor
    real_known: Tensor
    groups: list[int]
    taught: Images
    taught_known: Tensor
    untouched: bool


def judge_unpaired(
    model: Model,
    data: Data,
    *,
    count: int = COUNT,
    seed: int = 0,
    features: str = "efficientnet",
    report: Report = lambda words: None,
) -> UnpairedJudgement:
    """Cycle error, domain accuracy by a classifier trained on real pictures, Fréchet distance; and pairs where they are known.

    Args:
        model: a translator of two domains, or one that is told the class or attributes.
        data: what it learnt from, or other data of the same domains.
        count: held-out pictures, at most.
        seed: which, and of the classifier.
        features: the network of the Fréchet distance, see ``metrics.feature_network``; "none" leaves it out.
        report: is told of what takes time.

    Raises:
        UsageError: the model does not translate such pictures, or nothing was held out.
    """
    trial, remarks = prepared(model, data, count, seed)
    fingerprint = data.held_out().fingerprint

    def stamp(network: str = "pixels", weights: str = "", resizer: str = "none") -> Stamp:
        return Stamp(network, weights, resizer, len(trial.real), len(trial.output), "test", seed, fingerprint)

    each = trial.cycle
    findings = [Finding(Score("cycle L1", float(each.mean()), stamp(), "lower", error_of(each)), 0.0, None)]
    report(f"training a classifier on {len(trial.taught.image):,} real pictures")
    findings += accuracy(trial, seed, stamp("classes by a small network trained on real pictures"))
    words = verdict(findings)
    if features != "none":
        try:
            network = feature_network(features, None, report=report)
            moments = [Moments.of(network.features(side)) for side in (trial.output, trial.real, trial.source, trial.floor)]
            value, untouched, floor = (moments[k].frechet(moments[1]) for k in (0, 2, 3))
            marked = stamp(network.name, network.weights, network.resizer)
            findings.append(Finding(Score(network.score_name, value, marked), untouched if trial.untouched else None, floor))
            words.append(distance_in_words(findings[-1]))
        except (DataError, UsageError) as error:
            remarks.append(f"no Fréchet distance: {error.cause}")
    pairs = None
    if isinstance(data, TwoDomainData) and data.knows_pairs:
        pairs = judge_translation(model, data, count=count, seed=seed, features=features, report=report)
    return UnpairedJudgement(findings, words, remarks, data.name, pairs)


def prepared(model: Model, data: Data, count: int, seed: int) -> tuple[Trial, list[str]]:
    """The pictures of a judgement.

    Raises:
        UsageError: see ``judge_unpaired``.
    """
    if not model.method.translates:
        raise UsageError(f"{model.method_name} makes samples from noise, it translates none", "judge a cyclegan or stargan")
    held = data.held_out()
    if isinstance(data, TwoDomainData) and isinstance(held, TwoDomainData) and not model.method.conditional:
        return of_domains(model, data, held, count, seed)
    if model.method.conditional and data.spec.source is None and data.spec.domains == model.spec.domains:
        return of_labels(model, data, held, count, seed), []
    kinds = (
        f"{model.method_name} is told {', '.join(model.spec.domains[:10])}" if model.method.conditional else model.method_name
    )
    raise UsageError(f"{kinds}: {data.name} is other data", "name data of the kind that it learnt from")


def of_domains(model: Model, data: TwoDomainData, held: TwoDomainData, count: int, seed: int) -> tuple[Trial, list[str]]:
    """From x to y and back."""
    source, real = held.domains(count, seed)
    output = model.translate(source)
    try:
        cycle = l1(model.translate(output, back=True), source)
    except UsageError as error:
        raise UsageError(f"no cycle to judge by: {error.cause}", "judge it on paired data by --against") from None
    shown, remarks = untaught(source, real), []
    x, y = data.domains(TAUGHT // 2, seed)
    x_shown = untaught(x, y)
    if shown is None or x_shown is None:
        remarks.append("the domains differ in channels: an empty picture stands for the untouched source")
        shown, x_shown = torch.zeros_like(output), x.new_zeros(len(x), *y.shape[1:])
    taught = Images(torch.cat([x_shown, y]), one_hot(torch.tensor([0] * len(x) + [1] * len(y)), 2))
    label, real_label = (one_hot(torch.ones(len(side), dtype=torch.int64), 2) for side in (output, real))
    floor = data.real(len(real), seed).image
    all_of = [torch.ones(len(side), 1, dtype=torch.bool) for side in (output, real, taught.image)]
    trial = Trial(
        shown, output, cycle, real, floor, label, all_of[0], ~all_of[0], real_label, all_of[1], [2], taught, all_of[2], True
    )
    return trial, remarks


def of_labels(model: Model, data: Data, held: Data, count: int, seed: int) -> Trial:
    """Every second held-out picture becomes what another of them is, and back what it was; the others are the real ones."""
    batch, spec = held.real(2 * count, seed), model.spec
    assert batch.label is not None
    source, was, real, real_is = batch.image[0::2], batch.label[0::2], batch.image[1::2], batch.label[1::2]
    asked = of_another(was, spec)
    output = model.translate(source, asked)
    cycle = l1(model.translate(output, was), source)
    training = data.real(TAUGHT, seed)
    assert training.label is not None
    groups = [len(group) for group in spec.attributes] or [len(spec.classes)]
    wanted, before, taught, real_label = (rows(label, spec) for label in (asked, was, training.label, real_is))
    parts = zip(wanted.split(groups, 1), before.split(groups, 1), strict=True)
    differs, told = torch.stack([(a != b).any(1) for a, b in parts], 1), groups_known(was, spec)
    floor = data.real(len(real), seed).image
    return Trial(
        source, output, cycle, real, floor, wanted, differs & told, ~differs & told, real_label, groups_known(real_is, spec),
        groups, Images(training.image, taught), groups_known(training.label, spec), False,
    )  # fmt: skip


def rows(label: Tensor, spec: Spec) -> Tensor:
    """Labels (N, K) of zeros and ones, without a mask."""
    return one_hot(label, len(spec.classes)) if label.dim() == 1 else label[:, : len(spec.domains)]


def groups_known(label: Tensor, spec: Spec) -> Tensor:
    """Which groups are known of each picture, bool (N, groups): of several sets, those of its own."""
    if not spec.sets:
        return torch.ones(len(label), max(len(spec.attributes), 1), dtype=torch.bool)
    owner = [number for number, count in enumerate(spec.sets) for _ in range(count)]
    return mask_of(label, spec)[:, owner] > 0


def accuracy(trial: Trial, seed: int, stamp: Stamp) -> list[Finding]:
    """How often translations are taken for what was asked for, where that is not what they were; and kept where it is."""
    judge = domain_judge(trial.taught, trial.groups, seed, known=trial.taught_known)
    hits, before = judge.right(trial.output, trial.label), judge.right(trial.source, trial.label)
    real = float(judge.right(trial.real, trial.real_label)[trial.real_known].double().mean())
    found = []
    for name, where in (("domain accuracy", trial.changes), ("kept attributes", trial.stays)):
        own, reference = hits[where].double(), before[where].double()
        if len(own):
            found.append(Finding(Score(name, float(own.mean()), stamp, "higher", error_of(own)), float(reference.mean()), real))
    return found


def distance_in_words(finding: Finding) -> str:
    """What a distance to real pictures says."""
    name, value, real = finding.score.name, finding.score.value, finding.real
    if finding.untouched is None:
        return f"By {name} they are {value:.3g} from the real ones; as many real ones of training are {real:.3g}."
    near = "nearer to" if value < finding.untouched else "no nearer to"
    return (
        f"By {name} they are {near} the real ones than the sources are: {value:.3g}, untouched {finding.untouched:.3g}, "
        f"real {real:.3g}."
    )


def verdict(findings: list[Finding]) -> list[str]:
    """What the scores say together."""
    told = {finding.score.name: finding for finding in findings}
    words: list[str] = []
    cycle, taken = told["cycle L1"].score.value, told.get("domain accuracy")
    if taken is None:  # labels that are all alike: nothing was asked to change
        return words
    if taken.real is not None and taken.untouched is not None:
        share = (taken.score.value - taken.untouched) / max(taken.real - taken.untouched, 1e-9)
        if taken.real - taken.untouched < 0.2:
            words.append("A classifier hardly tells the domains apart, so its word means little here.")
        elif share > 0.9:
            words.append(
                f"The translations arrive: {taken.score.value:.0%} are taken for what was asked, {taken.real:.0%} of real ones."
            )
        elif share < 0.3:
            words.append(
                f"It hardly translates: {taken.score.value:.0%} are taken for what was asked, untouched {taken.untouched:.0%}."
            )
        else:
            words.append(
                f"It translates by halves: {taken.score.value:.0%} are taken for what was asked, {taken.real:.0%} of real ones."
            )
    if cycle < 0.01 and taken.untouched is not None and taken.score.value < taken.untouched + 0.1:
        words.append("The cycle is closed only because nothing was changed.")
    return words
