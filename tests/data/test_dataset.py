"""The stream is a pure function of (seed, rank, cursor), and pixels are converted exactly."""

from __future__ import annotations

import pytest
import torch

from ganvas.data import ArrayData, Stream
from ganvas.data.dataset import permutation, to_float
from ganvas.errors import UsageError


def numbered(count: int = 50, classes: int = 5, **settings: object) -> ArrayData:
    """Pictures 1x2x3 whose every pixel is the row's number, and whose class is number % classes."""
    number = torch.arange(count, dtype=torch.uint8)
    images = number.view(-1, 1, 1, 1).expand(-1, 1, 2, 3).contiguous()
    labels = number.to(torch.int64) % classes
    return ArrayData(images, labels, classes=[f"class {index}" for index in range(classes)], **settings)  # type: ignore[arg-type]


def numbers(image: torch.Tensor) -> list[int]:
    return ((image[:, 0, 0, 0].double() + 1) * 127.5).round().int().tolist()


def test_conversion_is_correctly_rounded_and_exact_at_both_ends() -> None:
    pixel = torch.arange(256, dtype=torch.uint8)
    converted = to_float(pixel)
    assert converted.dtype == torch.float32
    assert converted[0] == -1 and converted[255] == 1
    assert torch.equal(converted, ((pixel.double() - 127.5) / 127.5).float())
    assert torch.equal(((converted + 1) * 127.5).round().to(torch.uint8), pixel)


def test_batches_match_their_pictures_and_labels() -> None:
    stream = numbered().stream(8, seed=3)
    image, label = next(stream)
    assert image.shape == (8, 1, 2, 3) and image.dtype == torch.float32
    assert label is not None and label.tolist() == [number % 5 for number in numbers(image)]


def test_an_epoch_sees_every_picture_once_but_the_tail_that_changes() -> None:
    stream = numbered(50).stream(8, seed=0)
    epochs = [[number for _ in range(6) for number in numbers(next(stream).image)] for _ in range(4)]
    tails = set()
    for epoch in epochs:
        assert len(set(epoch)) == 48
        tails.add(tuple(sorted(set(range(50)) - set(epoch))))
    assert len(tails) > 1
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("mirror", [False, True])
def test_any_cursor_gives_the_batch_that_drawing_up_to_it_gives(mirror: bool) -> None:
    data = ArrayData(torch.randint(0, 256, (30, 3, 4, 4), dtype=torch.uint8), mirror=mirror)
    drawn = data.stream(7, seed=5)
    batches = [next(drawn).image for _ in range(20)]
    again = data.stream(7, seed=5)
    for cursor in (19, 0, 7, 8, 3, 11):
        assert torch.equal(again.at(cursor).image, batches[cursor])
    again.cursor = 12
    assert torch.equal(next(again).image, batches[12])
    assert again.cursor == 13


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_out_the_global_batch(world: int, mirror: bool) -> None:
    data = ArrayData(torch.randint(0, 256, (40, 1, 4, 4), dtype=torch.uint8), mirror=mirror)
    alone = data.stream(4 * world, seed=1)
    ranks = [data.stream(4, seed=1, rank=rank, world=world) for rank in range(world)]
    for _ in range(15):
        assert torch.equal(next(alone).image, torch.cat([next(rank).image for rank in ranks]))


def test_the_seed_decides_the_order_and_the_order_is_pinned_for_all_time() -> None:
    first, same, other = (numbers(next(numbered().stream(10, seed=seed)).image) for seed in (0, 0, 1))
    assert first == same != other
    assert permutation(8, 0, 0, 0).tolist() == [7, 2, 0, 4, 3, 5, 6, 1]


def test_mirroring_flips_about_half_and_changes_nothing_else() -> None:
    images = torch.arange(200, dtype=torch.uint8).view(-1, 1, 1, 1) * torch.ones(1, 1, 1, 3, dtype=torch.uint8)
    images[:, 0, 0, 0] = 255
    data = ArrayData(images, mirror=True)
    batch = data.stream(200, seed=0).at(0).image[:, 0, 0]
    flipped = batch[:, 2] == 1
    assert 70 <= int(flipped.sum()) <= 130
    assert torch.all(torch.where(flipped, batch[:, 2], batch[:, 0]) == 1)
    assert torch.equal(batch[:, 1].sort().values, to_float(torch.arange(200, dtype=torch.uint8)))


