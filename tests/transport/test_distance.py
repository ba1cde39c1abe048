"""Distances by name: each says what it is, and what it says is so."""

from __future__ import annotations

import json

import ot
import psutil
import pytest
import torch

from ganvas.errors import UsageError
from ganvas.transport import distance, gaussian_w2, sliced_distance, wasserstein
from ganvas.transport.distances import affordable


def draws(n: int, m: int, d: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(d)
    return torch.randn(n, d, generator=generator), torch.randn(m, d, generator=generator) * 0.5 + 1


@pytest.mark.parametrize("order", [1, 2])
def test_slices_equal_those_of_pot_on_the_same_directions(order: int) -> None:
    a, b = draws(60, 41, 5)
    theta = torch.randn(5, 200, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    theta /= theta.norm(dim=0)
    expected = ot.sliced_wasserstein_distance(a.double().numpy(), b.double().numpy(), p=order, projections=theta.numpy())
    found = sliced_distance(a, b, order, directions=200, seed=9)
    assert found.value == pytest.approx(float(expected), rel=1e-9)
    assert found.value <= wasserstein(a, b, order)


def test_the_error_of_the_directions_is_what_seeds_differ_by() -> None:
    a, b = draws(80, 80)
    values = [sliced_distance(a, b, 2, directions=64, seed=seed) for seed in range(60)]
    spread = float(torch.tensor([each.value for each in values], dtype=torch.float64).std())
    assert sum(each.standard_error for each in values) / 60 == pytest.approx(spread, rel=0.25)


def test_gaussian_closed_form_is_below_w2_and_meets_it_for_a_shift() -> None:
    a, b = draws(200, 150, 3)
    assert gaussian_w2(a, b) <= wasserstein(a, b, 2)
    assert gaussian_w2(a, a + 2) == pytest.approx(2 * 3**0.5, rel=1e-6)
    line = torch.randn(500, 1, dtype=torch.float64)
    assert gaussian_w2(line, 3 * line + 1) == pytest.approx(wasserstein(line, 3 * line + 1, 2), rel=1e-9)


def test_each_method_names_its_quantity() -> None:
    a, b = draws(90, 70)
    exact = distance(a, b, 2)
    assert (exact.exact, exact.method, exact.a, exact.b) == (True, "exact", 90, 70)
    for method in ("sinkhorn", "sliced", "gaussian"):
        other = distance(a, b, 2, method=method)  # type: ignore[arg-type]
        assert not other.exact
        assert (other.value >= exact.value) == (method == "sinkhorn")
        assert json.loads(json.dumps(other.to_json()))["quantity"] == other.quantity
    assert "W2" in str(exact)
    assert "sorting" in distance(a[:, :1], b[:, :1]).quantity


def test_auto_takes_the_most_exact_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 3_000_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert affordable(5000, 5000) == "exact"
    assert affordable(10_000, 10_000) == "sinkhorn"
    assert affordable(40_000, 40_000) == "sliced"


def test_refusals() -> None:
    a, b = draws(10, 10)
    with pytest.raises(UsageError, match="choose from auto, exact"):
        distance(a, b, method="emd")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="use order 2"):
        distance(a, b, 1, method="gaussian")
    with pytest.raises(UsageError, match="differ in shape"):
        distance(a, torch.zeros(4, 3))
    with pytest.raises(UsageError, match="at least 2"):
        sliced_distance(a, b, directions=1)
