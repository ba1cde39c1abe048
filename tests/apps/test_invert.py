"""Inversion finds planted latents, by pixels and by a network, in z and in w+."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from known_generators import linear, with_styles
from PIL import Image

from ganvas.apps.invert import invert, loss_to, perceptual_network, read_target
from ganvas.apps.latent import Codes, drawn, from_normal, pictures, to_normal
from ganvas.data.batches import Spec
from ganvas.errors import DataError, UsageError
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.metrics.perceptual import lpips_distance, perceptual_embedding
from ganvas.runs import Model


def network(side: int = 8) -> LeNetFeatures:
    torch.manual_seed(0)
    lenet = LeNet(Spec((1, side, side), ("a", "b"))).eval().requires_grad_(False)
    return LeNetFeatures(lenet, "random", 0.0, "", Spec((1, side, side), ("a", "b")))


def typical(model: Model, numbers: list[int], **options: object) -> Codes:
    """Latents beyond the candidates, of the length to which the prior draws them: where it is nothing."""
    codes, prior = drawn(model, numbers, **options), model.method.config.prior  # type: ignore[arg-type]
    normal = to_normal(codes.value, prior)
    return codes.moved(from_normal(normal / normal.norm(dim=1, keepdim=True) * normal.shape[1] ** 0.5, prior))


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_planted_z_is_found_by_pixels(prior: str) -> None:
    model = linear(6, 8, gain=0.1, prior=prior)
    planted = typical(model, [1001, 1002, 1003])
    found = invert(model, pictures(model, planted), steps=150)
    assert (found.codes.value - planted.value).abs().max() < 0.05
    assert (found.distance < found.start / 20).all() and found.psnr.min() > 25
    again = invert(model, pictures(model, planted), steps=150)
    assert torch.equal(again.codes.value, found.codes.value)


def test_a_planted_z_is_found_by_a_network_with_its_class() -> None:
    model = linear(6, 8, gain=0.1, classes=3)
    planted = typical(model, [1000], labels=[2])
    found = invert(model, pictures(model, planted), network=network(), steps=150)
    assert found.codes.label is not None and (found.codes.value - planted.value).abs().max() < 0.1
    assert found.distance[0] < found.start[0] / 5 and "random" in found.measure
    told = invert(model, pictures(model, planted), steps=5, labels=[1])
    assert told.codes.label is not None and told.codes.label.tolist() == [1]


def test_in_w_each_layer_has_a_row_of_its_own() -> None:
    model = with_styles(6, 8)
    w = drawn(model, [1000, 1001]).value
    planted = Codes("w", torch.stack([w[0, 0], w[1, 1]])[None])  # coarse of one, fine of another: in no z
    found = invert(model, pictures(model, planted), steps=200)
    best = invert(model, pictures(model, planted), steps=200, space="z")
    assert found.codes.value.shape == (1, 2, 6)
    assert found.distance[0] < best.distance[0] / 3 and found.distance[0] < found.start[0] / 5


def test_the_loss_of_the_target_itself_is_nothing_and_embeddings_have_its_distances() -> None:
    model, judge = linear(6, 8), network()
    shown = pictures(model, drawn(model, range(4)))
    assert loss_to(shown, judge)(shown).abs().max() < 1e-6
    assert loss_to(shown[:1], None)(shown)[1:].min() > 1e-4
    rows = perceptual_embedding(judge.activations(shown)).double()
    wanted = lpips_distance(judge, shown[:1].expand_as(shown), shown)
    assert torch.allclose((rows - rows[:1]).square().sum(1), wanted, atol=1e-6)


def test_pictures_are_read_at_the_models_size(tmp_path: Path) -> None:
    model = linear(6, 8)
    Image.fromarray(np.full((20, 30, 3), 255, np.uint8)).save(tmp_path / "a.png")
    picture, header = read_target(tmp_path / "a.png", model)
    assert picture.shape == (1, 1, 8, 8) and (picture == 1).all() and (header.width, header.height) == (30, 20)
    (tmp_path / "b.png").write_bytes(b"nothing")
    for name in ("b.png", "none.png"):
        with pytest.raises(DataError):
            read_target(tmp_path / name, model)


def test_what_cannot_be_inverted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear(6, 8)
    for refused in (
        lambda: invert(model, torch.zeros(1, 1, 9, 8)), lambda: invert(model, torch.zeros(1, 1, 8, 8), steps=0),
        lambda: invert(model, torch.zeros(0, 1, 8, 8)), lambda: invert(model, torch.zeros(1, 1, 8, 8), labels=[0]),
        lambda: perceptual_network("raw"), lambda: invert(model, torch.zeros(1, 1, 8, 8), space="w"),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            refused()
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    monkeypatch.setenv("GANVAS_OFFLINE", "1")
    said: list[str] = []
    assert perceptual_network("auto", said.append) is None and "pixels alone" in said[-1]
    with pytest.raises(DataError):
        perceptual_network("efficientnet")
