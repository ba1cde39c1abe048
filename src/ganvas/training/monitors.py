"""The doctor: what a run's records tell of the game's health, as rules that each name an illness, its sign and its cure.

The records hold the means of the logged terms, gradient norms, and at checkups figures of samples and scores (see
``ganvas.training.checkup``). A rule speaks only when its sign has lasted for ``LASTING`` checkups: at the start every game
looks ill. Its bounds are ratios to what the real samples or the run's own start show, so they hold for any data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from ganvas.networks.augment import CAP, TARGET, UNSEEN_TARGET
from ganvas.training.chart import LASTING, Chart, Finding, Rule, is_checkup
from ganvas.training.translator_monitors import TRANSLATOR_RULES

__all__ = ["LASTING", "RULES", "Finding", "History", "examine", "is_checkup", "non_finite"]

STEEP = 30.0
"""The slope above which a Wasserstein critic is no distorted 1-Lipschitz function any more, but none at all."""


def non_finite(terms: dict[str, float]) -> str | None:
    """The first term that is NaN or infinite, or None."""
    return next((name for name, value in terms.items() if not math.isfinite(value)), None)


class History:
    """A run's records as the doctor remembers them: its beginning, its recent past, and every checkup.

    Args:
        records: of stats.jsonl, oldest first.
    """

    BEGINNING, RECENT = 100, 400

    def __init__(self, records: Iterable[dict[str, Any]] = ()) -> None:
        self.records: list[dict[str, Any]] = []
        for record in records:
            self.append(record)

    def append(self, record: dict[str, Any]) -> None:
        """Takes in the newest record."""
        self.records.append(record)
        leaving = len(self.records) - self.RECENT - 1
        if leaving >= self.BEGINNING and not is_checkup(self.records[leaving]):
            del self.records[leaving]


GIVEN_UP = "the generator gives up parts of the data"
BACK_TO_BEST = "go back to the best snapshot, and lower the learning rate from there"
SLOWER = "lower the learning rate, or raise the penalty (--penalty, --gamma); --heal 3 does the first by itself"


def diverged(chart: Chart) -> Finding | None:
    terms = {name: value for name, value in chart.records[-1].items() if "/" in name}
    broken = next((name for name, value in terms.items() if value is None or not math.isfinite(value)), None)
    if broken is None:
        return None
    meaning, remedy = "training has diverged", "lower the learning rate, or --heal 3"
    return Finding("non-finite", f"{broken} is not a finite number", meaning, remedy, "bad", "certain")


def exploding(chart: Chart) -> Finding | None:
    """A Wasserstein critic that nothing keeps smooth."""
    slope, expected = chart.last("slope"), chart.last("slope_expected", 1)
    if not slope or min(slope) < STEEP or (expected and slope[-1] < 3 * expected[-1]):
        return None
    seen = f"the critic's slope is {slope[-1]:.3g}"
    return Finding("exploding", seen, "nothing keeps the critic smooth: it is no 1-Lipschitz function", SLOWER, "bad")


def no_learning(chart: Chart) -> Finding | None:
    """The generator stands still while its samples are unlike the data."""
    if not (chart.far and chart.lasts("moved", lambda moved: moved < 0.005)):
        return None
    seen = f"samples changed by {chart.last('moved', 1)[0]:.2%} of the distance between real ones over the averaging's memory"
    meaning = "the generator does not learn, though its samples are unlike the data"
    return Finding(
        "no learning", seen, meaning, "raise its learning rate; check that its gradient is not zero", "bad", "certain"
    )


def vanishing(chart: Chart) -> Finding | None:
    """The generator's gradient is gone, the discriminator being sure."""
    growth = chart.growth("gradient/generator")
    if growth is None or growth > 1e-3 or not chart.lasts("auc", lambda auc: auc > 0.99) or not chart.far:
        return None
    seen = f"the generator's gradient fell to {growth:.1g} of its start, and every real sample scores above the fakes"
    meaning = "the discriminator is so sure that the generator learns nothing from it"
    return Finding("vanishing gradient", seen, meaning, "use wgan-gp or r3gan, or --objective non-saturating", "bad")


def under_trained(chart: Chart) -> Finding | None:
    """A rule that nobody trained tells fakes from reals better than the critic does.

    Only while samples are unlike the data: near the goal a smooth critic does not see the last details, and need not.
    """
    auc, separable = chart.last("auc"), chart.last("separable")
    if not chart.far or not auc or not separable or any(plain - own < 0.2 for own, plain in zip(auc, separable, strict=True)):
        return None
    seen = f"the critic ranks {auc[-1]:.0%} of pairs of a real and a fake sample rightly, a plain rule {separable[-1]:.0%}"
    meaning = "the critic is under-trained: what it tells the generator is noise"
    remedy = "raise --critic-steps, or the critic's learning rate"
    return Finding("under-trained critic", seen, meaning, remedy, "bad", "certain" if auc[-1] < 0.5 else "likely")


