"""The joined patch distance tells what goes with its condition and looks real from what does only one of the two."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.data.two_valued import two_valued
from ganvas.errors import UsageError
from ganvas.metrics.patches import PatchDistance, bands


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def soft(count: int, seed: int, channels: int = 1) -> Tensor:
    """Pictures 16x16 that differ in their coarse parts."""
    return interpolate(noise(count, channels, 4, 4, seed=seed), size=(16, 16), mode="bilinear", align_corners=False)


@pytest.mark.parametrize("size", [(3, 5), (8, 8), (15, 17), (31, 40)])
def test_the_bands_of_a_pyramid_add_up_to_the_picture(size):
    picture = noise(2, 3, *size)
    found = bands(picture)
    assert len(found) == 1 + max(0, int(math.log2(max(1, min(size) / 8))))
    whole = found[-1]
    for band in reversed(found[:-1]):
        whole = band + interpolate(whole, size=band.shape[2:], mode="bilinear", align_corners=False)
    assert torch.allclose(whole, picture, atol=1e-6)


def test_the_distance_is_the_mmd_of_its_definition():
    real, made, condition, other = (soft(6, seed)[:, :, :8, :8] for seed in range(4))  # one band
    distance = PatchDistance(real, condition)
    ((rows, columns, side),) = distance.places
    assert side == 5

    def cut(pictures: Tensor) -> list[Tensor]:
        where = [(n, int(rows[n, k]), int(columns[n, k])) for n in range(6) for k in range(rows.shape[1])]
        return [pictures[n, 0, r : r + 5, c : c + 5].flatten().double() for n, r, c in where][:: rows.shape[1] // 2]

    sides = [cut(pictures) for pictures in (real, made, condition, other)]
    kept = PatchDistance(real, condition)
    kept.a_picture = 2
    kept.places = [(rows[:, :: rows.shape[1] // 2], columns[:, :: rows.shape[1] // 2], 5)]
    kept.real, kept.condition = kept.patches(real), kept.conditions(condition)
    kept.real_pairs = [kept.kernel(kept.real[0], kept.real[0], kept.widths[0])]
    kept.weights = kept.likeness(kept.condition, kept.condition)
    kept.scale = [float(kept.weights[0].double().mean())]

    def k(a: Tensor, b: Tensor) -> float:
        d = math.sqrt(float((a - b).square().sum()) + 25 * 0.04**2) - 5 * 0.04
        return sum(math.exp(-d / (kept.widths[0] * width)) for width in (0.5, 1, 2)) / 3

    def w(a: Tensor, b: Tensor) -> float:
        return math.exp(-float((a - b).norm()) / kept.condition_widths[0])

    y, z, c, e = sides
    n = range(len(y))
    total = sum(w(c[i], c[j]) * k(y[i], y[j]) + w(e[i], e[j]) * k(z[i], z[j]) - 2 * w(c[i], e[j]) * k(y[i], z[j])
                for i in n for j in n)  # fmt: skip
    expected = (total / sum(w(c[i], c[j]) for i in n for j in n)) ** 0.5
    assert float(kept.to(made, other)[0]) == pytest.approx(expected, rel=1e-3)


def test_real_pictures_are_at_0_and_parts_are_compared_with_their_own_place():
    real, condition = soft(40, 1), soft(40, 2)
    distance = PatchDistance(real, condition)
    assert distance.to(real, blocks=4).tolist() == [0] * 5
    half = torch.cat([real[:20], soft(20, 3)])
    whole, first, second = distance.to(half, blocks=2).tolist()
    assert first == 0 < whole < second


def test_deciding_for_one_of_two_answers_is_nearer_than_answering_between_them():
    source, target = two_valued(count=2, size=16).held_out().pairs(300)
    inside = (source > 0).float()
    distance = PatchDistance(target, source)
    scores = [float(distance.to(inside * value)[0]) for value in (0, 0.3, 0.6, 0.9)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 1.5 * scores[-1]
    signs = torch.randint(0, 2, (300, 1, 1, 1), generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    assert float(distance.to(inside * signs)[0]) < 0.6 * scores[-1]


def test_an_ignored_condition_is_seen_only_where_it_is_joined():
    source = soft(200, 1)
    target = -source
    other = target.roll(1, 0)
    alone, joined = PatchDistance(target), PatchDistance(target, source)
    assert float(joined.to(other)[0]) > 4 * float(alone.to(other)[0])


def test_labels_are_conditions_too():
    label = torch.arange(200) % 3
    real, made = (soft(200, seed) * 0.3 + label.view(-1, 1, 1, 1) / 2 - 0.5 for seed in (1, 2))
    distance = PatchDistance(real, label)
    right, wrong = (float(distance.to(made, asked)[0]) for asked in (label, (label + 1) % 3))
    assert wrong > 4 * right
    vectors = torch.nn.functional.one_hot(label)
    assert float(PatchDistance(real, vectors).to(made, vectors)[0]) == pytest.approx(right, rel=1e-5)


def test_what_nobody_sees_counts_for_little():
    real = torch.where(soft(100, 1) > 0, 1.0, -1.0)  # flat areas with edges
    unseen, seen, blurred = real + 0.01 * noise(*real.shape), real + 0.2 * noise(*real.shape), avg_pool2d(real, 3, 1, 1)
    distance = PatchDistance(real)
    scores = [float(distance.to(pictures)[0]) for pictures in (unseen, seen, blurred)]
    assert scores[0] < 0.1 * min(scores[1:])


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UsageError, match="as many conditions"):
        PatchDistance(noise(4, 1, 8, 8), noise(3, 1, 8, 8))
    with pytest.raises(UsageError, match="as many of one shape"):
        PatchDistance(noise(4, 1, 8, 8)).to(noise(4, 1, 8, 9))
    flat = torch.zeros(4, 1, 2, 2)
    assert float(PatchDistance(flat, flat).to(flat + 0.5)[0]) > 0
