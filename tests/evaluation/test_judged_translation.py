"""Translators of known quality in one table with their baselines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

import ganvas
from ganvas.data.batches import Spec
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.data.two_valued import two_valued
from ganvas.errors import DataError, UsageError
from ganvas.evaluation import translation
from ganvas.evaluation.translated import judge_run
from ganvas.evaluation.translation import judge_translation, untaught
from ganvas.methods.pix2pix import Pix2Pix, Pix2PixConfig
from ganvas.metrics import psnr
from ganvas.runs import Model


class Answering(Model):
    """A model that answers with a function."""

    def __init__(
        self, answer: Callable[[Tensor], Tensor], source: int = 3, target: int = 3, *, translates: bool = True
    ) -> None:
        self.spec, self.answer = Spec((target, 16, 16), source=(source, 16, 16), paired=True), answer
        self.method = cast(Any, nn.Module())
        self.method.translates = translates
        self.method_name = "planted"

    def translate(self, source: Tensor, **_: Any) -> Tensor:
        return self.answer(source)


def negatives(count: int = 40) -> PairData:
    """Targets are the negatives of smooth sources."""
    torch.manual_seed(0)
    source = nn.functional.interpolate(torch.rand(count, 3, 4, 4), size=(16, 16), mode="bilinear").mul(255).to(torch.uint8)
    return PairData(source, 255 - source).split(0.5)


def test_a_perfect_model_beats_the_source_and_a_regression() -> None:
    data = negatives()
    found = judge_translation(Answering(lambda x: -x), data, regression=Answering(lambda x: -x + 0.1), features="none")
    assert list(found.scores) == ["model", "L1 alone", "source"]
    assert found.scores["model"]["l1"].value == 0
    assert found.scores["model"]["ssim"].value == pytest.approx(1)
    assert found.scores["L1 alone"]["l1"].value == pytest.approx(0.1, rel=1e-5)
    assert found.scores["L1 alone"]["psnr"].value == pytest.approx(10 * torch.tensor(4 / 0.01).log10().item(), rel=1e-4)
    assert found.scores["model"]["psnr"].value == 100
    assert all(gain.value > 0 and gain.certain for gain in found.gains)
    gain = next(gain for gain in found.gains if (gain.measure, gain.than) == ("l1", "L1 alone"))
    assert gain.value == pytest.approx(0.1, rel=1e-5)
    stamp = found.scores["model"]["psnr"].stamp
    assert (stamp.real, stamp.split, stamp.features) == (20, "test", "pixels")
    assert stamp.data == data.held_out().fingerprint
    assert found.scores["model"]["psnr"] > found.scores["source"]["psnr"]
    json.dumps(found.to_json())
    assert "Against source: better in" in str(found)


def test_a_model_that_does_nothing_is_no_different_from_its_source() -> None:
    found = judge_translation(Answering(lambda x: x), negatives(), features="none")
    assert [gain.value for gain in found.gains] == [0.0] * 3
    assert not any(gain.certain for gain in found.gains)
    assert "no different in psnr" in str(found)


def test_a_bad_model_is_told_to_be_worse() -> None:
    torch.manual_seed(0)
    found = judge_translation(Answering(lambda x: torch.rand_like(x) * 2 - 1), negatives(), features="none")
    assert "worse in ssim" in " ".join(found.verdict())


def test_true_pairs_of_unpaired_data_judge_it_too() -> None:
    pairs = negatives()
    domains = TwoDomainData(pairs.target, pairs.target, true=pairs.held_out)
    found = judge_translation(Answering(lambda x: -x), domains, features="none", count=5)
    assert found.scores["model"]["l1"].value == 0
    assert found.scores["model"]["l1"].stamp.real == 5
    with pytest.raises(UsageError, match="no true translation"):
        judge_translation(Answering(lambda x: x), TwoDomainData(pairs.target, pairs.target))


@pytest.mark.parametrize(("have", "wanted"), [(1, 3), (3, 1), (4, 3), (2, 1), (3, 3)])
def test_the_baseline_has_the_target_s_shape(have: int, wanted: int) -> None:
    source = torch.rand(2, have, 8, 8) * 2 - 1
    made = untaught(source, torch.zeros(2, wanted, 16, 16))
    assert made is not None
    assert made.shape == (2, wanted, 16, 16)
    same = untaught(source, torch.zeros(2, wanted, 8, 8))
    assert same is not None
    if have != 3 or wanted == 3:
        assert torch.equal(same, source[:, :wanted].expand(-1, wanted, -1, -1))


def test_no_baseline_for_channels_that_say_nothing() -> None:
    assert untaught(torch.zeros(1, 5, 8, 8), torch.zeros(1, 3, 8, 8)) is None


def test_refusals() -> None:
    data = negatives()
    with pytest.raises(UsageError, match="makes samples from noise"):
        judge_translation(Answering(lambda x: x, translates=False), data)
    with pytest.raises(UsageError, match="from 1 to 3 channels, the data from 3 to 3"):
        judge_translation(Answering(lambda x: x, 1, 3), data)


class Staged:
    """A feature network of which the only stage is the pictures themselves."""

    name, weights, resizer, score_name = "pixels as a stage", "abc", "none", ""

    def features(self, image: Tensor, batch_size: int = 64) -> Tensor:
        return image.flatten(1)

    def probabilities(self, image: Tensor, batch_size: int = 64) -> None:
        return None

    def stages(self, image: Tensor) -> list[Tensor]:
        return [image]


def test_the_perceptual_distance_is_stamped_with_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "feature_network", lambda word, data, report: Staged())
    found = judge_translation(Answering(lambda x: -x), negatives())
    score = found.scores["model"]["perceptual"]
    assert (score.value, score.stamp.features, score.stamp.weights) == (0, "pixels as a stage", "abc")
    assert found.scores["source"]["perceptual"].value > 0.5


def test_without_its_weights_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(word: str, data: object, report: object) -> None:
        raise DataError("the weights are out of reach", "connect")

    monkeypatch.setattr(translation, "feature_network", away)
    found = judge_translation(Answering(lambda x: -x), negatives())
    assert list(found.scores["model"]) == ["psnr", "ssim", "l1"]
    assert "out of reach" in str(found)


def test_a_run_is_judged_by_the_data_that_it_learnt_from(tmp_path: Path) -> None:
    data = two_valued(count=16, size=16)
    torch.manual_seed(0)
    method = Pix2Pix(Pix2PixConfig(width=2, batch_size=2), data.spec)
    for _ in ganvas.train(method, data, ganvas.Run(tmp_path / "run"), steps=1):
        pass
    found = judge_run(tmp_path / "run", regression=tmp_path / "run", count=20, features="none")
    assert found.data == "two-valued"
    assert found.scores["model"] == found.scores["L1 alone"]
    assert found.scores["model"]["l1"].stamp.real == 20


def test_scores_are_those_of_the_pairs() -> None:
    data = negatives()
    source, target = data.held_out().pairs(256, 3)
    found = judge_translation(Answering(lambda x: x), data, features="none", seed=3)
    assert found.scores["model"]["psnr"].value == pytest.approx(float(psnr(source, target).mean()))