def lagging(chart: Chart) -> Finding | None:
    """The estimate still rises by much of itself within the inner steps: they are too few to get near the optimum."""
    rises = chart.gauge("inner/critic")[-10:]
    estimates = [record.get("wasserstein") for record in chart.records[-10:]]
    known = [value for value in estimates if value is not None]
    if len(rises) < 10 or len(known) < 10 or len(chart.checkups) < LASTING:
        return None
    rise, level = median(rises), median(known)
    if level <= 0 or rise < 0.5 * level:
        return None
    seen = f"the estimate rises by {rise / level:.0%} of itself between the first and the last critic step"
    meaning = "the critic lags behind the generator, so the estimate understates the distance"
    return Finding("lagging critic", seen, meaning, "raise --critic-steps", "watch", "possible")


def growing(chart: Chart) -> Finding | None:
    """A player's gradients grow without bound, and the samples are no better for it."""
    for player in chart.players:
        growth = chart.growth(f"gradient/{player}")
        if growth is not None and growth > 10 and chart.far:
            seen = f"the {player}'s gradient grew {growth:.3g}-fold"
            return Finding("exploding", seen, "the game runs away from its equilibrium", SLOWER, "bad")
    return None


def overfitting(chart: Chart) -> Finding | None:
    """The critic knows its training samples by heart."""
    shares, errors = chart.last("overfit"), chart.last("overfit_error")
    if not shares or not errors or any(s - 2 * e < 0.1 for s, e in zip(shares, errors, strict=True)):
        return None
    share = sum(shares) / len(shares)
    if share < 0.25:
        return None
    seen = f"unseen real samples score {share:.0%} of the way from seen ones down to fakes"
    meaning = "the critic overfits: it knows the training samples by heart, and soon the generator copies them"
    remedy = "more data, --mirror, --augment ada, a smaller --width; keep the best snapshot"
    return Finding("overfitting critic", seen, meaning, remedy, "bad", "likely" if share < 0.5 else "certain")


def augmentation_at_cap(chart: Chart) -> Finding | None:
    """Adaptive augmentation is as strong as it may be, and the critic is too sure of real pictures all the same."""
    records = [r for r in chart.records[-10:] if r.get("augment/p") is not None]
    looked = all(r.get("augment/unseen") is not None for r in records)
    figure, target = ("augment/unseen", UNSEEN_TARGET) if looked else ("augment/overfit", TARGET)
    known = [(r["augment/p"], r[figure]) for r in records if r.get(figure) is not None]
    if len(known) < 10 or min(p for p, _ in known) < CAP - 0.01 or median(overfit for _, overfit in known) < target:
        return None
    last = known[-1][1]
    way = f"unseen real pictures score {last:.0%} of the way from seen ones down to fakes"
    seen = way if looked else f"the critic calls {(1 + last) / 2:.0%} of real pictures real"
    seen = f"augmentation is at its cap of {CAP:g}, and {seen}"
    meaning = "the data is too small for this critic: it overfits whatever is done to the pictures"
    remedy = "more data, a smaller --width, a stronger penalty; keep the best snapshot"
    return Finding("augmentation at its cap", seen, meaning, remedy, "watch", "likely")


def low_diversity(chart: Chart) -> Finding | None:
    """Samples repeat each other, or vary much less than the data. At the start they always do, but then it passes."""
    for name, words in (("distinct", "nearest other sample"), ("diversity", "other samples")):
        values = chart.last(name)
        passing = bool(values) and values[-1] > 1.15 * values[0]
        if values and (max(values) < 0.25 or (max(values) < 0.5 and not passing)):
            seen = f"generated samples are {values[-1]:.0%} as far from their {words} as real ones are"
            meaning = "low diversity: the generator makes few different samples (mode collapse, or too few latents)"
            remedy = "a larger --latent-size; r3gan or wgan-gp; a lower learning rate; go back to the best snapshot"
            return Finding("low diversity", seen, meaning, remedy, "bad", "certain" if values[-1] < 0.1 else "likely")
    return None


def losing_modes(chart: Chart) -> Finding | None:
    """The samples' spread over the data fell from what it was, while each still looks real: in features, else in pixels."""
    return fallen_coverage(chart) or fallen_recall(chart)


def fallen_coverage(chart: Chart) -> Finding | None:
    """Coverage in the features of the score, of 2,000 samples: noise is a few hundredths, so two scores are enough."""
    known = [score for score in chart.scores if score.get("coverage") is not None and score.get("precision") is not None]
    if len(known) < 3:
        return None
    peak = max(known[:-2], key=lambda score: score["coverage"])
    last = known[-2:]
    covers = max(score["coverage"] for score in last)
    if peak["coverage"] < 0.2 or covers > 0.6 * peak["coverage"]:
        return None
    if min(score["precision"] for score in last) < 0.8 * peak["precision"]:
        return None  # worse pictures altogether: another illness
    seen = (
        f"samples covered {peak['coverage']:.0%} of the data at step {peak['step']:,} and cover {covers:.0%} now "
        "(in the score's features), while they look as real as then"
    )
    return Finding(
        "losing modes", seen, GIVEN_UP, BACK_TO_BEST, "bad", "certain" if covers < 0.3 * peak["coverage"] else "likely"
    )


