"""Scores that need a model or a classifier, on ten toy digits: bright bars that a small LeNet reads without fail."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.data import ArrayData, StackedDigits
from ganvas.data.batches import Images
from ganvas.errors import UsageError
from ganvas.evaluation import classifier_scores
from ganvas.evaluation.evaluate import evaluate
from ganvas.methods import CGAN, CGANConfig
from ganvas.runs import Model
from ganvas.runs.model import describe, own_tensors


def digits(count: int, seed: int) -> Images:
    """Pictures (N, 1, 8, 8) of ten classes: a bright row, or for 8 and 9 a bright column, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(10, (count,), generator=generator)
    picture = torch.full((count, 1, 8, 8), -0.8)
    for kind in range(8):
        picture[label == kind, :, kind] = 0.8
    picture[label == 8, :, :, 2], picture[label == 9, :, :, 5] = 0.8, 0.8
    return Images((picture + 0.1 * torch.randn(picture.shape, generator=generator)).clamp(-1, 1), label)


def as_data(pictures: Images) -> ArrayData:
    pixels = ((pictures.image + 1) * 127.5).round().to(torch.uint8)
    return ArrayData(pixels, pictures.label, classes=tuple("0123456789"), name="toy digits").split(0.25)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArrayData:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    return as_data(digits(2400, 0))


class Player(CGAN):
    """A conditional model that plays a part: it draws what ``made`` returns, and ignores its weights."""

    def made(self, label: Tensor) -> Tensor:
        raise NotImplementedError

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        return self.made(torch.arange(len(latent)) % 10 if label is None else label)


class Honest(Player):
    def made(self, label: Tensor) -> Tensor:
        pool = digits(400, int(label.sum()) + len(label))
        rows = torch.stack([(pool.label == kind).nonzero()[:, 0][index % 20] for index, kind in enumerate(label)])
        return pool.image[rows]


class Swapped(Honest):
    def made(self, label: Tensor) -> Tensor:
        return super().made((label + 1) % 10)


class Copier(Player):
    def made(self, label: Tensor) -> Tensor:
        rows = torch.randint(len(self.training_set), (len(label),), generator=torch.Generator().manual_seed(len(label)))
        return self.training_set[rows]


def model_of(kind: type[Player], data: ArrayData) -> Model:
    method = kind(CGANConfig(latent_size=4, width=4), data.spec).eval().requires_grad_(False)
    if isinstance(method, Copier):
        method.training_set = data.real(len(data)).image
    weights = own_tensors(method)
    return Model(method, weights, describe(method, weights, {"step": 7}))


def test_obedience_is_measured_beside_the_classifiers_own_accuracy(data: ArrayData) -> None:
    honest = evaluate(model_of(Honest, data), ["accuracy"], against=data, count=300)
    assert honest["accuracy"].value > 0.97
    assert honest.floors["accuracy"].value > 0.99
    swapped = evaluate(model_of(Swapped, data), ["accuracy"], against=data, count=300)
    assert swapped["accuracy"].value < 0.03
    assert any(words.startswith("accuracy: least for") for words in swapped.words)


def test_classification_accuracy_score_and_augmentation(data: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = partial(classifier_scores.classification_accuracy, steps=30, repeats=2)
    monkeypatch.setattr(classifier_scores, "classification_accuracy", quick)
    quick = partial(classifier_scores.augmentation, steps=30, repeats=2, counts=(150,))
    monkeypatch.setattr(classifier_scores, "augmentation", quick)
    found = evaluate(model_of(Honest, data), ["cas"], against=data, count=300)
    assert found["cas"].value > 0.9
    assert abs(found["cas"].value - found.floors["cas"].value) < 0.1
    assert found["cas"].standard_error is not None
    wrong = evaluate(model_of(Swapped, data), ["cas", "cas-augmented"], against=data, count=300)
    assert wrong["cas"].value < 0.1
    assert wrong["cas-augmented/150"].value < 0


def test_copies_are_found_and_honesty_is_not_accused(data: ArrayData) -> None:
    copied = evaluate(model_of(Copier, data), ["memorisation"], against=data, count=400)
    assert copied["memorisation"].value > 0.8
    assert copied.words[0].startswith("copies training samples")
    honest = evaluate(model_of(Honest, data), ["memorisation"], against=data, count=400)
    assert honest.measured[0].facts["detected"] is False
    assert honest.words[0].startswith("copying: no")


def test_path_length_of_a_generator_that_ignores_its_latent_is_zero(data: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.evaluation.feature_scores.PATHS", 100)
    assert evaluate(model_of(Honest, data), ["ppl"], against=data, count=100)["ppl"].value == 0
    with pytest.raises(UsageError, match="ppl needs a model"):
        evaluate(digits(100, 3).image, ["ppl"], against=data)


def test_stacked_modes_are_counted_by_a_classifier(data: ArrayData) -> None:
    stacked = StackedDigits(data)
    one = digits(600, 5)
    only_seven = one.image[one.label == 7]
    triples = only_seven[torch.arange(10_000) % len(only_seven)].repeat(1, 3, 1, 1)
    collapsed = evaluate(triples, ["modes"], against=stacked, count=500)
    assert collapsed["modes"].value == 1
    assert collapsed.floors["modes"].value > 990
    assert "of 1,000, read by a classifier with 100.00%" in collapsed.words[0]
    varied = evaluate(stacked.real(12_000, 9).image, ["modes"], against=stacked, count=500)
    assert varied["modes"].value > 990
    assert varied["modes/kl"].value == pytest.approx(999 / 24_000, rel=0.3)
    with pytest.raises(UsageError, match="modes needs 10,000 samples a side for 1,000 modes, there are 500"):
        evaluate(triples[:500], ["modes"], against=stacked)


def test_one_class_is_refused(data: ArrayData) -> None:
    with pytest.raises(UsageError, match="conditional model and labelled pictures of its classes"):
        evaluate(model_of(Honest, data), ["accuracy"], against=data.only(3), features="raw", count=60)
    single = data.only(3)
    with pytest.raises(UsageError, match="needs more than the one class"):
        evaluate(model_of(Honest, single), ["accuracy"], against=single, features="raw", count=60)