def test_a_batch_beyond_the_data_is_refused_with_the_largest_that_fits() -> None:
    with pytest.raises(UsageError, match="at most 25"):
        numbered(50).stream(26, seed=0, rank=1, world=2)
    assert isinstance(numbered(50).stream(25, seed=0, rank=1, world=2), Stream)


@pytest.mark.parametrize(("size", "rank", "world"), [(0, 0, 1), (-1, 0, 1), (4, 2, 2), (4, -1, 2)])
def test_senseless_ranks_and_sizes_are_refused(size: int, rank: int, world: int) -> None:
    with pytest.raises(UsageError):
        numbered().stream(size, seed=0, rank=rank, world=world)


def test_only_narrows_by_name_or_index_and_renumbers() -> None:
    data = numbered(50)
    one = data.only("class 3")
    assert len(one) == 10 and one.spec.classes == ("class 3",)
    image, label = next(one.stream(10, seed=0))
    assert sorted(numbers(image)) == list(range(3, 50, 5))
    assert label is not None and label.tolist() == [0] * 10
    assert one.fingerprint == data.only(3).fingerprint == data.only("3").fingerprint != data.fingerprint
    two = data.only(4, 1)
    image, label = two.real(20)
    assert label is not None and [(4, 1)[index] for index in label.tolist()] == [number % 5 for number in numbers(image)]


def test_only_refuses_what_is_not_there() -> None:
    with pytest.raises(UsageError, match="it has class 0"):
        numbered().only("cat")
    with pytest.raises(UsageError):
        numbered().only(5)
    with pytest.raises(UsageError, match="no labels"):
        ArrayData(torch.zeros(4, 1, 2, 2, dtype=torch.uint8)).only(0)


def test_split_keeps_training_and_held_out_apart() -> None:
    data = numbered(50).split(0.1)
    held = data.held_out()
    assert (len(data), len(held)) == (45, 5)
    assert set(numbers(data.real(45).image)) | set(numbers(held.real(5).image)) == set(range(50))
    assert len({data.fingerprint, held.fingerprint, numbered(50).fingerprint}) == 3
    assert numbers(numbered(50).split(0.1).held_out().real(5).image) == numbers(held.real(5).image)
    narrowed = data.only(2)
    assert all(number % 5 == 2 for number in numbers(narrowed.real(50).image))


def test_only_narrows_the_held_out_part_too() -> None:
    held = numbered(100).split(0.3).only(2).held_out()
    assert len(held) and all(number % 5 == 2 for number in numbers(held.real(100).image))
    assert held.spec.classes == ("class 2",)


def test_data_without_a_held_out_part_says_how_to_get_one() -> None:
    with pytest.raises(UsageError, match="split"):
        numbered().held_out()


def test_real_is_a_fixed_subset_and_all_of_it_when_asked_for_more() -> None:
    data = numbered(50)
    assert torch.equal(data.real(10, seed=4).image, data.real(10, seed=4).image)
    assert not torch.equal(data.real(10, seed=4).image, data.real(10, seed=5).image)
    assert sorted(numbers(data.real(1000).image)) == list(range(50))


def test_the_fingerprint_follows_the_content() -> None:
    images = torch.randint(0, 256, (2500, 1, 2, 2), dtype=torch.uint8)
    changed = images.clone()
    changed[2400, 0, 1, 1] ^= 1
    assert ArrayData(images).fingerprint == ArrayData(images.clone(), name="other").fingerprint
    assert ArrayData(images).fingerprint != ArrayData(changed).fingerprint
    assert ArrayData(images).fingerprint != ArrayData(images.view(2500, 2, 2, 1)).fingerprint


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(4, 1, 2, 2), None),
        (torch.zeros(4, 2, 2, dtype=torch.uint8), None),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4)),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.full((4,), 2)),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.full((4,), -1)),
    ],
)
def test_arrays_of_the_wrong_kind_are_refused(images: torch.Tensor, labels: torch.Tensor | None) -> None:
    with pytest.raises(UsageError):
        ArrayData(images, labels, classes=("a", "b"))
