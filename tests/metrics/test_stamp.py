"""Stamps: what may be compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganvas.errors import UsageError
from ganvas.metrics import Stamp

STAMP = Stamp("lenet (mnist), 84-d penultimate layer", "ab" * 32, "none", 5000, 5000, "test", 0)


def test_another_seed_compares() -> None:
    assert STAMP.comparable(replace(STAMP, seed=1))


@pytest.mark.parametrize("change", [{"real": 4000}, {"resizer": "lanczos"}, {"weights": "cd" * 32}, {"split": "train"}])
def test_anything_else_does_not(change: dict[str, object]) -> None:
    other = replace(STAMP, **change)  # type: ignore[arg-type]
    assert not STAMP.comparable(other)
    with pytest.raises(UsageError, match=next(iter(change))):
        STAMP.require_comparable(other)


def test_survives_json_and_reads_well() -> None:
    assert Stamp.from_json(STAMP.to_json()) == STAMP
    assert str(STAMP) == (
        "lenet (mnist), 84-d penultimate layer sha256 abababab, resizer none, 5,000 generated against 5,000 real (test), seed 0"
    )


def test_other_data_does_not_compare() -> None:
    with pytest.raises(UsageError, match="data '' and 'ef"):
        STAMP.require_comparable(replace(STAMP, data="ef" * 32))
    assert Stamp.from_json({name: value for name, value in STAMP.to_json().items() if name != "data"}) == STAMP  # older ones
