"""Translators of two domains, or by labels, of which the quality is known, judged without pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import ArrayData, to_float
from ganvas.data.joint import JointData, of_another
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.evaluation.unpaired import judge_unpaired
from ganvas.metrics.domains import domain_judge
from ganvas.runs import Model


class Answering(Model):
    """A model that answers with a function of picture and label; ``back`` undoes it."""

    def __init__(self, spec: Spec, there: Callable[..., Tensor], back: Callable[[Tensor], Tensor] | None = None) -> None:
        self.spec, self.there, self.back, self.method_name = spec, there, back, "planted"
        self.method = cast(Any, nn.Module())
        self.method.translates, self.method.conditional = True, bool(spec.domains)

    def translate(self, source: Tensor, label: Tensor | None = None, *, back: bool = False, **_: Any) -> Tensor:
        if not back:
            return self.there(source) if label is None else self.there(source, label)
        if self.back is None:
            raise UsageError("planted does not translate back", "")
        return self.back(source)


def soft(count: int, seed: int) -> Tensor:
    """Soft pictures in 0..0.6, float (count, 3, 16, 16)."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, size=(16, 16), mode="bilinear") * 0.6


def dark_and_bright(*, pairs: bool = False) -> TwoDomainData:
    """Dark pictures, and others that are brighter by 0.3."""
    x, y = (soft(120, 0) * 255).byte(), ((soft(120, 1) + 0.3) * 255).byte()
    true = (lambda: PairData(x[:20], (soft(120, 0)[:20] * 255 + 76.5).byte())) if pairs else None
    return TwoDomainData(x, y, true=true).split(0.3)


def brighter(source: Tensor) -> Tensor:
    return source + 0.6


def darker(source: Tensor) -> Tensor:
    return source - 0.6


def test_a_translator_that_arrives_and_keeps() -> None:
    data = dark_and_bright()
    found = judge_unpaired(Answering(data.spec, brighter, darker), data, features="raw")
    assert found["cycle L1"].score.value < 1e-6
    taken = found["domain accuracy"]
    assert taken.score.value > 0.9 and taken.untouched is not None and taken.untouched < 0.1 and taken.real is not None
    assert taken.real > 0.9
    distance = found.findings[2]
    assert distance.untouched is not None and distance.real is not None
    assert distance.score.value < 0.5 * distance.untouched
    assert any("arrive" in words for words in found.words) and any("nearer to the real" in words for words in found.words)
    told = json.loads(json.dumps(found.to_json()))
    assert (told["kind"], len(told["scores"])) == ("unpaired translation", 3)
    assert "untouched" in str(found) and "36 held-out pictures" in str(found)


@pytest.mark.parametrize(
    ("there", "back", "cycle", "arrives", "words"),
    [
        (lambda x: x, lambda y: y, 0.0, False, "because nothing was changed"),
        (lambda x: torch.full_like(x, 0.2), lambda y: y, 0.2, True, "arrive"),
    ],
)
def test_no_score_alone_says_it(there, back, cycle, arrives, words) -> None:
    data = dark_and_bright()
    found = judge_unpaired(Answering(data.spec, there, back), data, features="none")
    assert (found["cycle L1"].score.value > 0.2) == (cycle > 0)
    assert (found["domain accuracy"].score.value > 0.5) == arrives
    assert any(words in each for each in found.words)
    assert len(found.findings) == 2


def test_true_pairs_are_judged_where_they_are_known() -> None:
    data = dark_and_bright(pairs=True)
    found = judge_unpaired(Answering(data.spec, brighter, darker), data, features="none")
    assert found.pairs is not None and found.pairs.scores["model"]["l1"].value < 0.01
    assert "On true pairs" in str(found) and "pairs" in found.to_json()


