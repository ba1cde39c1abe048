"""StarGAN's losses against the paper's formulas, on classes and on attributes; it learns a recolouring that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import ArrayData
from ganvas.errors import DataError, UsageError
from ganvas.evaluation.fixed import FixedInputs, fixed_inputs, in_each_domain
from ganvas.methods import StarGAN, StarGANConfig
from ganvas.networks.padding import padded
from ganvas.runs import load
from ganvas.runs.export import export
from ganvas.runs.model import write_model
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

CPU = torch.device("cpu")
HAIR = Spec((3, 20, 12), attributes=(("black", "blond"), ("glasses",)))
SMALL = StarGANConfig(width=4, blocks=1, batch_size=4, critic_steps=2)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def method() -> StarGAN:
    torch.manual_seed(0)
    return StarGAN(SMALL, HAIR)


def test_the_losses_are_those_of_equations_1_to_8(method):
    real, fake = noise(4, 3, 20, 12), noise(4, 3, 20, 12, seed=1)
    given = torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 0, 1], [0, 1, 0]])
    on_real, named = method.scores(real)
    wanted_loss = -(named[:, :2].log_softmax(1) * given[:, :2]).sum(1).mean()
    wanted_loss = wanted_loss + (softplus(-named[:, 2]) * given[:, 2] + softplus(named[:, 2]) * (1 - given[:, 2])).mean()
    found = method.critic_loss(real, given, fake)
    assert found["wasserstein"].item() == pytest.approx((method.scores(fake)[0].mean() - on_real.mean()).item(), abs=1e-6)
    assert found["classification"].item() == pytest.approx(wanted_loss.item(), rel=1e-5)
    assert 0 < found["gradient_penalty"].item() < 10.5
    found = method.generator_loss(real, given, given.flip(0), fake)
    assert found["wasserstein"].item() == pytest.approx(-method.scores(fake)[0].mean().item(), abs=1e-6)
    back = method.translate(fake, given)
    assert found["reconstruction"].item() == pytest.approx(10 * (back - real).abs().mean().item(), rel=1e-5)
    assert found["classification"].item() == pytest.approx(method.misnamed(method.scores(fake)[1], given.flip(0)).item())


def test_the_penalty_is_on_the_slope_of_the_sum_over_patches(method):
    """As in the authors' code; of the mean it would be as many times smaller as there are patches, and the game heavier."""
    real, fake = noise(4, 3, 20, 12), noise(4, 3, 20, 12, seed=1)
    torch.manual_seed(5)
    found = method.critic_loss(real, torch.zeros(4, 3), fake)["gradient_penalty"].item()
    torch.manual_seed(5)
    between = torch.lerp(fake, real, torch.rand(4, 1, 1, 1)).requires_grad_(True)
    patches, _ = method.critic(padded(between, method.step)[0])
    assert patches[0].numel() > 1
    slopes = [torch.autograd.grad(patch.sum(), between, retain_graph=True)[0][i].norm() for i, patch in enumerate(patches)]
    assert found == pytest.approx(10 * sum((slope.item() - 1) ** 2 for slope in slopes) / 4, rel=1e-4)


def test_a_step_plays_the_critic_n_times_and_asks_for_labels_of_the_batch(method):
    play = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
    label = torch.tensor([[1, 0, 0], [0, 1, 1], [1, 0, 1], [0, 1, 0]])
    play.step(0, iter([Images(noise(4, 3, 20, 12, seed=seed), label) for seed in range(2)]))
    assert {name: len(values) for name, values in play.window.items()} == {
        "critic/wasserstein": 2, "critic/gradient_penalty": 2, "critic/classification": 2,
        "generator/wasserstein": 1, "generator/classification": 1, "generator/reconstruction": 1,
    }  # fmt: skip
    assert play.translate(noise(2, 3, 9, 31), label[:2]).shape == (2, 3, 9, 31)


