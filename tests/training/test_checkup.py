"""Checkup figures against what they must be for samples and critics of known quality, and that a checkup leaves no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganvas.data import points
from ganvas.data.dataset import ArrayData
from ganvas.methods import METHODS, WGANGP, WGANGPConfig
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.checkup import Checkup, auc, next_checkup, optimal_slope, separable
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks
from tiny import SAMPLERS


def test_checkups_are_due_evenly_then_logarithmically() -> None:
    steps, step = [], 0
    while step < 3000:
        step = next_checkup(step)
        steps.append(step)
    assert steps[:10] == list(range(100, 1001, 100))
    assert all(1.09 <= b / a <= 1.11 for a, b in zip(steps[10:], steps[11:], strict=False))
    assert all(next_checkup(step - 1) == step == next_checkup(a) for a, step in zip(steps, steps[1:], strict=False))


def test_auc_is_the_share_of_pairs_in_order() -> None:
    assert auc(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 1.5])) == 1.0
    assert auc(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0])) == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    torch.manual_seed(0)
    # Two unit normals d apart: P(x > y) = Phi(d / sqrt 2).
    assert auc(torch.randn(4000) + 1, torch.randn(4000)) == pytest.approx(0.7602, abs=0.01)


def test_plain_rules_separate_by_mean_or_by_neighbours_and_not_by_chance() -> None:
    torch.manual_seed(0)
    real = torch.randn(128, 8)
    assert separable(real, torch.randn(128, 8)) == pytest.approx(0.5, abs=0.12)
    assert separable(real, torch.randn(128, 8) + 3) > 0.99
    ring = torch.nn.functional.normalize(torch.randn(128, 2))
    assert separable(ring, 0.1 * torch.randn(128, 2)) > 0.99  # the same mean: only neighbours can tell


def test_the_optimal_slope_solves_the_overshoot_law() -> None:
    for weight, distance in ((10.0, 2.0), (1.0, 2.0), (0.1, 0.5)):
        slope = 1 + distance / (2 * weight)
        assert optimal_slope(distance * slope, weight) == pytest.approx(slope)


class Fixed(nn.Module):
    """Gives the same samples whatever the latent."""

    def __init__(self, samples: Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples)

    def forward(self, latent: Tensor) -> Tensor:
        return self.samples[: len(latent)]


def figures(fake: Tensor, critic: nn.Module | None = None) -> dict[str, float]:
    data = points("ring")
    method = WGANGP(WGANGPConfig(width=8, latent_size=2), data.spec)
    method.generator = Fixed(fake)
    if critic is not None:
        method.critic = critic
    engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=Ranks(torch.device("cpu")))
    found = Checkup(engine, data).measure()
    return {name.removeprefix("checkup/"): value for name, value in found.items()}


def test_perfect_samples_look_like_data_and_repeated_ones_do_not() -> None:
    data = points("ring")
    good = figures(data.held_out().real(128, seed=77).image)
    assert abs(good["distance"]) < 0.1
    assert good["diversity"] == pytest.approx(1.0, abs=0.1)
    assert 0.5 < good["distinct"] < 2
    assert good["precision"] > 0.9
    assert good["recall"] > 0.9
    assert good["moved"] == 0.0  # the average is the generator itself
    one = figures(data.real(1).image.repeat(128, 1) + 1e-4 * torch.randn(128, 2))
    assert one["diversity"] < 0.01
    assert one["recall"] < 0.3
    assert one["distance"] > 0.5
    far = figures(torch.randn(128, 2) + 50)
    assert far["precision"] == far["recall"] == 0.0
    assert far["distance"] > 2


class Slope(nn.Module):
    """f(x) = slope * x_1."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([slope, 0.0]))

    def forward(self, samples: Tensor) -> Tensor:
        return samples @ self.weight


def test_the_critics_figures_are_its_own() -> None:
    right = torch.randn(128, 2) + torch.tensor([20.0, 0.0])
    good, wrong = figures(right, Slope(-3.0)), figures(right, Slope(3.0))
    assert (good["auc"], wrong["auc"]) == (1.0, 0.0)
    assert good["slope"] == pytest.approx(3.0)
    assert good["slope_expected"] == pytest.approx(optimal_slope(3 * 20, 10.0), rel=0.05)
    assert "slope_expected" not in wrong
    assert good["separable"] == wrong["separable"] == 1.0
    assert abs(good["overfit"]) < 3 * good["overfit_error"] + 1e-6


def test_a_critic_that_learned_by_heart_is_found_out() -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (80, 1, 8, 8), dtype=torch.uint8)
    data = ArrayData(images).split(0.5)
    seen = data.real(128).image

    class Memory(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, samples: Tensor) -> Tensor:
            return -torch.cdist(samples.flatten(1), seen.flatten(1)).amin(1)

    method = WGANGP(WGANGPConfig(width=4, latent_size=4), data.spec)
    method.critic = Memory()
    engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=Ranks(torch.device("cpu")))
    found = Checkup(engine, data).measure()
    assert found["checkup/overfit"] > 0.5
    assert found["checkup/overfit"] > 5 * found["checkup/overfit_error"]


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_checkup_leaves_no_trace(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (80, 1, 8, 8), generator=generator, dtype=torch.uint8)
    data = ArrayData(images, torch.arange(80) % 3, classes=("a", "b", "c")).split(0.5)
    method = METHODS[name](METHODS[name].Config(width=8, latent_size=8, batch_size=8), data.spec)
    engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=Ranks(torch.device("cpu")))
    stream = data.stream(8, seed=0)
    engine.step(0, stream)
    before = {key: value.clone() for key, value in engine.state()[0].items()}
    modes = [module.training for module in method.modules()]
    found = Checkup(engine, data).measure()
    after = engine.state()[0]
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert modes == [module.training for module in method.modules()]
    assert all(torch.isfinite(torch.tensor(value)) for value in found.values())


def test_the_record_holds_gauges_and_checkups(tmp_path: Path) -> None:
    data = points("ring")
    method = WGANGP(WGANGPConfig(width=8, latent_size=2, batch_size=8), data.spec)
    run = Run(tmp_path / "run")
    for _ in train(method, data, run, steps=120):
        pass
    by_step = {record["step"]: record["health"] for record in run.stats()}
    assert {"gradient/critic", "gradient/generator", "inner/critic"} <= by_step[20].keys()
    assert "checkup/auc" in by_step[100]
    assert "checkup/auc" not in by_step[120]
