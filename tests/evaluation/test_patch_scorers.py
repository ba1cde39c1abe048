"""A translator's score has to be won by translations: not by a blur, nor by the source, nor by ignoring it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.data import ArrayData
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.data.two_valued import two_valued
from ganvas.errors import UsageError
from ganvas.evaluation.best import SAMPLE_SEED, BestSnapshot, choose_scorer
from ganvas.evaluation.fixed import fixed_inputs
from ganvas.evaluation.scorers import Found, Scorer
from ganvas.methods import METHODS
from ganvas.runs import Run, load
from ganvas.training import Progress, train
from tiny import config_for

COUNT = 500


def photograph(count: int = 264) -> Tensor:
    """Pieces of a photograph that comes with matplotlib, at most 462, uint8 (count, 3, 24, 24): a face, cloth, a flag."""
    whole = torch.from_numpy(np.array(Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")))
    pieces = whole.permute(2, 0, 1)[:, :528, :504].unfold(1, 24, 24).unfold(2, 24, 24)
    order = torch.randperm(22 * 21, generator=torch.Generator().manual_seed(0))
    return pieces.permute(1, 2, 0, 3, 4).flatten(0, 1)[order][:count].contiguous()


def planted(there: Callable[..., Tensor], back: Callable[..., Tensor] = lambda x, _: x) -> Progress:
    """A moment of a translator that does what is planted: (pictures, labels) -> pictures."""

    def translate(source: Tensor, label: Tensor | None = None, *, back: bool = False, of: Any = back) -> Tensor:
        return of(source, label) if back else there(source, label)

    engine = SimpleNamespace(method=SimpleNamespace(config=SimpleNamespace(width=4)), device=torch.device("cpu"))
    return cast(Progress, SimpleNamespace(translate=translate, engine=engine))


def scorer_of(method: str, data: Any) -> Scorer:
    made = METHODS[method](config_for(method), data.spec)
    return choose_scorer("patches", made, fixed_inputs(made, data, COUNT, SAMPLE_SEED), data)


def blurred(pictures: Tensor, factor: int = 4) -> Tensor:
    return interpolate(avg_pool2d(pictures, factor), size=pictures.shape[2:], mode="bilinear", align_corners=False)


def answering(answers: Tensor) -> Progress:
    """Answers of fixed inputs, in their order."""
    rest = [answers]

    def answer(source: Tensor, _: Tensor | None) -> Tensor:
        part, rest[0] = rest[0].split([len(source), len(rest[0]) - len(source)])
        return part

    return planted(answer)


@pytest.mark.parametrize("task", ["colourise", "sharpen"])
def test_on_a_photograph_the_target_is_nearer_than_a_blur_the_source_or_other_targets(task):
    target = photograph()
    grey = target.float().mean(1, keepdim=True).round().to(torch.uint8).expand_as(target)
    low = (blurred(target.float() / 127.5 - 1) * 127.5 + 127.5).round().to(torch.uint8)
    data = PairData(grey if task == "colourise" else low, target).split(0.5)
    scorer = scorer_of("pix2pix", data)
    inputs = cast(Any, scorer).inputs
    answers = {
        "target": inputs.real,
        "nearly": inputs.real + 0.02 * torch.randn(inputs.real.shape, generator=torch.Generator().manual_seed(0)),
        "source": inputs.given,
        "blurred": blurred(inputs.real),
        "a little blurred": blurred(inputs.real, 2),
        "of another source": inputs.real.roll(1, 0),
        "mean": inputs.real.mean(0, keepdim=True).expand_as(inputs.real),
    }
    found = {name: scorer.found(answering(answer)) for name, answer in answers.items()}
    values = {name: each.value for name, each in found.items()}
    assert values["target"] == 0
    assert values["target"] < values["nearly"] < values["a little blurred"] < values["blurred"] < values["of another source"]
    assert values["nearly"] < values["source"] < values["mean"]
    assert found["source"].beside["l1"] == pytest.approx(float((inputs.given - inputs.real).abs().mean()), abs=1e-5)
    assert 0 < cast(float, found["source"].error) < values["source"]


def test_the_best_of_a_training_on_two_valued_is_decided(tmp_path: Path) -> None:
    data, run = two_valued(count=1024, size=16), Run(tmp_path / "run", seed=0)
    torch.manual_seed(0)
    kind = METHODS["pix2pix"]
    method = kind(kind.Config(width=8, batch_size=8, learning_rate=2e-3, ema_half_life=500.0), data.spec)  # type: ignore[call-arg]
    best = BestSnapshot(run, method, data, measure="patches")
    for progress in train(method, data, run, steps=400, save_growth=1.3):
        best._not_before = float("-inf")
        best.see(progress)
    source, _ = data.held_out().pairs(COUNT)
    decided = float(load(tmp_path / "run").translate(source)[source > 0].abs().mean())
    first = run.scores()[0]
    assert decided >= 0.85
    assert run.best is not None
    assert run.best["score"]["value"] < 0.9 * first["score"]["value"]
    assert (run.best["score"]["name"], first["floor"]) == ("joined patch distance", None)
    assert "patches of 2 bands with the source's" in run.best["score"]["stamp"]["features"]


def two_domains() -> TwoDomainData:
    """Grey pieces of a photograph, and other pieces in blue ink."""
    target = photograph().float().mean(1, keepdim=True).expand(-1, 3, -1, -1) / 255
    ink = torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1)
    inked = 1 - (1 - target) * (1 - ink)
    x, y = ((side * 255).round().to(torch.uint8) for side in (target[:132], inked[132:]))
    return TwoDomainData(x, y).split(0.5)


def ink(x: Tensor, _: Tensor | None = None) -> Tensor:
    return 1 - (1 - x) * (1 - torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1))


def unink(y: Tensor, _: Tensor | None = None) -> Tensor:
    return 1 - ((1 - y) / (1 - torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1))).clamp(max=2)


def test_without_pairs_neither_doing_nothing_nor_one_picture_for_all_wins() -> None:
    scorer = scorer_of("cyclegan", two_domains())

    def found(there: Callable[..., Tensor], back: Callable[..., Tensor]) -> Found:
        return scorer.found(planted(there, back))

    true, nothing = found(ink, unink), found(lambda x, _: x, lambda y, _: y)
    constant = found(lambda x, _: ink(x[:1]).expand_as(x), lambda y, _: unink(y))
    lost = found(ink, lambda y, _: torch.zeros_like(y))
    soft = found(lambda x, _: blurred(ink(x)), unink)
    assert true.value < soft.value < min(constant.value, lost.value)
    assert 1.5 * true.value < nothing.value
    assert nothing.beside["cycle"] == nothing.beside["cycle_l1"] == 0 < nothing.beside["arrival"]
    assert lost.beside["arrival"] == true.beside["arrival"]
    assert true.value**2 == pytest.approx(true.beside["arrival"] ** 2 + true.beside["cycle"] ** 2, rel=1e-4)
    assert scorer.floor is not None
    assert 0.5 * scorer.floor < true.value < 2 * scorer.floor


def test_labels_have_to_be_obeyed() -> None:
    grey = photograph(462).float().mean(1, keepdim=True).expand(-1, 3, -1, -1) / 255
    label = torch.arange(len(grey)) % 3
    tint = 0.1 + 0.9 * torch.eye(3)
    pictures = grey * tint[label].view(-1, 3, 1, 1)
    data = ArrayData((pictures * 255).round().to(torch.uint8), label, classes=("red", "green", "blue")).split(0.5)
    scorer = scorer_of("stargan", data)
    inputs = cast(Any, scorer).inputs
    assert len(inputs.given) == len(inputs.real) == len(inputs.label) == len(inputs.real_label) == 115
    assert not torch.equal(inputs.given, inputs.real)

    def tinted(x: Tensor, wanted: Tensor) -> Tensor:
        return (x + 1).amax(1, keepdim=True) * tint[wanted].view(-1, 3, 1, 1) - 1

    true = scorer.found(planted(tinted))
    nothing = scorer.found(planted(lambda x, wanted: x))
    always_red = scorer.found(planted(lambda x, wanted: tinted(x, wanted * 0)))
    wrong = scorer.found(planted(lambda x, wanted: tinted(x, (wanted + 1) % 3)))
    assert scorer.floor is not None
    assert true.value < 1.2 * scorer.floor
    assert 1.25 * true.value < min(nothing.value, always_red.value, wrong.value)
    assert "with the label" in scorer.network


def test_patches_are_for_translators() -> None:
    data = ArrayData(torch.zeros(20, 1, 8, 8, dtype=torch.uint8)).split(0.5)
    method = METHODS["r3gan"](config_for("r3gan"), data.spec)
    with pytest.raises(UsageError, match="patches is a score of translators, r3gan is none"):
        choose_scorer("patches", method, fixed_inputs(method, data, 10, 0), data)
