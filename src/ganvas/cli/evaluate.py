"""``ganvas evaluate RUN|FOLDER``: how good samples are, in numbers that say how they were measured, and in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import not_negative, positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.evaluation.evaluate import Evaluation
    from ganvas.evaluation.subject import Which
    from ganvas.evaluation.translation import TranslationJudgement
    from ganvas.evaluation.unpaired import UnpairedJudgement


def evaluate(
    subject: str,
    /,
    *,
    against: str | None = None,
    regression: str | None = None,
    metrics: str | None = None,
    count: Annotated[int | None, Parameter(alias="-n", validator=positive)] = None,
    features: str = "auto",
    split: Literal["test", "train", "all"] | None = None,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    best: Annotated[bool, Parameter(negative="")] = False,
    last: Annotated[bool, Parameter(negative="")] = False,
    device: str = "cpu",
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Measure how like the real data samples are, how varied, and whether they are copies.

    For example:

        ganvas evaluate wgan-gp-mnist-001
        ganvas evaluate wgan-gp-mnist-001 --metrics fid,kid --count 5000
        ganvas evaluate theirs/ --against photos/ --features inception
        ganvas evaluate cgan-mnist-001 --metrics cas,cas-augmented

    A translator is judged on held-out pairs: PSNR, SSIM, L1 and a perceptual distance, beside the same of its input.

        ganvas evaluate pix2pix-001 --regression pix2pix-l1-001

    Without pairs: the error after there and back, how often a classifier trained on real pictures takes the translations for
    what they should be, and the Frechet distance; beside what the untouched pictures and real ones score.

    Beside each other score stands what real samples score in its place: that, and not 0, is what a perfect model would have.

    Args:
        subject: a run's name, the path of a run or model folder, or a folder of pictures.
        against: real data: a name as for train --data, or a folder; by default what the run learnt from.
        regression: for a translator, a run of it that was trained with --adversarial 0, to stand in the table.
        metrics: names separated by commas: frechet (fid), frechet-infinity, kid, inception-score, precision, recall, density,
            coverage, sliced, emd, ms-ssim, memorisation, accuracy, cas, cas-augmented, modes, ppl, cmmd, sharpness.
        count: samples a side; by default 10,000, or what there is.
        features: the feature network: auto, raw, lenet, efficientnet, inception, dinov2, clip, or such a word with :PATH of its
            weights.
        split: of the real data: test is what training did not see.
        seed: of the samples and every random choice.
        best: judge a run's best snapshot; the default.
        last: judge a run's last weights.
        device: of the feature network: cpu, cuda, cuda:1 or mps.
        out: a .json file to write the result to as well.
        force: overwrite what is there.
    """
    if best and last:
        raise UsageError("--best and --last exclude each other", "give one of them")
    from ganvas.cli.files import arriving, claim
    from ganvas.evaluation.evaluate import evaluate as measure
    from ganvas.evaluation.translated import judge_run

    target = None if out is None else claim(out, {".json"}, force=force, folder=False)
    place = place_of(subject)
    which: Which = "last" if last else "best"
    words = None if metrics is None else [word for word in metrics.split(",") if word.strip()]
    found: Evaluation | TranslationJudgement | UnpairedJudgement
    if words is None and translates(place):
        network = "efficientnet" if features == "auto" else features
        rival = None if regression is None else place_of(regression)
        found = judge_run(
            place, against=against, regression=rival, count=count, seed=seed, which=which, features=network, report=output.say
        )
    elif regression is not None:
        raise UsageError(
            "--regression is a rival for a translator, judged on pairs", "leave it out, and --metrics for translators"
        )
    else:
        found = measure(
            place, words, against=against, count=count, features=features, split=split, seed=seed, which=which, device=device,
            report=output.say,
        )  # fmt: skip
    if target is not None:
        import json

        from ganvas.cli.output import plain

        with arriving(target) as temporary:
            temporary.write_text(json.dumps(plain(found.to_json()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    output.result(found.to_json(), str(found))


def place_of(subject: str) -> Path:
    """A folder of pictures where there is one by that path and it is no run, else what ``names.existing`` finds."""
    from ganvas.cli import names

    path = Path(subject)
    own = any((path / file).exists() for file in ("config.json", "model.json", "model", "model-best"))
    if path.is_dir() and not own and not (names.RUNS / subject / "config.json").exists():
        return path
    return names.existing(subject)


def translates(place: Path) -> bool:
    """Whether it is a translator's run or model."""
    from ganvas.runs import load

    own = place.is_file() or any((place / file).exists() for file in ("config.json", "model.json"))
    return own and load(place).method.translates
