"""Whether a run works, why one may say so, and what to do next: from its scores over time, their floor, and the doctor."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganvas.evaluation.account import Account, Moment

DISTANCES = ("frechet", "emd", "sliced")
"""The metrics of an evaluation that say how near samples are to the data, the most telling first."""
NEAR_FLOOR = 4.0
"""A distance of at most so many times that of real data from real data counts as near (acceptance row C4's bound)."""
NEAR_CEILING = 0.8
"""A score of which more is better counts as near from this share of real data's own on."""
NO_RATIO = 0.01
"""Below this share of the untrained generator's distance a floor is nearly 0 and ratios to it mean nothing."""
WAY = 0.95
"""Where ratios mean nothing: the share of the way from the untrained generator to real data that counts as near."""
MARGIN = 0.05
"""Two scores without a standard error differ when they are further apart than this share of the smaller."""


@dataclass(frozen=True)
class Judgement:
    """What may be said of a run.

    Args:
        state: "works" (near real data by its score), "learns" (better than at the start, not near yet), "fails", "unknown".
        headline: the state as a sentence.
        because: what was seen, a sentence each.
        advice: what to do next, a sentence each; text between backquotes is a command.
    """

    state: Literal["works", "learns", "fails", "unknown"]
    headline: str
    because: tuple[str, ...]
    advice: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(account: Account, spoken: str) -> Judgement:
    """Judges a run.

    Args:
        account: the run.
        spoken: its name on a command line.
    """
    if account.diverged or account.broken_terms or any(finding.severity == "bad" for finding in account.findings):
        return failing(account, spoken)
    if not account.step:
        advice = (f"Go on with `ganvas resume {spoken}`.",)
        return Judgement("unknown", "Cannot tell: no step is on record yet.", (), advice)
    trend = account.trend
    measured = [m for word in DISTANCES for m in account.evaluated if m.metric == word and m.floor is not None]
    standard = measured[0] if measured else best_of(trend) if trend else account.best
    if standard is None or (len(trend) < 2 and standard.floor is None):
        return untold(account, spoken, standard)
    because = (how_near(standard, trend), *course(trend), *cautions(account, standard))
    if account.copies:
        advice = ("Take more data or --mirror, a smaller --width, or an earlier snapshot.",)
        return Judgement("fails", "It does not work: it copies training samples.", (sentence(account.copies), *because), advice)
    if is_near(standard, trend[0] if trend else None):
        return Judgement("works", "It works: by its score the samples are near the data.", because, on_top(trend, spoken))
    if len(trend) > 2 and not improves(trend[0], best_of(trend)):
        advice = ("Try a smaller learning rate, or r3gan or wgan-gp with their defaults.",)
        return Judgement("fails", "It does not work: its score never got better than at the start.", because, advice)
    if len(trend) < 2 or not improves(trend[0], best_of(trend)):
        return untold(account, spoken, standard)
    if standard.floor is None or standard.score.stamp.features.startswith("raw pixels"):
        measure = f"See how near the data it is: `ganvas evaluate {spoken}` measures what real data scores, too."
        return Judgement(
            "learns", "It learns; how near the data it is, is not known.", because, (measure, *onwards(account, spoken))
        )
    return Judgement("learns", "It learns, and is not there yet.", because, onwards(account, spoken))


def failing(account: Account, spoken: str) -> Judgement:
    """Something is broken, whatever the scores were before."""
    because = [f"{name} is not finite at the last record: training has diverged." for name in account.broken_terms[:1]]
    because += [sentence(account.ended)] if account.diverged else []
    advice = ["Lower the learning rate, or pass `--heal 3` to roll back by itself."] if because else []
    for finding in account.findings:
        if finding.severity == "bad":
            because.append(sentence(f"{finding.seen}: {finding.meaning}"))
            advice.append(sentence(finding.remedy))
    if account.best is not None:
        because.append(f"The best snapshot, of step {account.best.step:,}, is kept: {value(account.best)}.")
        advice.append(f"`ganvas sample {spoken}` uses it.")
    return Judgement("fails", "It does not work: something is wrong with the game.", tuple(because), tuple(advice))


def untold(account: Account, spoken: str, standard: Moment | None) -> Judgement:
    """Too little is known."""
    words = [] if account.findings else ["The doctor sees nothing wrong, but that is no proof of good samples."]
    words += [] if standard is None else [f"There is one score, {value(standard)}, and nothing to compare it with."]
    words += [sentence(f"{finding.seen}: {finding.meaning}") for finding in account.findings]
    advice = (
        f"Measure the samples: `ganvas evaluate {spoken}`.",
        f"Or go on: `ganvas resume {spoken} --minutes {longer(account)}`.",
    )
    return Judgement("unknown", "Cannot tell yet: there are too few scores.", tuple(words), advice)


def best_of(trend: list[Moment]) -> Moment:
    """The best of scores that compare."""
    choose = min if trend[-1].score.better == "lower" else max
    return choose(trend, key=lambda moment: moment.score.value)


def improves(first: Moment, then: Moment) -> bool:
    """Whether ``then`` is better than ``first`` by more than the margin of error."""
    gain = first.score - then.score if then.score.better == "lower" else then.score - first.score
    return gain > margin(first, then)


def margin(one: Moment, other: Moment) -> float:
    """By how much two scores may differ by chance: two standard errors, or 5 % where none is known."""
    first, second = one.score.standard_error, other.score.standard_error
    if first is None or second is None:
        return MARGIN * min(abs(one.score.value), abs(other.score.value))
    return 2 * math.hypot(first, second)


def is_near(moment: Moment, first: Moment | None) -> bool:
    """Whether a score is near what real data would have; never without a floor, nor by raw pixels, to which blurs are near."""
    score, floor = moment.score, moment.floor
    if floor is None or score.stamp.features.startswith("raw pixels"):
        return False
    if score.better == "higher":  # a score of training may be of this kind
        return score.value >= NEAR_CEILING * floor
    way = share_of_way(moment, first)
    if way is not None and first is not None and floor < NO_RATIO * first.score.value:
        return way >= WAY
    return floor > 0 and score.value <= NEAR_FLOOR * floor


def share_of_way(moment: Moment, first: Moment | None) -> float | None:
    """How far a score is from the untrained generator's (0) to real data's (1); None unless both are known and differ."""
    if first is None or first.step > 0 or moment.floor is None or first.score.name != moment.score.name:
        return None
    if moment.score.stamp.differences(first.score.stamp):
        return None
    whole = first.score.value - moment.floor
    return (first.score.value - moment.score.value) / whole if whole else None


def figure(moment: Moment) -> str:
    """ "0.0123 ± 0.0004 (step 1,200)"."""
    error = "" if moment.score.standard_error is None else f" ± {moment.score.standard_error:.1g}"
    return f"{moment.score.value:.4g}{error}" + (f" (step {moment.step:,})" if moment.step else "")


def value(moment: Moment) -> str:
    """The score's name and figure."""
    return f"{moment.score.name} {figure(moment)}"


def how_near(moment: Moment, trend: list[Moment]) -> str:
    """The score beside what real data would have."""
    if moment.floor is None:
        return f"The best is {value(moment)}; what real data would score is not known."
    words = f"{value(moment)}; real data scores {moment.floor:.4g} against real data"
    if moment.score.better == "lower" and moment.floor > 0:
        words += f", {moment.score.value / moment.floor:.2g} times less"
    way = share_of_way(moment, trend[0] if trend else None)
    return sentence(words if way is None else f"{words}; that is {way:.0%} of the way from the untrained generator")


def course(trend: list[Moment]) -> list[str]:
    """How the score went."""
    if len(trend) < 2:
        return []
    first, best, last = trend[0], best_of(trend), trend[-1]
    words = [
        f"Over training {last.score.name} went from {first.score.value:.4g} at step {first.step:,} to {best.score.value:.4g} "
        f"at step {best.step:,}."
    ]
    if past_best(trend):
        words.append(f"Since then it got worse: {last.score.value:.4g} at step {last.step:,}.")
    elif still_improving(trend):
        words.append("It was still getting better at the end.")
    elif len(trend) >= 4:
        words.append("It has levelled off.")
    return words


def past_best(trend: list[Moment]) -> bool:
    """Whether the last score is worse than the best by more than the margin of error."""
    return improves(trend[-1], best_of(trend))


def still_improving(trend: list[Moment]) -> bool:
    """Whether the last third of the run bettered all before it."""
    before = [m for m in trend if m.images <= trend[-1].images * 2 / 3] or trend[:1]
    return improves(best_of(before), best_of(trend)) and not past_best(trend)


def cautions(account: Account, standard: Moment) -> list[str]:
    """What weakens the judgement."""
    words = []
    if standard.score.stamp.features.startswith("raw pixels"):
        words.append("This score compares raw pixels: it sees brightness and variety, not whether shapes are right.")
    return words + [sentence(f"But {finding.seen}: {finding.meaning}") for finding in account.findings]


def on_top(trend: list[Moment], spoken: str) -> tuple[str, ...]:
    """What to do with a run that works."""
    use = f"Draw samples: `ganvas sample {spoken} -n 64 -o grid.png`."
    if len(trend) > 1 and past_best(trend):
        return (use, "They come from the best snapshot; training on makes this run no better.")
    if len(trend) > 1 and still_improving(trend):
        return (use, "It was still improving: more minutes would make it better yet.")
    return (use,)


def onwards(account: Account, spoken: str) -> tuple[str, ...]:
    """What to do with a run that is on its way."""
    trend = account.trend
    remedies = tuple(sentence(finding.remedy) for finding in account.findings)
    if past_best(trend):
        return (*remedies, f"`ganvas sample {spoken}` uses the best snapshot. Try a lower learning rate, or r3gan.")
    if still_improving(trend) or len(trend) < 4:
        return (*remedies, f"Train longer: `ganvas resume {spoken} --minutes {longer(account)}`.")
    return (*remedies, "More minutes alone will change little: try a larger --width, another method, or other rates.")


def longer(account: Account) -> str:
    """Twice the minutes so far, for a command."""
    return f"{max(2 * account.seconds / 60, 1):.2g}"


def sentence(text: str) -> str:
    """``text`` with a capital and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."
