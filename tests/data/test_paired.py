"""Folders of pairs and of two domains: what belongs together stays together, and what does not is named."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.picture_files import noise

from ganvas.data import open_source
from ganvas.data.check_sides import check_paired, check_unpaired
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import DataError, UsageError


def negative(picture: Image.Image) -> Image.Image:
    return Image.fromarray(255 - np.asarray(picture))


def fill_pairs(root: Path, count: int = 24, *, a: str = "A", b: str = "B", start: int = 0) -> Path:
    """Pairs of which B is A's negative; B is named .bmp."""
    for folder in (a, b):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for seed in range(start, start + count):
        noise(seed).save(root / a / f"p{seed:03}.png")
        negative(noise(seed)).save(root / b / f"p{seed:03}.bmp")
    return root


def pairs_of(source: str, **options: object) -> PairData:
    data = open_source(source, **options)  # type: ignore[arg-type]
    assert isinstance(data, PairData)
    return data


def opposite(data: PairData) -> bool:
    source, target = data.pairs(99)
    return torch.equal(source, -target)


def test_equal_names_are_pairs_and_a_tenth_is_held_out(tmp_path: Path, cache: Path) -> None:
    data = pairs_of(f"paired:{fill_pairs(tmp_path / 'two')}")
    assert (len(data), len(data.held_out())) == (22, 2)
    assert data.spec.source == data.spec.shape == (3, 32, 32) and data.spec.paired
    assert opposite(data) and opposite(data.held_out())
    again = pairs_of(**data.recipe)
    assert again.fingerprint == data.fingerprint and torch.equal(again.real(3).image, data.real(3).image)
    assert str(next((cache / "packs").iterdir()))


def test_the_direction_can_be_turned(tmp_path: Path, cache: Path) -> None:
    root = fill_pairs(tmp_path / "two", 5)
    there, back = pairs_of(f"paired:{root}"), pairs_of(f"paired:{root}", direction="b-to-a")
    for first, second in zip(there.pairs(5), reversed(back.pairs(5)), strict=True):
        assert torch.equal(first.sort(0).values, second.sort(0).values)
    assert not torch.equal(there.pairs(5).source, back.pairs(5).source)
    assert back.recipe["direction"] == "b-to-a"
    with pytest.raises(UsageError, match="no direction 'c-to-d'"):
        pairs_of(f"paired:{root}", direction="c-to-d")


