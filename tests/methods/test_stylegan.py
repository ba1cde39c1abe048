"""StyleGAN's order of updates, its losses against the papers' formulas, its style space in models and exports, and its row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, UsageError
from ganvas.evaluation.accept import run_level
from ganvas.method import Method, Styled
from ganvas.methods import METHODS, StyleGAN, StyleGANConfig
from ganvas.runs import Model, load
from ganvas.runs.export import export
from ganvas.runs.model import write_model
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

CPU = torch.device("cpu")
SPEC = Spec((3, 8, 12), ("a", "b", "c"))
SMALL: dict[str, Any] = {"width": 4, "latent_size": 5, "style_size": 6, "mapping_layers": 2, "batch_size": 4}


def made(spec: Spec = SPEC, **settings: Any) -> StyleGAN:
    torch.manual_seed(0)
    return StyleGAN(StyleGANConfig(**(SMALL | settings)), spec)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Model]:
    """A model whose average styles have moved from 0, as it is loaded from its folder."""

    def model(**settings: Any) -> Model:
        method = made(**settings)
        label = torch.arange(60) % 3 if method.conditional else None
        with torch.no_grad():
            for _ in range(20):
                method.mixed_styles(60, label)
            for name, parameter in method.named_parameters():
                if name.endswith("noise.strength"):
                    parameter.fill_(0.1)
        weights = {f"generator.{key}": value.clone() for key, value in method.generator.state_dict().items()}
        return load(write_model(tmp_path / "model", method, weights, {"step": 1}))

    return model


def test_lazy_terms_come_every_so_many_steps_and_weigh_so_much_more():
    method = made(r1_every=3, path_every=2)
    play = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
    counts = []
    for step in range(4):
        play.step(step, iter([Images(noise(4, 3, 8, 12, seed=step), None)]))
        counts.append({name: len(values) for name, values in play.window.items()})
        play.clear_terms()
    both = {"critic/minimax": 1, "generator/non_saturating": 1}
    r1, path = {"critic/r1": 1}, {"generator/path_length": 1}
    assert counts == [both | r1 | path, both, both | path, both | r1]
    real = noise(4, 3, 8, 12)
    often, seldom = (made(r1_every=every).r1_loss(real, None)["r1"].item() for every in (1, 5))
    assert seldom == pytest.approx(5 * often) and often > 0
    without = made(gamma_scale=0.0, path_weight=0.0)
    assert [group["lr"] for o in without.optimizers().values() for group in o.param_groups] == [2e-3, 2e-3]


def test_optimisers_are_rescaled_to_the_papers_figures():
    groups = {name: o.param_groups[0] for name, o in made().optimizers().items()}
    assert groups["critic"]["betas"] == (0, pytest.approx(0.99059, abs=5e-6))
    assert groups["generator"]["betas"] == (0, pytest.approx(0.99199, abs=5e-6))
    assert [groups[name]["lr"] for name in ("critic", "generator")] == [
        pytest.approx(2e-3 * 16 / 17), pytest.approx(2e-3 * 4 / 5),
    ]  # fmt: skip


def test_the_losses_are_the_papers():
    method = made(conditional=True)
    real, fake, label = noise(4, 3, 8, 12), noise(4, 3, 8, 12, seed=1), torch.tensor([0, 1, 2, 1])
    on_real, on_fake = method.critic(real, label), method.critic(fake, label)
    wanted = softplus(-on_real).mean() + softplus(on_fake).mean()
    torch.testing.assert_close(method.critic_loss(real, fake, label)["minimax"], wanted)
    torch.testing.assert_close(method.generator_loss(fake, label)["non_saturating"], softplus(-on_fake).mean())
    assert method.gamma == pytest.approx(0.0002 * 8 * 12 / 4)
    at = real.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(method.critic(at, label).sum(), at)
    r1 = slope.square().sum() / 4
    torch.testing.assert_close(method.r1_loss(real, label)["r1"], 16 * method.gamma / 2 * r1)


def test_the_path_length_reaches_every_weight_of_the_generator_and_moves_its_mean():
    method = made()
    before = method.path.mean.item()
    method.path_loss(2, None)["path_length"].backward()
    assert method.path.mean.item() > before == 0
    silent = [name for name, p in method.generator.named_parameters() if p.grad is None or not p.grad.any()]
    # Noise and biases move the picture, but of the last layers not how it depends on the style.
    assert not [name for name in silent if "weight" in name and "mapping" not in name]
    assert all(p.grad is None for p in method.critic.parameters())


def test_it_has_a_style_space_and_others_have_none():
    method = made(conditional=True)
    assert isinstance(method, Styled) and not isinstance(METHODS["dcgan"](METHODS["dcgan"].Config(width=4), SPEC), Styled)
    method.eval()
    z, label = torch.randn(3, 5), torch.tensor([2, 0, 2])
    styles = method.styles(z, label)
    assert styles.shape == (3, method.layers, 6) and method.average_style().shape == (6,)
    assert method.average_style(label).shape == (3, 6)
    torch.testing.assert_close(method.sample(z, label), method.synthesise(styles))
    assert method.synthesise(styles).abs().max() <= 1


def test_labels_are_used_only_when_asked_for():
    plain: Method = made()
    assert plain.conditional is StyleGAN.conditional is False and made(conditional=True).conditional
    with pytest.raises(UsageError, match="takes no labels"):
        plain.sample(torch.randn(2, 5), torch.tensor([0, 1]))
    with pytest.raises(UsageError, match="out of range"):
        made(conditional=True).sample(torch.randn(2, 5), torch.tensor([0, 3]))
    with pytest.raises(DataError, match="needs labels, this data has none"):
        made(Spec((3, 8, 8)), conditional=True)
    with pytest.raises(UsageError, match="this data is points"):
        made(Spec((2,)))


def test_truncation_moves_towards_the_average_picture(trained):
    model = trained()
    whole, none = model.sample(6, seed=1), model.sample(6, seed=1, truncation=1.0)
    torch.testing.assert_close(whole, none, atol=1e-5, rtol=0)
    one = model.sample(6, seed=1, truncation=0.0)
    assert torch.equal(one, one[:1].expand_as(one)) and one.std() > 0
    assert torch.equal(model.sample(6, seed=2, truncation=0.0), one)
    spread = [model.sample(6, seed=1, truncation=psi).var(0).mean().item() for psi in (0.25, 0.5, 0.75, 1.0)]
    assert spread == sorted(spread) and spread[0] > 0
    assert torch.equal(model.sample(4, seed=3), model.sample(4, seed=3))  # the noise is part of the model
    for psi in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="from 0, the average, to 1"):
            model.sample(2, truncation=psi)


def test_truncation_of_a_conditional_one_keeps_the_class(trained):
    model = trained(conditional=True)
    pictures = model.sample(6, truncation=0.0)
    torch.testing.assert_close(pictures[:3], pictures[3:], atol=1e-6, rtol=0)
    assert (pictures[0] - pictures[1]).abs().max() > 1e-3
    torch.testing.assert_close(model.sample(2, truncation=0.0, labels=[1])[0], pictures[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("by_class", [False, True])
def test_the_onnx_network_takes_a_truncation_and_a_class(trained, tmp_path, by_class):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = trained(conditional=by_class)
    export(model, tmp_path / "m.onnx", "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    names = ["latent", "truncation", *(["label"] if by_class else [])]
    assert [entry.name for entry in session.get_inputs()] == names
    for count, psi in ((1, 0.3), (5, 1.0), (9, 0.0)):
        latent, label = torch.randn(count, 5), torch.arange(count) % 3
        values = {"latent": latent.numpy(), "truncation": torch.tensor(psi).numpy()} | (
            {"label": label.numpy()} if by_class else {}
        )
        (found,) = session.run(["samples"], values)
        method = model.ready()
        assert isinstance(method, Styled)
        average = method.average_style(label if by_class else None)
        styles = method.styles(latent, label if by_class else None)
        wanted = method.synthesise(average.reshape(-1, 1, 6) + psi * (styles - average.reshape(-1, 1, 6)))
        torch.testing.assert_close(torch.from_numpy(found), wanted, atol=1e-4, rtol=0)


def test_it_learns_where_the_light_is():
    """Pictures that are light above and dark below, more or less: 60 steps bring the mean picture near theirs."""
    half = torch.full((1, 8, 8), -0.7)
    half[:, :4] = 0.7
    method = made(Spec((1, 8, 8)), width=8, batch_size=16, learning_rate=5e-3, ema_half_life=0)
    play = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))

    def distance() -> float:
        with torch.no_grad():
            fake = method.eval().sample(torch.randn(64, 5, generator=torch.Generator().manual_seed(2)))
        method.train()
        return (fake.mean(0) - half).abs().mean().item()

    before = distance()
    for step in range(60):
        strength = 1 + 0.2 * noise(16, 1, 1, 1, seed=step)
        play.step(step, iter([Images(half * strength, None)]))
    assert distance() < 0.35 < 0.5 < before


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_row_f2(seed):
    (row,) = run_level(4, seed, ["F2"])
    assert row.passed, row.measured
