"""Directions against planted ones: eigenvectors, covariances, boundaries between classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from known_generators import Rows, linear, plain, with_styles
from torch import Tensor, nn

from ganvas.apps.directions import ganspace, read_directions, save_directions, sefa, steer, supervised
from ganvas.apps.latent import drawn
from ganvas.data.batches import Spec
from ganvas.errors import DataError, UsageError
from ganvas.methods import METHODS
from ganvas.runs import Model


def alike(a: Tensor, b: Tensor) -> Tensor:
    """|cos| of the angle between rows."""
    return torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=-1).abs()


def test_sefa_finds_the_eigenvectors_of_the_first_layers_weights() -> None:
    model = linear(8, 4)
    weight = model.ready().generator[0].weight.double()  # type: ignore[index]
    _, singular, rows = torch.linalg.svd(weight, full_matrices=False)
    found = sefa(model, 8)
    assert alike(found.vectors, rows).min() > 0.9999
    assert torch.allclose(found.strength, singular, atol=1e-4)
    assert torch.allclose(found.deviation, torch.ones(8), atol=0.1)  # z varies alike in all directions
    moved = steer(drawn(model, [0]), found, 2, [-1.0, 2.0])
    assert torch.allclose(moved.value[1] - moved.value[0], 3 * found.deviation[2] * found.vectors[2], atol=1e-5)


@pytest.mark.parametrize("name", ["cgan", "dcgan", "wgan", "r3gan"])
def test_sefa_reads_real_generators_whose_first_layer_has_a_norm_or_labels_behind_it(name: str) -> None:
    torch.manual_seed(0)
    kind = METHODS[name]
    method = kind(kind.Config(latent_size=12, width=8), Spec((1, 8, 8), ("a", "b")))  # type: ignore[call-arg]
    model = Model(method.eval(), {}, {"facts": {}, "fingerprint": "0" * 64})
    found = sefa(model, 3)
    layers = [part for part in model.ready().modules() if isinstance(part, nn.Linear)]
    first = next(layer for layer in layers if layer.in_features >= 12 and layer.out_features > 12)
    _, singular, rows = torch.linalg.svd(first.weight.double()[:, :12], full_matrices=False)
    assert alike(found.vectors, rows[:3]).min() > 0.999
    assert torch.allclose(found.strength, singular[:3], rtol=1e-3)


def test_sefa_of_styles_takes_the_layers_that_are_asked_for() -> None:
    model = with_styles()
    rows: Rows = model.ready().generator  # type: ignore[assignment]
    both = torch.linalg.svd(torch.cat([rows.coarse.weight, rows.fine.weight]).double(), full_matrices=False)
    assert alike(sefa(model, 6).vectors, both[2]).min() > 0.999
    fine = sefa(model, 2, layers=[1])
    assert alike(fine.vectors, torch.linalg.svd(rows.fine.weight.double(), full_matrices=False)[2][:2]).min() > 0.999
    base = drawn(model, [3])
    moved = steer(base, fine, 0, [1.0]).value
    assert torch.equal(moved[:, 0], base.value[:, 0]) and not torch.equal(moved[:, 1], base.value[:, 1])


def test_sefa_refuses_a_generator_that_reads_no_latent() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 16)

        def forward(self, z: Tensor) -> Tensor:
            made: Tensor = self.layer(z / z.norm(dim=1, keepdim=True))
            return made.view(-1, 1, 4, 4)

    with pytest.raises(UsageError, match="ganspace"):
        sefa(plain(Normed(), 4, (1, 4, 4)), 2)


def test_ganspace_finds_a_planted_covariance() -> None:
    axes = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))[0]
    scales = torch.tensor([5.0, 3.0, 2.0, 1.0, 0.5, 0.2])

    def plant(rows: Rows) -> None:
        rows.mapping.weight.data = axes @ torch.diag(scales)  # w = axes diag(scales) z: covariance axes scales^2 axes^T

    found = ganspace(with_styles(change=plant), 3)
    assert alike(found.vectors, axes.T[:3]).min() > 0.995
    assert torch.allclose(found.strength.float(), scales[:3], rtol=0.06)
    assert torch.allclose(found.deviation, scales[:3], rtol=0.06)


def test_ganspace_of_z_goes_by_what_the_first_convolution_makes() -> None:
    torch.manual_seed(0)
    dense = nn.Linear(5, 16)
    dense.weight.data[:, 0] *= 20  # z_0 decides nearly all
    network = nn.Sequential(dense, nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 1, 1))
    found = ganspace(plain(network, 5, (1, 4, 4)), 2, samples=500)
    assert found.vectors[0].abs().argmax() == 0 and found.vectors[0, 0] > 0.99
    assert found.strength[0] > 3 * found.strength[1]
    with pytest.raises(UsageError, match="sefa"):
        ganspace(plain(nn.Sequential(nn.Linear(5, 16), nn.Flatten(1)), 5, (1, 4, 4)), 2, samples=50)


def test_labels_give_the_normal_of_their_boundary() -> None:
    model = linear(8, 4)
    weight = model.ready().generator[0].weight  # type: ignore[index]
    bias = model.ready().generator[0].bias  # type: ignore[index]
    # The class is whether the first pixel is brighter than it is on average: the boundary's normal is the pixel's row.
    found, share = supervised(model, lambda image: (image[:, 0, 0, 0] > bias[0]).long(), ["dark", "light"], samples=1500)
    assert found.names == ("dark", "light") and share > 0.95
    assert alike(found.vectors[1], weight[0]) > 0.99
    assert torch.dot(found.vectors[1], weight[0]) > 0 > torch.dot(found.vectors[0], weight[0])
    with pytest.raises(UsageError, match="class dark"):
        supervised(model, lambda image: torch.zeros(len(image), dtype=torch.int64), ["dark", "light"], samples=50)


def test_directions_come_back_from_their_file(tmp_path: Path) -> None:
    for model, layers in ((linear(), None), (with_styles(), [1])):
        found = sefa(model, 3, layers=layers)
        back = read_directions(save_directions(tmp_path / "d.safetensors", model, found, {"by": "sefa"}), model)
        assert torch.equal(back.vectors, found.vectors) and (back.names, back.layers) == (found.names, found.layers)
    with pytest.raises(DataError):
        read_directions(tmp_path / "d.safetensors", with_styles(4))
    for refused in (
        lambda: sefa(linear(), 9), lambda: sefa(linear(), 0), lambda: sefa(linear(), 2, layers=[0]),
        lambda: sefa(with_styles(), 2, layers=[2]), lambda: steer(drawn(linear(), [0]), back, 0, [1.0]),
        lambda: steer(drawn(with_styles(), [0]), back, 3, [1.0]),
        lambda: steer(drawn(with_styles(), [0]), back, 0, [float("nan")]),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            refused()