def test_the_two_sides_may_have_other_channels_and_one_size_policy(tmp_path: Path, cache: Path) -> None:
    for folder in ("A", "B"):
        (tmp_path / folder).mkdir()
    for seed in range(6):
        deep = np.asarray(noise(seed, (48, 40), "L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(tmp_path / "A" / f"{seed}.png")
        noise(seed, (48, 40)).save(tmp_path / "B" / f"{seed}.png")
    data = pairs_of(f"paired:{tmp_path}")
    assert data.spec.source == (1, 32, 32) and data.spec.shape == (3, 32, 32)
    other = pairs_of(f"paired:{tmp_path}", size=(20, 24), source_channels=3, channels=1)
    assert other.spec.source == (3, 20, 24) and other.spec.shape == (1, 20, 24)


def test_pictures_side_by_side_are_cut_in_half(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "pix"
    for part, count in (("train", 6), ("val", 3)):
        (root / part).mkdir(parents=True)
        for seed in range(count):
            both = Image.new("RGB", (64, 32))
            both.paste(noise(seed + 10 * (part == "val")), (0, 0))
            both.paste(negative(noise(seed + 10 * (part == "val"))), (32, 0))
            both.save(root / part / f"{seed}.png")
    data = pairs_of(f"paired:{root}")
    assert (len(data), len(data.held_out())) == (6, 3)
    assert data.spec.shape == (3, 32, 32) and opposite(data) and opposite(data.held_out())
    left = np.asarray(noise(0))
    sources = ((data.source.permute(0, 2, 3, 1).numpy() == left).all((1, 2, 3))).sum()
    assert sources == 1
    turned = pairs_of(f"paired:{root}", direction="b-to-a")
    assert torch.equal(turned.source, data.target) and torch.equal(turned.target, data.source)


def test_an_odd_width_has_no_halves(tmp_path: Path, cache: Path) -> None:
    for seed in range(3):
        noise(seed, (64, 32)).save(tmp_path / f"{seed}.png")
    noise(5, (63, 32)).save(tmp_path / "odd.png")
    data = pairs_of(f"paired:{tmp_path}", max_bad=0.5)
    assert len(data) == 3 and any("odd.png: 63x32: an odd width has no two halves" in note for note in data.notes)


@pytest.mark.parametrize(
    ("a", "b", "test_a", "test_b"), [("trainA", "trainB", "testA", "testB"), ("A/train", "B/train", "A/test", "B/test")]
)
def test_the_test_folders_are_what_is_held_out(tmp_path: Path, cache: Path, a: str, b: str, test_a: str, test_b: str) -> None:
    fill_pairs(tmp_path, 24, a=a, b=b)
    fill_pairs(tmp_path, 4, a=test_a, b=test_b, start=100)
    data = pairs_of(f"paired:{tmp_path}")
    assert (len(data), len(data.held_out())) == (24, 4) and opposite(data) and opposite(data.held_out())
    domains = open_source(f"unpaired:{tmp_path}")
    assert isinstance(domains, TwoDomainData) and domains.counts == (24, 24)
    held = domains.held_out()
    assert isinstance(held, TwoDomainData) and held.counts == (4, 4)


def test_pictures_without_partner_are_named_and_counted(tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill_pairs(tmp_path, 5)
    noise(50).save(tmp_path / "A" / "lonely.png")
    noise(51).save(tmp_path / "B" / "single.png")
    with caplog.at_level(logging.WARNING):
        data = pairs_of(f"paired:{tmp_path}")
    assert len(data) == 5 and opposite(data)
    assert "1 pictures of the source have no partner, such as lonely.png" in data.notes
    assert "1 pictures of the target have no partner, such as single.png" in data.notes
    assert "lonely.png" in caplog.text
    with pytest.raises(DataError, match=r"0 files of .* cannot be used and 2 have no partner \(lonely.png\)"):
        pairs_of(f"paired:{tmp_path}", strict=True)


def test_a_damaged_picture_takes_its_partner_with_it(tmp_path: Path, cache: Path) -> None:
    fill_pairs(tmp_path, 8)
    whole = (tmp_path / "A" / "p002.png").read_bytes()
    (tmp_path / "A" / "p002.png").write_bytes(whole[: len(whole) // 2])  # found when it is decoded
    (tmp_path / "B" / "p005.bmp").write_bytes(b"<html>")  # found by its header
    with pytest.raises(DataError, match=r"2 of 8 pairs in .* cannot be used, more than 5%"):
        pairs_of(f"paired:{tmp_path}")
    data = pairs_of(f"paired:{tmp_path}", max_bad=0.5)
    assert len(data) == 6 and opposite(data)
    stream = data.stream(3, seed=0)
    for _ in range(4):
        source, target = next(stream)
        assert torch.equal(source, -target)
    assert not any("partner" in note for note in data.notes)


def test_pairs_of_two_sizes_are_resized_and_of_two_shapes_refused(tmp_path: Path, cache: Path) -> None:
    fill_pairs(tmp_path, 8)
    negative(noise(0, (64, 64))).save(tmp_path / "B" / "p000.bmp")
    noise(1, (64, 32)).save(tmp_path / "B" / "p001.bmp")
    with pytest.raises(DataError, match=r"A/p001\.png: 32x32 but its target is 64x32: another shape"):
        pairs_of(f"paired:{tmp_path}")
    data = pairs_of(f"paired:{tmp_path}", max_bad=0.2)
    assert len(data) == 7 and "1 pairs of two different sizes, both resized" in data.notes


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: (root / "A").mkdir(), "has A/ but no B/"),
        (lambda root: (root / "trainB").mkdir(), "has trainB/ but no trainA/"),
        (lambda root: [(root / side).mkdir() or noise(n).save(root / side / f"{n}.png") for n, side in enumerate("AB")],
         r"A/ and B/ have no name in common \(such as A/0.png; such as B/1.png\)"),
        (lambda root: fill_pairs(root, 1), "has 1 good pair;|has 1 good pair"),
    ],
)  # fmt: skip
def test_what_is_no_folder_of_pairs_is_refused(tmp_path: Path, cache: Path, make: object, said: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(DataError, match=said):
        pairs_of(f"paired:{tmp_path}")


def test_one_side_by_side_picture_is_too_few(tmp_path: Path, cache: Path) -> None:
    noise(0, (64, 32)).save(tmp_path / "only.png")
    with pytest.raises(DataError, match="has 1 good pair"):
        pairs_of(f"paired:{tmp_path}")
    with pytest.raises(DataError, match="has no folders A/ and B/"):
        open_source(f"unpaired:{tmp_path}")
    with pytest.raises(UsageError, match="paired: names no folder"):
        open_source("paired:")
    with pytest.raises(UsageError, match="paired data takes no option 'labels'"):
        open_source(f"paired:{tmp_path}", labels="folders")


def test_two_domains_need_no_names_in_common(tmp_path: Path, cache: Path) -> None:
    for side, mode, count, size in (("A", "L", 30, (48, 48)), ("B", "RGB", 24, (40, 32))):
        (tmp_path / side).mkdir()
        for seed in range(count):
            noise(seed, size, mode).save(tmp_path / side / f"{side}{seed}.png")
    data = open_source(f"unpaired:{tmp_path}")
    assert isinstance(data, TwoDomainData)
    assert data.spec.source == (1, 32, 32) and data.spec.shape == (3, 32, 32) and not data.spec.paired
    assert data.counts == (27, 22) and data.held_out().counts == (3, 2)
    assert next(data.stream(4, seed=0)).x.shape == (4, 1, 32, 32)
    assert open_source(**data.recipe).fingerprint == data.fingerprint


def test_the_doctor_examines_both_sides(tmp_path: Path, cache: Path) -> None:
    fill_pairs(tmp_path, 8)
    noise(50).save(tmp_path / "A" / "lonely.png")
    noise(1, (64, 32)).save(tmp_path / "B" / "p001.bmp")
    (tmp_path / "A" / "p002.png").write_bytes(b"<html>")
    report = check_paired(tmp_path)
    found = {finding.name: finding for finding in report.findings}
    assert (report.usable, report.total) == (6, 8) and "2 of 8 pairs" in report.refusal
    assert found["source alone"].examples == ("lonely.png",)
    assert found["two shapes"].examples == ("A/p001.png: 32x32 but its target is 64x32: another shape",)
    assert found["not a picture"].count == 1
    first, second = check_unpaired(tmp_path)
    assert (first.usable, second.usable) == (8, 8) and "not a picture" in {finding.name for finding in first.findings}
