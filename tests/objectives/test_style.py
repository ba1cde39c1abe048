"""Style mixing and path lengths, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.objectives.style import PathLengths, mixed, path_lengths


def test_path_lengths_of_a_linear_generator():
    """E|A^T y|^2 = |A|_F^2 for y ~ N(0, I); and for the y that was drawn, exactly."""
    torch.manual_seed(0)
    matrix = torch.randn(4, 6, 3)  # pixels, layers, W
    w = torch.randn(20_000, 6, 3, requires_grad=True)
    lengths = path_lengths(torch.einsum("plw,nlw->np", matrix, w).view(-1, 1, 2, 2), w)
    mean_square = lengths.square().mean().item() * 4 * 6  # y is N(0, I / pixels), and the layers are averaged
    assert mean_square == pytest.approx(matrix.square().sum().item(), rel=0.01)
    torch.manual_seed(1)
    found = path_lengths(torch.einsum("plw,nlw->np", matrix, w[:5]).view(-1, 1, 2, 2), w)[:5]
    torch.manual_seed(1)
    y = torch.randn(5, 1, 2, 2).view(5, 4) / 2
    torch.testing.assert_close(found, torch.einsum("plw,np->nlw", matrix, y).square().sum(2).mean(1).sqrt())


def test_path_lengths_have_a_gradient_in_the_weights():
    torch.manual_seed(0)
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 1, 4, dtype=torch.float64, requires_grad=True)
    lengths = path_lengths((scale * w).view(4, 1, 2, 2), w)  # |scale y|: its derivative in the scale is |y|
    (slope,) = torch.autograd.grad(lengths.sum(), scale)
    torch.testing.assert_close(slope, lengths.sum().detach() / 3)


def test_the_mean_path_length_is_state_that_follows():
    path = PathLengths(0.25)
    lengths = torch.tensor([2.0, 6.0], requires_grad=True)
    penalty = path.deviation(lengths)
    assert path.mean.item() == 1.0 and penalty.item() == (1 + 25) / 2 and "mean" in path.state_dict()
    (gradient,) = torch.autograd.grad(penalty, lengths)
    torch.testing.assert_close(gradient, torch.tensor([1.0, 5.0]))  # the mean is no function of the lengths


def test_mixing_takes_the_first_layers_from_one_latent_and_the_rest_from_the_other():
    torch.manual_seed(0)
    first, second = torch.zeros(3000, 6, 2), torch.ones(3000, 6, 2)
    rows = mixed(first, second, 0.9)[..., 0]
    assert torch.equal(rows, mixed(first, second, 1.0)[..., 0]) is False
    assert (rows.diff(dim=1) >= 0).all() and not rows[:, 0].any()
    shares = torch.bincount(rows.sum(1).long(), minlength=6) / 3000
    assert shares[0].item() == pytest.approx(0.1, abs=0.02)
    assert (shares[1:] - 0.18).abs().max() < 4 * math.sqrt(0.18 * 0.82 / 3000)
    assert torch.equal(mixed(first, second, 0.0), first)
    assert torch.equal(mixed(first[:, :1], second[:, :1], 1.0), first[:, :1])
