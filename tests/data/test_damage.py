"""Damage is a pure function of picture, row and draw, and does what its name says."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from tests.data.picture_files import fill
from torch import Tensor

from ganvas.data import ArrayData, open_source
from ganvas.data.damage import HIDDEN, KINDS, Damaged, degraded, normal, uniform
from ganvas.data.translation import PairData
from ganvas.errors import UsageError


def pictures(count: int = 12, channels: int = 3, side: int = 32) -> Tensor:
    small = torch.randint(0, 256, (count, channels, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))
    return torch.nn.functional.interpolate(small, (side, side), mode="bilinear")


def rows(count: int = 12) -> Tensor:
    return torch.arange(100, 100 + count)


def test_random_numbers_are_uniform_normal_and_independent_of_their_neighbours() -> None:
    flat = uniform(rows(200), 3, "x", 200)
    assert stats.kstest(flat.flatten().numpy(), "uniform").pvalue > 0.01
    bell = normal(rows(200), 3, "x", 201)
    assert stats.kstest(bell.flatten().numpy(), "norm").pvalue > 0.01
    for drawn in (flat, bell):
        for other in (drawn.roll(1, 0), drawn.roll(1, 1)):
            assert abs(float(np.corrcoef(drawn.flatten(), other.flatten())[0, 1])) < 0.02
    assert abs(float(np.corrcoef(flat.flatten(), uniform(rows(200), 4, "x", 200).flatten())[0, 1])) < 0.02


@pytest.mark.parametrize("kinds", [*KINDS, "noise+jpeg", "holes+scratches", "grey+down2", "scratches+noise+jpeg"])
def test_damage_depends_on_row_and_draw_alone(kinds: str) -> None:
    damage, image = Damaged(kinds, (3, 32, 32)), pictures()
    whole = damage(image, rows(), 5)
    assert whole.dtype == torch.uint8 and len(whole) == 12
    some = torch.tensor([7, 2])
    assert torch.equal(damage(image[some], rows()[some], 5), whole[some])
    random = set(kinds.split("+")) & {"holes", "scratches", "noise", "jpeg"}
    assert torch.equal(damage(image, rows(), 6), whole) is (not random)
    assert torch.equal(Damaged(kinds, (3, 32, 32), seed=1)(image, rows(), 5), whole) is (not random)
    assert not torch.equal(whole[:, :1].float(), image[:, :1].float())


def test_grey_is_pillows() -> None:
    image = pictures()
    for one, grey in zip(image, Damaged("grey", (3, 32, 32))(image, rows(), 0), strict=True):
        assert np.array_equal(np.asarray(Image.fromarray(one.permute(1, 2, 0).numpy()).convert("L")), grey[0].numpy())


@pytest.mark.parametrize("times", [2, 4])
def test_smaller_pictures_are_pillows_antialiased_ones(times: int) -> None:
    image, side = pictures(), 32 // times
    small, blurred = (Damaged(f"{kind}{times}", (3, 32, 32))(image, rows(), 0) for kind in ("down", "blur"))
    assert small.shape == (12, 3, side, side) and blurred.shape == image.shape
    for one, mine in zip(image, small, strict=True):
        theirs = np.asarray(Image.fromarray(one.permute(1, 2, 0).numpy()).resize((side, side), Image.Resampling.BICUBIC))
        assert np.abs(theirs.astype(int) - mine.permute(1, 2, 0).numpy()).max() <= 1


def test_holes_are_told_and_all_else_is_kept_bit_for_bit() -> None:
    image = pictures(200)
    made = Damaged("holes", (3, 32, 32))(image, torch.arange(200), 1)
    hidden = made[:, 3:] == 255
    assert set(made[:, 3].unique().tolist()) == {0, 255}
    assert torch.equal(made[:, :3][(~hidden).expand(-1, 3, -1, -1)], image[(~hidden).expand(-1, 3, -1, -1)])
    assert torch.all(made[:, :3][hidden.expand(-1, 3, -1, -1)] == HIDDEN)
    share = hidden.float().mean((1, 2, 3))
    assert 0.08 < share.mean() < 0.4 and share.max() < 0.8 and share.min() > 0


def test_noise_has_the_stated_deviation() -> None:
    image = torch.full((300, 1, 32, 32), 128, dtype=torch.uint8)
    deviation = (Damaged("noise", (1, 32, 32))(image, torch.arange(300), 0).float() / 255).flatten(1).std(1)
    assert 0.035 < deviation.min() < 0.06 and 0.17 < deviation.max() < 0.21


def test_scratches_are_thin_and_jpeg_is_a_jpeg() -> None:
    image = pictures(100, side=64)
    scratched = Damaged("scratches", (3, 64, 64))(image, torch.arange(100), 0)
    changed = (scratched != image).any(1)
    assert 0.01 < changed.float().mean() < 0.25 and changed.flatten(1).any(1).float().mean() > 0.95
    assert set(scratched[changed[:, None].expand(-1, 3, -1, -1)].unique().tolist()) == {0, 255}
    one = pictures(1)
    made = Damaged("jpeg", (3, 32, 32))(one, rows(1), 0)[0].permute(1, 2, 0).numpy()
    candidates = []
    for quality in range(5, 41):
        buffer = BytesIO()
        Image.fromarray(one[0].permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=quality)
        candidates.append(np.array_equal(np.asarray(Image.open(buffer)), made))
    assert any(candidates)


@pytest.mark.parametrize(
    ("kinds", "shape", "said"),
    [
        ("rust", (3, 32, 32), "no damage called 'rust'"),
        ("noise+noise", (3, 32, 32), "names a kind twice"),
        ("grey", (1, 28, 28), "1 channels cannot be made grey"),
        ("down2+noise", (3, 32, 32), "changes the size before its end"),
        ("down4", (3, 30, 30), "30x30 is no multiple of 4"),
        ("jpeg", (4, 32, 32), "JPEG has no 4 channels"),
    ],
)
def test_damage_that_cannot_be_is_refused(kinds: str, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Damaged(kinds, shape)


def test_any_source_can_be_damaged_and_judged_on_other_damage(tmp_path: Path, cache: Path) -> None:
    root = fill(tmp_path / "photos", 30)
    data = open_source(f"degraded:scratches:{root}", held_damage="noise+jpeg", mirror=True, size=24)
    assert isinstance(data, PairData) and len(data) == 27 and len(data.held_out()) == 3
    assert data.spec.shape == data.spec.source == (3, 24, 24)
    held = data.held_out()
    same = open_source(f"degraded:scratches:{root}", size=24).held_out()
    assert isinstance(same, PairData)
    assert torch.equal(held.real(3).image, same.real(3).image) and not torch.equal(held.pairs(3).source, same.pairs(3).source)
    again = open_source(**data.recipe)
    assert again.fingerprint == data.fingerprint and torch.equal(
        again.stream(5, seed=1).at(9).source, data.stream(5, seed=1).at(9).source
    )
    stream = open_source(f"degraded:holes:{root}").stream(9, seed=0)
    assert next(stream).source.shape == (9, 4, 32, 32)
    small = open_source(f"degraded:down2:{root}")
    assert small.spec.source == (3, 16, 16) and small.spec.shape == (3, 32, 32)


def test_what_cannot_be_damaged_is_refused(cache: Path) -> None:
    for source, said in (
        ("degraded:noise", "names no damage and source"),
        ("degraded:rust:photos", "no damage called 'rust'"),
        ("degraded:noise:points:ring", "no pictures that can be damaged"),
        ("degraded:noise:two-valued", "no pictures that can be damaged"),
    ):
        with pytest.raises(UsageError, match=said):
            open_source(source)
    data = ArrayData(pictures(), name="made", test=lambda: ArrayData(pictures(4)))
    with pytest.raises(UsageError, match="leaves other shapes"):
        degraded(data, "noise", held_damage="holes").held_out()
