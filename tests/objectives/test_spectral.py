"""Spectral norm's state, and orthogonal regularisation, against explicit formulas."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganvas.objectives.penalties import normalise_spectrum, orthogonality
from ganvas.objectives.spectral import SpectralNorm
from ganvas.training.averaging import Average


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    layer = nn.Linear(7, 5)
    normalise_spectrum([layer])
    return layer


def norm_of(layer: nn.Module) -> SpectralNorm:
    return layer.parametrizations.weight[0]  # type: ignore[union-attr,index,return-value]


def test_a_training_forward_is_one_power_iteration_and_an_evaluation_none(layer):
    matrix, u = layer.parametrizations.weight.original.detach(), norm_of(layer).u.clone()
    layer(normal(3, 7))
    v = normalize(matrix.t() @ u, dim=0)
    wanted = normalize(matrix @ v, dim=0)
    torch.testing.assert_close(norm_of(layer).v, v)
    torch.testing.assert_close(norm_of(layer).u, wanted)
    before = copy.deepcopy(layer.state_dict())
    layer.eval()(normal(3, 7))
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_the_gradient_is_that_of_equation_12(layer):
    """dL/dW = (D - <D, W_sn> u v^T) / sigma for L = <D, W_sn>, u and v held fixed."""
    layer.eval()
    matrix, norm, direction = layer.parametrizations.weight.original, norm_of(layer), normal(5, 7, seed=1)
    sigma = norm.u @ matrix @ norm.v
    (layer.weight * direction).sum().backward()
    inner = (layer.weight * direction).sum()
    wanted = (direction - inner * torch.outer(norm.u, norm.v)) / sigma
    torch.testing.assert_close(matrix.grad, wanted.detach())


def test_averaged_vectors_are_made_unit_vectors_again():
    source = nn.Sequential(nn.Linear(30, 20, bias=False))
    normalise_spectrum(source)
    average = Average(source, half_life=100.0)
    for step in range(1, 200):
        with torch.no_grad():
            norm_of(source[0]).u.copy_(normalize(normal(20, seed=step), dim=0))  # vectors that never agree
        average.update(step * 10, 10)
    averaged = average.module[0]
    assert norm_of(averaged).u.norm() < 0.9
    sigma = normalize(norm_of(averaged).u, dim=0) @ averaged.parametrizations.weight.original @ norm_of(averaged).v
    torch.testing.assert_close(averaged.weight, averaged.parametrizations.weight.original / sigma, rtol=1e-4, atol=1e-5)


def test_the_norm_stays_in_float32_under_autocast(layer):
    layer.eval()
    wanted = layer.weight
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer.weight, wanted)


def test_a_transposed_convolution_has_its_outputs_on_the_second_axis():
    layer = nn.ConvTranspose2d(3, 8, 2)
    plain = layer.weight.detach().clone()
    normalise_spectrum([layer])
    for _ in range(200):
        layer.weight  # noqa: B018
    largest = torch.linalg.svdvals(plain.transpose(0, 1).flatten(1))[0]
    torch.testing.assert_close(layer.eval().weight, plain / largest, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 2, 3, 3)])
def test_orthogonality_is_the_squared_inner_products_of_other_rows(shape):
    weight = normal(*shape).double().requires_grad_()
    rows = weight.flatten(1)
    wanted = sum((rows[i] @ rows[j]) ** 2 for i in range(len(rows)) for j in range(len(rows)) if i != j)
    found = orthogonality([weight])
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(*(torch.autograd.grad(value, weight, retain_graph=True)[0] for value in (found, wanted)))
    torch.testing.assert_close(orthogonality([weight, 2 * weight]), 17 * found)


def test_orthogonality_lets_orthogonal_rows_of_any_length_be():
    rows = torch.linalg.qr(normal(8, 8)).Q[:5] * torch.tensor([[0.3], [1.0], [2.0], [5.0], [1.5]])
    rows.requires_grad_()
    found = orthogonality([rows])
    (gradient,) = torch.autograd.grad(found, rows)
    assert found.item() < 1e-10
    assert gradient.abs().max() < 1e-4  # 5^3 roundings of float32
    assert orthogonality([]) == 0