def fallen_recall(chart: Chart) -> Finding | None:
    """Recall among the checkups' few samples, as they are."""
    recall = [checkup["recall"] for checkup in chart.checkups if "recall" in checkup]
    if len(recall) < 2 * LASTING or not chart.lasts("precision", lambda precision: precision > 0.5):
        return None
    peak = max(median(recall[start : start + LASTING]) for start in range(len(recall) - LASTING + 1))
    now = max(recall[-LASTING:])
    if peak < 0.3 or now > 0.5 * peak:
        return None
    seen = f"the share of real samples near a generated one fell from {peak:.0%} to {now:.0%}, samples still look real"
    return Finding("losing modes", seen, GIVEN_UP, BACK_TO_BEST, "bad")


def saturated(chart: Chart) -> Finding | None:
    """The discriminator of a minimax game is sure of everything."""
    values = [value for record in chart.records[-10:] if (value := record.get("discriminator/minimax")) is not None]
    if len(values) < 10 or max(values) > 0.05 or not chart.lasts("auc", lambda auc: auc > 0.99):
        return None
    seen = f"the discriminator's loss is {values[-1]:.1g} (1.386 when it cannot tell)"
    meaning = "it separates reals from fakes almost perfectly, so its gradient carries little"
    return Finding("saturated discriminator", seen, meaning, "try wgan-gp or r3gan, or --dropout", "watch")


def lipschitz_drift(chart: Chart) -> Finding | None:
    """A penalised critic whose slope is not what the penalty should make it."""
    slope, expected = chart.last("slope"), chart.last("slope_expected")
    if not slope or not expected or min(slope) > STEEP:
        return None
    ratios = [s / e for s, e in zip(slope, expected, strict=True)]
    if len(chart.checkups) < 2 * LASTING or not (min(ratios) > 2 or max(ratios) < 0.5):
        return None
    seen = f"the critic's slope is {slope[-1]:.3g} where its penalty makes the best critic's {expected[-1]:.3g}"
    meaning = "the critic is not the 1-Lipschitz function that its estimate needs"
    return Finding("Lipschitz drift", seen, meaning, "raise --penalty or --critic-steps", "watch", "possible")


def clip_saturation(chart: Chart) -> Finding | None:
    shares = chart.gauge("clipped/critic")[-10:]
    if len(shares) < 10 or min(shares) < 0.9:
        return None
    seen = f"{shares[-1]:.0%} of the critic's weights lie at the clip's bounds"
    meaning = "clipping has made the critic a very simple function"
    return Finding("clip saturation", seen, meaning, "use wgan-gp, or change --clip", "watch", "certain")


def stagnation(chart: Chart) -> Finding | None:
    """Samples are unlike the data and have long stopped getting nearer."""
    distance = [checkup["distance"] for checkup in chart.checkups if "distance" in checkup]
    if len(distance) < 12 or not chart.far:
        return None
    third = len(distance) // 3
    if min(distance[-third:]) < 0.95 * min(distance[:-third]):
        return None
    seen = f"the distance to the data is {distance[-1]:.2g}, and was {min(distance[:-third]):.2g} before the last third"
    remedy = "another learning rate, a wider network, or another method"
    return Finding("stagnation", seen, "training no longer gets nearer to the data", remedy, "watch", "possible")


def oscillation(chart: Chart) -> Finding | None:
    """Samples change by as much as real ones differ, again and again, and come no nearer."""
    moved, distance = chart.last("moved", 2 * LASTING), chart.last("distance", 2 * LASTING)
    if not moved or not distance or min(moved) < 0.7 or not chart.far or distance[-1] < 0.8 * distance[0]:
        return None
    seen = f"samples move by {moved[-1]:.0%} of the distance between real ones over the averaging's memory"
    remedy = "lower the learning rate, or a penalty (r3gan)"
    return Finding("oscillation", seen, "the players chase each other in circles", remedy, "watch", "possible")


RULES: tuple[Rule, ...] = (
    diverged, exploding, no_learning, vanishing, under_trained, growing, overfitting, augmentation_at_cap,
    losing_modes, low_diversity, saturated, lipschitz_drift, clip_saturation, lagging, stagnation, oscillation,
)  # fmt: skip
"""In the order in which causes come before their effects: a game without a working critic has no diversity either."""


def examine(records: list[dict[str, Any]], scores: Sequence[dict[str, Any]] = ()) -> list[Finding]:
    """The findings of a run's records and scores (of stats.jsonl, scores.jsonl; oldest first), the most severe first."""
    if not records:
        return []
    chart = Chart(records, scores)
    findings = [finding for rule in (*RULES, *TRANSLATOR_RULES) if (finding := rule(chart)) is not None]
    return sorted(findings, key=lambda finding: finding.severity != "bad")
