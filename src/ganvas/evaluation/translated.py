"""A translator's run or model folder, judged by what its data allows: on pairs, or where there are none without."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ganvas.data.translation import PairData
from ganvas.errors import UsageError
from ganvas.evaluation.evidence import Report
from ganvas.evaluation.subject import Which, against_of, subject_of
from ganvas.evaluation.translation import COUNT, TranslationJudgement, judge_translation
from ganvas.evaluation.unpaired import UnpairedJudgement, judge_unpaired


def judge_run(
    place: str | Path,
    *,
    against: str | None = None,
    regression: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    which: Which = "best",
    features: str = "efficientnet",
    report: Report = lambda words: None,
) -> TranslationJudgement | UnpairedJudgement:
    """``judge_translation`` on pairs, else ``judge_unpaired``, by the data that it learnt from or other data that is named."""
    subject = subject_of(place, which=which)
    data = against_of(against, subject)
    assert subject.model is not None
    if isinstance(data, Tensor):
        raise UsageError("a tensor holds no pairs", "name paired data with --against")
    if not isinstance(data, PairData):
        if regression is not None:
            raise UsageError(f"{data.name} has no pairs to hold a regression against", "leave --regression out")
        return judge_unpaired(subject.model, data, count=count or COUNT, seed=seed, features=features, report=report)
    rival = None if regression is None else subject_of(regression, which=which).model
    return judge_translation(
        subject.model, data, regression=rival, count=count or COUNT, seed=seed, features=features, report=report
    )
