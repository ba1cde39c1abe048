"""Level 2's analytic rows hold, and broken scores fail them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganvas.data import ArrayData
from ganvas.evaluation.accept import LEVELS, copies, run_level, scores_closed_forms
from ganvas.metrics import resize


def test_rows() -> None:
    assert [check.name for check in LEVELS[2]][:3] == ["A6", "A8", "M1"]


def test_resizing_holds_and_a_rounding_error_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.evaluation.accept.resizing.RANDOM_SIZES", 4)
    assert next(run_level(2, 5, ["A8"])).passed
    monkeypatch.setattr("ganvas.evaluation.accept.resizing.resize", lambda *a, **o: resize(*a, **o) // 2 * 2)
    assert not next(run_level(2, 5, ["A8"])).passed


def test_scores_hold_and_biased_ones_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert next(run_level(2, 7, ["A6"])).passed
    for heavy in ("frechet", "kernels", "slices"):  # the rest is enough to fail
        monkeypatch.setattr(scores_closed_forms, heavy, lambda *_: {})
    monkeypatch.setattr(scores_closed_forms, "REPEATS", 2)

    def one_neighbour_more(a: torch.Tensor, b: torch.Tensor, k: int = 5) -> Any:
        density, coverage = original(a, b, k=k + 1)
        return density * 1.2, coverage

    original = scores_closed_forms.density_coverage
    monkeypatch.setattr(scores_closed_forms, "density_coverage", one_neighbour_more)
    assert not next(run_level(2, 7, ["A6"])).passed


def test_copies_hold_on_other_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2400, 1, 4, 4), generator=generator).to(torch.uint8)
    monkeypatch.setattr(copies, "mnist", lambda: ArrayData(pixels))
    for name, count in (("TRAIN", 600), ("HELD_OUT", 1000), ("GENERATED", 800)):
        monkeypatch.setattr(copies, name, count)
    row = next(run_level(2, 1, ["M1"]))
    assert row.passed, row.measured
    assert set(row.facts) == {"0%", "10%", "50%", "authenticity of held-out pictures"}
