"""``prepare`` computes the same as evaluation mode, with less."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganvas.data.batches import Spec
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganvas.networks.inference import prepare
from ganvas.networks.mlp import MLP
from ganvas.networks.reference import ReferenceDiscriminator, ReferenceGenerator

SMALL = Spec((1, 28, 28))
COLOUR = Spec((3, 32, 32))

NETWORKS = {
    "reference generator": (lambda: ReferenceGenerator(SMALL, latent_size=10, width=16, batch_norm=True), (10,)),
    "reference critic": (lambda: ReferenceDiscriminator(SMALL, width=8, batch_norm=True), (1, 28, 28)),
    "dcgan generator": (lambda: DCGANGenerator(COLOUR, latent_size=10, width=8), (10,)),
    "dcgan discriminator": (lambda: DCGANDiscriminator(COLOUR, width=8), (3, 32, 32)),
    "dense with norm": (
        lambda: nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)),
        (6,),
    ),
    "grouped": (lambda: nn.Sequential(nn.ConvTranspose2d(4, 8, 2, groups=2), nn.BatchNorm2d(8)), (4, 5, 5)),
    "norm first": (lambda: nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)), (3, 8, 8)),
    "points": (lambda: MLP(2, 1, width=8, squeeze=True), (2,)),
}


def trained(module: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """Running statistics, gains and shifts that are not what they start from."""
    for _ in range(3):
        module(torch.randn(16, *shape) * 2 + 1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) and part.affine:
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
    return module


@pytest.mark.parametrize("name", NETWORKS)
def test_computes_what_evaluation_mode_computes(name: str) -> None:
    torch.manual_seed(0)
    build, shape = NETWORKS[name]
    module = trained(build(), shape)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    sample = torch.randn(7, *shape)
    ready = prepare(module)
    with torch.no_grad():
        wanted = module.eval()(sample)
        found = ready(sample)
    assert (found - wanted).abs().max() <= 1e-5 * max(1.0, float(wanted.abs().max()))
    assert not ready.training
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("name", "left"), [("reference generator", 0), ("dcgan generator", 0), ("grouped", 1), ("norm first", 1)]
)
def test_folds_every_norm_that_has_a_layer_before_it(name: str, left: int) -> None:
    ready = prepare(NETWORKS[name][0]())
    assert sum(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in ready.modules()) == left
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in ready.parameters() if w.dim() == 4)


def test_writes_spectral_norm_into_the_weights() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.Flatten(), spectral_norm(nn.Linear(144, 1)))
    module = trained(module, (3, 8, 8))
    sample = torch.randn(5, 3, 8, 8)
    ready = prepare(module)
    assert torch.allclose(ready(sample), module.eval()(sample), atol=1e-5)
    assert list(ready.state_dict()) == ["0.bias", "0.weight", "3.bias", "3.weight"]
