"""The best snapshot is the one whose samples are nearest to held-out data, and it is what sampling takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganvas.data import points
from ganvas.errors import UsageError
from ganvas.evaluation.best import BestSnapshot
from ganvas.methods import R3GAN, R3GANConfig
from ganvas.metrics.sliced import sliced_wasserstein
from ganvas.runs import Run, load
from ganvas.training import train


def test_sliced_distance_of_a_shift_is_the_mean_projection_of_it() -> None:
    torch.manual_seed(0)
    a = torch.randn(500, 3)
    shift = torch.tensor([2.0, 0.0, 0.0])
    # |theta_1| of a uniform direction in three dimensions has mean 1/2.
    assert sliced_wasserstein(a, a + shift, directions=4000) == pytest.approx(1.0, rel=0.02)
    assert sliced_wasserstein(a, a[torch.randperm(500)]) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(UsageError, match="as many on each side"):
        sliced_wasserstein(a, a[:10])


def test_a_spoilt_generator_does_not_replace_the_best(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    torch.manual_seed(0)
    method = R3GAN(R3GANConfig(latent_size=2, width=32, batch_size=64, learning_rate=1e-3), data.spec)
    best, values, spoilt = BestSnapshot(run, method, data), {}, None
    best._not_before = float("-inf")
    for progress in train(method, data, run, steps=400, save_steps=100):
        best._not_before = float("-inf")
        value = best.see(progress)
        if value is not None:
            values[progress.step] = value
        if progress.saved == progress.step == 300 and spoilt is None:
            spoilt = torch.no_grad()(lambda: [p.mul_(4.0) for p in method.generator.parameters()])()
            progress.engine.averages["generator"].module.load_state_dict(method.generator.state_dict())
    assert set(values) == {100, 200, 300, 400}
    assert values[400] > 2 * min(values.values())
    winner = min(values, key=values.__getitem__)
    assert run.best is not None
    assert run.best["step"] == winner != 400
    assert run.best["score"]["value"] == values[winner]
    assert run.best["score"]["stamp"]["generated"] == 2000
    assert winner in run.steps()
    assert load(tmp_path / "run").facts["step"] == winner


def test_scores_are_not_repeated_on_resume(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=8, batch_size=8), data.spec)
    best = BestSnapshot(run, method, data)
    for progress in train(method, data, run, steps=5):
        best.see(progress)
    assert run.best is not None
    again = BestSnapshot(Run(tmp_path / "run"), method, data)
    assert again.value == run.best["score"]["value"]
    first = next(iter(train(method, data, Run(tmp_path / "run"), steps=9, resume=True)))
    assert again.see(first) is None
