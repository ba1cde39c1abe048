"""Our dropout has nn.Dropout's distribution."""

from __future__ import annotations

import pytest
import torch

from ganvas.networks.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.4, 0.75])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_drops_the_share_p_and_keeps_the_mean(p: float, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    x = torch.ones(64, 16, 15, 15).to(memory_format=layout)
    found = Dropout(p)(x)
    count = x.numel()
    deviation = (p * (1 - p) / count) ** 0.5
    assert abs(float((found == 0).float().mean()) - p) < 4 * deviation
    assert found.max() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert float(found.mean()) == pytest.approx(1, abs=4 * deviation / (1 - p))
    assert found.stride() == x.stride()


def test_neighbours_are_independent() -> None:
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(1 << 16)) == 0).float() - 0.5
    for shift in (1, 2, 3, 4, 8, 624):
        assert abs(float((dropped * dropped.roll(shift)).mean())) < 0.25 * 4 / 256


def test_the_gradient_has_the_same_mask() -> None:
    torch.manual_seed(0)
    x = torch.randn(7, 3, dtype=torch.bfloat16, requires_grad=True)
    found = Dropout(0.5)(x)
    found.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad == 0, found == 0)
    assert set(x.grad.float().unique().tolist()) == {0.0, 2.0}


def test_a_seed_repeats_it_and_evaluation_is_the_identity() -> None:
    layer, x = Dropout(0.3), torch.randn(100)
    torch.manual_seed(1)
    first = layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(layer(x), first)
    assert layer.eval()(x) is x or torch.equal(layer(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros(100))


def test_sizes_that_no_word_divides() -> None:
    assert Dropout(0.5)(torch.ones(3, 5)).shape == (3, 5)
    assert Dropout(0.5)(torch.ones(0, 5)).shape == (0, 5)
    gaps = torch.ones(6, 8)[:, ::2]
    assert Dropout(0.5)(gaps).shape == (6, 4)
