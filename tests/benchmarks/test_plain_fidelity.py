"""The plain loops of the larger methods play a step, and take the slopes that their papers have."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LOOPS = ("r3gan", "biggan", "stylegan")


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("plain", "plain_translation", "plain_fidelity", "workloads"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_play_a_step(name: str) -> None:
    import workloads

    workload = getattr(workloads, name)(16)
    step = workload.variants["plain"]()
    step()
    losses = step.__self__.losses
    assert len(losses) >= 2 and all(map(math.isfinite, losses))


def test_slopes_are_squared_and_averaged() -> None:
    import plain_fidelity

    samples = torch.randn(5, 1, 2, 2, requires_grad=True)
    assert float(plain_fidelity.squared_slopes(3 * samples.sum((1, 2, 3)), samples)) == pytest.approx(36)
