"""Classifiers trained on samples: good samples teach as well as real ones, bad ones do not, and intervals are Student's."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from ganvas.data.batches import Images
from ganvas.errors import UsageError
from ganvas.metrics.classification import accuracy_after, augmentation, classification_accuracy, interval

CLASSES = ("upper", "lower", "left")


def bars(count: int, seed: int, *, noise: float = 0.4) -> Images:
    """Noisy 8x8 pictures with a bright half: the upper, the lower, or the left."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(count) % 3
    picture = torch.full((count, 1, 8, 8), -0.5)
    picture[label == 0, :, :4] = 0.5
    picture[label == 1, :, 4:] = 0.5
    picture[label == 2, :, :, :4] = 0.5
    return Images((picture + noise * torch.randn(picture.shape, generator=generator)).clamp(-1, 1), label)


def test_interval_is_students() -> None:
    values = [0.9, 0.92, 0.88, 0.95]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=found.mean, scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.standard_error == pytest.approx(stats.sem(values))
    with pytest.raises(UsageError, match="at least two"):
        interval([0.5])


def test_samples_of_the_distribution_teach_like_real_ones_and_swapped_labels_do_not() -> None:
    real, test = bars(300, 1), bars(150, 2)
    good, bad = bars(300, 3), bars(300, 4)
    bad = Images(bad.image, (bad.label + 1) % 3)
    found = classification_accuracy(good, real, test, CLASSES, repeats=2, steps=40)
    assert found.real.mean > 0.9
    assert abs(found.gap.mean) < 0.08
    assert found.gap.mean == pytest.approx(found.synthetic.mean - found.real.mean)
    assert classification_accuracy(bad, real, test, CLASSES, repeats=2, steps=40).synthetic.mean < 0.2


def test_augmentation_helps_where_real_pictures_are_few_and_harms_with_wrong_labels() -> None:
    real, test = bars(140, 1, noise=4.0), bars(150, 2, noise=4.0)
    (helped,) = augmentation(bars(900, 3, noise=4.0), real, test, CLASSES, counts=(130, 10**6), repeats=3, steps=60)
    assert helped.pictures == 130
    assert helped.gain.mean > 0.02
    wrong = bars(900, 3, noise=4.0)
    wrong = Images(wrong.image, (wrong.label + 1) % 3)
    (harmed,) = augmentation(wrong, real, test, CLASSES, counts=(130,), repeats=2, steps=60)
    assert harmed.gain.mean < -0.2
    assert harmed.alone.values == helped.alone.values[:2]


def test_refusals() -> None:
    few, one = bars(100, 1), Images(bars(300, 1).image, torch.zeros(300, dtype=torch.int64))
    with pytest.raises(UsageError, match="100 pictures of 3 classes teach"):
        accuracy_after(few, few, CLASSES, steps=1, seed=0)
    with pytest.raises(UsageError, match="300 pictures of 1 classes"):
        accuracy_after(one, few, CLASSES, steps=1, seed=0)
    with pytest.raises(UsageError, match="no labels"):
        classification_accuracy(Images(few.image), few, few, CLASSES)
    with pytest.raises(UsageError, match="fewer than 200"):
        augmentation(few, few, few, CLASSES)