def test_a_trained_model_is_told_what_to_make(method, tmp_path: Path):
    weights = {
        f"{name}.{key}": value.clone()
        for name in ("generator", "critic")
        for key, value in getattr(method, name).state_dict().items()
    }
    model = load(write_model(tmp_path / "model", method, weights, {"step": 1}))
    assert model.spec == HAIR
    pictures, label = noise(3, 3, 21, 13), torch.tensor([0, 1, 1])
    each = model.translate(pictures, label.expand(3, -1))
    assert torch.equal(model.translate(pictures, label), each)
    torch.testing.assert_close(model.translate(pictures, label, batch_size=1), each, atol=1e-5, rtol=0)
    assert (model.translate(pictures, torch.tensor([1, 0, 0])) - each).abs().max() > 1e-4
    for wrong, words in (
        (None, "was not told what to make of the pictures: give labels of black, blond, glasses"),
        (torch.tensor([0, 1]), "labels are of shape"),
        (torch.tensor([0, 1, 2]), "attributes are 0 to 1"),
    ):
        with pytest.raises(UsageError, match=words):
            model.translate(pictures, wrong)
    onnxruntime = pytest.importorskip("onnxruntime")
    export(model, tmp_path / "m.onnx", "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    pictures = noise(2, 3, 24, 40)
    given = {"source": pictures.numpy(), "label": label.float().expand(2, -1).numpy()}
    (found,) = session.run(["target"], given)
    torch.testing.assert_close(torch.from_numpy(found), model.translate(pictures, label), atol=1e-3, rtol=0)


def test_data_without_labels_is_refused():
    with pytest.raises(DataError, match="stargan needs labels or attributes"):
        StarGAN(SMALL, Spec((3, 16, 16)))


def test_every_domain_is_asked_for_by_what_it_changes():
    label = torch.tensor([[1, 0, 0], [0, 1, 1]])
    changed = [inputs.label for inputs in in_each_domain(FixedInputs(noise(2, 3, 20, 12), noise(2, 3, 20, 12), label), HAIR)]
    assert [part.tolist() for part in changed if part is not None] == [
        [[1, 0, 0], [1, 0, 1]],
        [[0, 1, 0], [0, 1, 1]],
        [[1, 0, 1], [0, 1, 0]],
    ]
    classes = Spec((3, 20, 12), classes=("a", "b"))
    inputs = FixedInputs(noise(2, 3, 20, 12), noise(2, 3, 20, 12), torch.tensor([0, 1]))
    assert [part.label.tolist() for part in in_each_domain(inputs, classes) if part.label is not None] == [[0, 0], [1, 1]]


def lights(count: int, hue: Tensor, seed: int = 0) -> Tensor:
    """Soft light, red (0) or blue (1), uint8 (count, 3, 12, 12)."""
    coarse = torch.rand(count, 1, 3, 3, generator=torch.Generator().manual_seed(seed)) * 0.8 + 0.2
    pictures = torch.zeros(count, 3, 12, 12)
    pictures[torch.arange(count), 2 * hue] = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")[:, 0]
    return (pictures * 255).byte()


def test_it_learns_to_recolour():
    hue = torch.arange(200) % 2
    data = ArrayData(lights(200, hue), hue, classes=("red", "blue"))
    red, blue = (lights(40, torch.full((40,), value), seed=1).float() / 127.5 - 1 for value in (0, 1))
    torch.manual_seed(0)
    config = StarGANConfig(width=8, blocks=1, batch_size=8, learning_rate=2e-3, critic_steps=1)
    play = Engine(StarGAN(config, data.spec), device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
    stream = data.stream(8, seed=0)
    for step in range(80):
        play.step(step, stream)
        play.average(8 * (step + 1), 8)
    untouched = float((red - blue).abs().mean())
    assert untouched > 0.75
    for wanted, target in enumerate((red, blue)):
        made = play.translate(red, torch.full((40,), wanted))
        assert float((made - target).abs().mean()) < 0.3 * untouched
    inputs = fixed_inputs(play.method, data.split(0.2), 20, 0)
    assert inputs.label is not None
    assert len(inputs.given) == len(inputs.label) == 20