def test_a_translator_by_labels() -> None:
    hue = torch.arange(120) % 3
    images = (soft(120, 0) * 255).byte()
    images[torch.arange(120), hue] = 255
    data = ArrayData(images, hue, classes=("red", "green", "blue")).split(0.3)

    def paint(source: Tensor, label: Tensor) -> Tensor:
        grey = source.amin(1, keepdim=True).expand(-1, 3, -1, -1).clone()
        grey[torch.arange(len(source)), label] = 1.0
        return grey

    spec = data.spec
    found = judge_unpaired(Answering(spec, paint), data, features="none")
    taken = found["domain accuracy"]
    assert taken.score.value > 0.95 and taken.untouched is not None and taken.untouched < 0.1
    assert found["cycle L1"].score.value > 0.05
    lazy = judge_unpaired(Answering(spec, lambda source, label: source), data, features="none")
    assert lazy["domain accuracy"].score.value < 0.1
    with pytest.raises(UsageError, match="is other data"):
        judge_unpaired(Answering(spec, paint), dark_and_bright(), features="none")


def test_attributes_that_should_stay_are_judged_apart() -> None:
    rows = torch.arange(160)
    label = torch.stack([rows % 2, rows // 2 % 2], 1)
    images = (soft(160, 0) * 100).byte()
    images[:, 0, :8] += 150 * label[:, 0, None, None].byte()
    images[:, 2, 8:] += 150 * label[:, 1, None, None].byte()
    data = ArrayData(images, label, attributes=(("top",), ("bottom",))).split(0.3)

    def top_alone(source: Tensor, wanted: Tensor) -> Tensor:
        """Sets the top as asked, and always takes the bottom away."""
        made = source.clone()
        is_red = source[:, 0, :8].mean((1, 2)) > 0
        made[:, 0, :8] += (150 / 127.5) * (wanted[:, 0].float() - is_red.float())[:, None, None]
        made[:, 2, 8:] -= (150 / 127.5) * (source[:, 2, 8:].mean((1, 2)) > 0).float()[:, None, None]
        return made

    found = judge_unpaired(Answering(data.spec, top_alone), data, features="none", count=40)
    was = data.held_out().real(80).label
    assert was is not None
    was = was[0::2]
    asked = of_another(was, data.spec)
    right = torch.stack([torch.ones(len(was), dtype=torch.bool), asked[:, 1] == 0], 1)  # the bottom, only if it was to go
    for name, where in (("domain accuracy", asked != was), ("kept attributes", asked == was)):
        assert 0 < right[where].double().mean() < 1
        assert found[name].score.value == pytest.approx(right[where].double().mean().item(), abs=0.05)
    assert found["domain accuracy"].untouched == 0
    assert found["kept attributes"].untouched == found["kept attributes"].real == 1


def test_of_several_sets_only_what_is_known_counts() -> None:
    halves, parts = (slice(0, 8), slice(8, 16)), []
    for number, name in enumerate(("top", "bottom")):
        label = (torch.arange(160) % 2)[:, None]
        images = (soft(160, number) * 100).byte()
        images[:, 2 * number, halves[number]] += 150 * label[:, :, None].byte()
        parts.append(ArrayData(images, label, attributes=((name,),), name=name).split(0.3))
    data = JointData(parts)

    def paint(source: Tensor, wanted: Tensor) -> Tensor:
        made = source.clone()
        for number, half in enumerate(halves):
            own = wanted[:, 2 + number] > 0
            has = (source[:, 2 * number, half].mean((1, 2)) > 0).float()
            change = (150 / 127.5) * (wanted[:, number].float() - has) * own
            made[:, 2 * number, half] += change[:, None, None]
        return made

    found = judge_unpaired(Answering(data.spec, paint), data, features="none", count=40)
    taken, kept = found["domain accuracy"], found["kept attributes"]
    assert taken.score.value > 0.9 and taken.untouched is not None and taken.untouched < 0.1
    assert kept.score.value > 0.9 and taken.real is not None and taken.real > 0.9


def test_the_judge_learns_groups_and_leaves_the_generator_alone() -> None:
    state = torch.get_rng_state()
    pictures = to_float(torch.zeros(40, 1, 80, 90, dtype=torch.uint8))
    label = torch.nn.functional.one_hot(torch.arange(40) % 2, 2)
    pictures[1::2] += 1
    judge = domain_judge(Images(pictures, label), [2], steps=60)
    assert judge.right(pictures, label).all() and not judge.right(pictures, 1 - label).any()
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(UsageError, match="teach no classifier"):
        domain_judge(Images(pictures[:4], label[:4]), [2])
