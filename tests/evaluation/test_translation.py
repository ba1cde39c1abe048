"""Translators of known quality in one table with their baselines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.evaluation.translation import judge_translation, untaught
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
    assert all(gain.value > 0 and gain.certain for gain in found.gains if gain.measure != "psnr")
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


def test_scores_are_those_of_the_pairs() -> None:
    data = negatives()
    source, target = data.held_out().pairs(256, 3)
    found = judge_translation(Answering(lambda x: x), data, features="none", seed=3)
    assert found.scores["model"]["psnr"].value == pytest.approx(float(psnr(source, target).mean()))
