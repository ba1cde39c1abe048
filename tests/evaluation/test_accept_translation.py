"""The rows of level 3 by themselves: they measure what they say, pass true translators, and fail what has not learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.data import ArrayData
from ganvas.data.batches import Pairs
from ganvas.data.coloured_digits import domains_of, hues_of, in_every_hue, inked, uninked
from ganvas.data.dataset import to_float
from ganvas.data.translation import PairData
from ganvas.evaluation.accept import LEVELS, hues, pictures
from ganvas.evaluation.accept import inked as ink
from ganvas.evaluation.accept.hues import Dyed, dyed
from ganvas.evaluation.accept.inked import Kept, kept
from ganvas.evaluation.accept.pictures import Painted, painted
from ganvas.evaluation.accept.two_valued import decides
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.metrics.networks import FeatureNetwork


def test_level_three_has_its_rows() -> None:
    assert [check.name for check in LEVELS[3]] == ["C2", "C3a", "C3b", "C3c"]


def test_a_net_that_has_not_learnt_to_decide_fails() -> None:
    """After two steps both nets give about 0 everywhere: right for the regression, wrong for the other; outside is right."""
    outcome = decides(0, steps=2)
    assert not outcome.passed
    assert outcome.facts["critic"] < 0.5
    assert 0.1 < outcome.facts["alone_l1"] < 0.5
    assert outcome.facts["pairs"] == 512


def digits(side: int = 12) -> ArrayData:
    """Pictures that are all different, labelled, with a test set of other pictures."""

    def part(seed: int, size: int) -> ArrayData:
        coarse = torch.rand(size, 1, 4, 4, generator=torch.Generator().manual_seed(seed)).round()
        pixels = (interpolate(coarse, (side, side)) * 255).to(torch.uint8)
        return ArrayData(pixels, torch.arange(size) % 10, classes=tuple("0123456789"), name=f"digits {seed}")

    return part(0, 40).whole(lambda: part(1, 20))


def noise(data: ArrayData) -> LeNetFeatures:
    return LeNetFeatures(LeNet(data.spec).eval(), "lenet (noise)", 0.995, "00", data.spec)


def nearest(pictures: Tensor, known: Tensor) -> Tensor:
    """Which of the known pictures each one is most like, (N,)."""
    return torch.cdist(pictures.flatten(1), known.flatten(1)).argmin(1)


# -- C3a --------------------------------------------------------------------------------------------------------------


def in_ink(grey: Tensor) -> Tensor:
    return to_float(inked(((grey + 1) * 127.5).round().to(torch.uint8)))


@pytest.fixture
def truth() -> Pairs:
    grey = digits().held_out().real(20).image
    return Pairs(grey, in_ink(grey))


def judged(truth: Pairs, there: ink.Translate, back: ink.Translate) -> Kept:
    return kept(there, back, truth, torch.arange(20), lambda made: nearest(made, truth.target))


def test_the_true_translation_keeps_everything(truth: Pairs) -> None:
    true = judged(truth, in_ink, uninked)
    assert true.labels == 1 and true.cycle < 0.01 and true.psnr > 60
    assert ink.verdict(true, true._replace(labels=0.79)).passed
    assert not ink.verdict(true, true._replace(labels=0.81)).passed  # cycles that are not needed prove nothing
    assert not ink.verdict(true._replace(cycle=0.051), true._replace(labels=0)).passed


def test_doing_nothing_keeps_no_labels(truth: Pairs) -> None:
    untouched = judged(truth, lambda grey: grey.expand(-1, 3, -1, -1), lambda colour: colour.mean(1, keepdim=True))
    assert untouched.labels < 0.5 and untouched.psnr < 10
    assert not ink.verdict(untouched, untouched._replace(labels=0)).passed


def test_cycles_that_exchange_digits_fail(truth: Pairs) -> None:
    """Each digit becomes the next one in true ink, and that is undone: the cycle error is 0, and every label is lost."""
    shifted = judged(truth, lambda grey: in_ink(grey.roll(1, 0)), lambda colour: uninked(colour).roll(-1, 0))
    assert shifted.cycle < 0.01 and shifted.labels < 0.1
    assert not ink.verdict(shifted, shifted._replace(labels=-1)).passed


def test_cycles_are_judged_from_both_sides(truth: Pairs) -> None:
    """A way back that always shows one and the same digit: there and back fails, whatever the other order does."""
    flat = judged(truth, in_ink, lambda colour: -torch.ones_like(colour[:, :1]))
    assert flat.labels == 1 and flat.cycle > 0.5


def test_cyclegan_row_runs_and_fails_untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = digits()
    monkeypatch.setattr(ink, "mnist", lambda: plain)
    monkeypatch.setattr(ink, "inked_digits", lambda: domains_of(plain, "inked", {}))
    monkeypatch.setattr(ink, "lenet", noise)
    monkeypatch.setattr(ink, "SETTINGS", {**ink.SETTINGS, "width": 4, "batch_size": 2})
    outcome = ink.keeps_digits(0, steps=2, count=12)
    assert not outcome.passed
    assert outcome.facts["with cycles"]["cycle"] > 0.05
    assert outcome.facts["with cycles"] != outcome.facts["without"]


def test_ink_for_the_judge_is_the_domains_own() -> None:
    plain = digits()
    judged, pairs = ink.in_ink(plain), domains_of(plain, "inked", {}).true_pairs()
    assert torch.equal(judged.held_out().images, pairs.target) and torch.equal(judged.labels, plain.labels)
    assert judged.spec.classes == plain.spec.classes


# -- C3b --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def every_hue() -> Tensor:
    return in_every_hue(digits().held_out(), 20)[0]


def judged_hues(every_hue: Tensor, translate: hues.Callable[[Tensor, Tensor], Tensor]) -> Dyed:
    known = every_hue.flatten(0, 1)
    return dyed(
        translate,
        every_hue,
        torch.arange(20),
        lambda made: nearest(made, known) // 20,
        lambda made: nearest(made, known) % 20,
    )


def test_true_hues_pass(every_hue: Tensor) -> None:
    known = every_hue.flatten(0, 1)
    found = judged_hues(every_hue, lambda source, hue: every_hue[hue, nearest(source, known) % 20])
    assert found[:4] == (1, 1, 0, 0) and found.worst == 1
    assert hues.verdict(found).passed
    for name, worse in (("domain", 0.94), ("digit", 0.92), ("reconstruction", 0.06), ("own", 0.06)):
        assert not hues.verdict(found._replace(**{name: worse})).passed


def test_the_untouched_picture_has_the_wrong_hue(every_hue: Tensor) -> None:
    found = judged_hues(every_hue, lambda source, hue: source)
    assert found.domain == 0 and found.digit == 1 and found.reconstruction == 0
    assert not hues.verdict(found).passed


def test_the_right_hue_of_another_digit_fails(every_hue: Tensor) -> None:
    found = judged_hues(every_hue, lambda source, hue: every_hue[hue, torch.zeros_like(hue)])
    assert found.domain == 1 and found.digit == pytest.approx(1 / 20)
    assert not hues.verdict(found).passed


def test_stargan_row_runs_and_fails_untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = digits()
    monkeypatch.setattr(hues, "mnist", lambda: plain)
    monkeypatch.setattr(hues, "four_hue_mnist", lambda: hues_of(plain, {}))
    monkeypatch.setattr(hues, "lenet", noise)
    monkeypatch.setattr(hues, "SETTINGS", {**hues.SETTINGS, "width": 4, "batch_size": 4})
    outcome = hues.changes_hues(0, steps=1, count=4)
    assert not outcome.passed and outcome.facts["reconstruction"] > 0.05


def test_digits_in_hues_are_labelled_by_digit() -> None:
    plain = digits()
    data = hues_of(plain, {})
    labelled = hues.by_digit(data, plain)
    assert torch.equal(labelled.images, data.images) and torch.equal(labelled.labels, plain.labels)
    assert torch.equal(labelled.held_out().labels, plain.held_out().labels)


# -- C3c --------------------------------------------------------------------------------------------------------------


class Flat:
    """Pixels for features."""

    name, weights, resizer, score_name = "pixels", "", "none", "FD-pixels"

    def features(self, image: Tensor, batch_size: int = 64) -> Tensor:
        return image.flatten(1)

    def probabilities(self, image: Tensor, batch_size: int = 64) -> None:
        return None


def scores(critic: Tensor, target: Tensor) -> dict[str, Painted]:
    blurred = interpolate(avg_pool2d(target, 4), target.shape[2:], mode="bilinear")
    network: FeatureNetwork = Flat()
    return painted({"source": -target, "L1 alone": blurred, "critic": critic}, target, network, 0)


def test_true_pictures_pass_and_blurred_or_untouched_ones_fail() -> None:
    target = digits().real(40).image
    blurred = interpolate(avg_pool2d(target, 4), target.shape[2:], mode="bilinear")
    found = scores(target, target)
    assert found["critic"].psnr == 100 and found["critic"].kid < found["L1 alone"].kid
    assert pictures.verdict({"edges": found, "upscale": found}).passed
    for bad in (blurred, -target):
        outcome = pictures.verdict({"edges": found, "restore": scores(bad, target)})
        assert not outcome.passed and "restore (MISSED)" in outcome.measured and "edges (MISSED)" not in outcome.measured


def test_far_from_the_truth_or_below_bicubic_fails() -> None:
    def outcome(task: str, critic: float, source: float) -> bool:
        kids = {"source": (0.3, source), "L1 alone": (0.2, 20.0), "critic": (0.1, critic)}
        return pictures.verdict({task: {who: Painted(kid, 0.01, near) for who, (kid, near) in kids.items()}}).passed

    assert outcome("edges", 18.6, 19.0) and not outcome("edges", 18.4, 15.0)
    assert outcome("upscale", 19.1, 19.0) and not outcome("upscale", 18.9, 19.0)


def test_pix2pix_row_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.randint(0, 256, (24, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = PairData(target[:, :1].contiguous(), target).split(0.5)
    monkeypatch.setattr(pictures, "feature_network", lambda word, data: Flat())
    monkeypatch.setattr(pictures, "SETTINGS", {**pictures.SETTINGS, "width": 4, "batch_size": 4})
    outcome = pictures.repaints(0, steps=2, tasks={"edges": lambda: data})
    assert set(outcome.facts) == {"edges"} and set(outcome.facts["edges"]) == {"source", "L1 alone", "critic"}
    assert outcome.facts["edges"]["critic"] != outcome.facts["edges"]["L1 alone"]
