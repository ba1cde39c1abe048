"""The best snapshot is the one whose samples are nearest to held-out data, and it is what sampling takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganvas.data import ArrayData, points
from ganvas.errors import UsageError
from ganvas.evaluation.best import BestSnapshot, Moment, last_improvement, smoothed
from ganvas.evaluation.scorers import Frechet, Sliced
from ganvas.methods import R3GAN, R3GANConfig
from ganvas.metrics.networks import Raw
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
    for progress in train(method, data, run, steps=400, save_growth=1.5):
        best._not_before = float("-inf")
        value = best.see(progress)
        if value is not None:
            values[progress.step] = value
        if progress.saved == progress.step == 338 and spoilt is None:
            spoilt = torch.no_grad()(lambda: [p.mul_(4.0) for p in method.generator.parameters()])()
            progress.engine.averages["generator"].module.load_state_dict(method.generator.state_dict())
    assert set(values) == {100, 150, 225, 338, 400}
    assert values[400] > 2 * min(values.values())
    winner = min(values, key=values.__getitem__)
    assert run.best is not None
    assert run.best["step"] == winner != 400
    assert run.best["score"]["value"] == values[winner]
    assert run.best["score"]["stamp"]["generated"] == 2000
    assert winner in run.steps()
    recorded = {record["step"]: record["score"] for record in run.scores()}
    assert {step: score["value"] for step, score in recorded.items()} == values
    assert all(0 < score["standard_error"] < score["value"] for score in recorded.values())
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
    assert [(m.step, m.value) for m in again.past] == [(5, again.value)]
    first = next(iter(train(method, data, Run(tmp_path / "run"), steps=9, resume=True)))
    assert again.see(first) is None


def moments(*values: float, error: float = 0.01) -> list[Moment]:
    return [Moment(100 * (index + 1), value, error) for index, value in enumerate(values)]


def test_smoothing_weighs_scores_by_their_certainty() -> None:
    past = [Moment(100, 9.0, 0.1), Moment(200, 1.0, 1.0), Moment(300, 2.0, 0.5), Moment(400, 4.0, 1.0)]
    value, error = smoothed(past)
    assert value == pytest.approx((1.0 + 4 * 2.0 + 4.0) / 6)
    assert error == pytest.approx(1 / 6**0.5)


def test_noise_is_no_improvement() -> None:
    assert last_improvement([]) == 0
    assert last_improvement(moments(1.0, 0.9, 0.8, 0.7)) == 400
    assert last_improvement(moments(1.0, 0.5, 0.5, 0.5, 0.499, 0.5, 0.498)) == 400  # 400: the last of the old score leaves
    assert last_improvement(moments(0.5, 0.499, 0.498, 0.499, 0.6, 0.9)) == 100


def test_patience_ends_a_training_that_stands_still(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=8, batch_size=8, learning_rate=1e-12), data.spec)
    best = BestSnapshot(run, method, data, patience=2.0)
    for progress in train(method, data, run, steps=100_000, save_growth=1.2):
        best._not_before = float("-inf")
        best.see(progress)
    assert progress.done
    assert progress.step in {300, 301, 302, 358, 359, 360}
    ended = run.ended()
    assert ended is not None
    assert ended["reason"] == "asked"
    assert "not improved since step 100" in ended["words"]
    next(iter(train(method, data, Run(tmp_path / "run"), steps=1000, resume=True)))
    assert run.ended() is None


def test_frechet_on_a_network_scores_too(tmp_path: Path) -> None:
    images = torch.randint(0, 256, (80, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data, run = ArrayData(images).split(0.5), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=4, batch_size=8), data.spec)
    best = BestSnapshot(run, method, data, measure="raw")
    for progress in train(method, data, run, steps=3):
        best.see(progress)
    assert run.best is not None
    assert (run.best["score"]["name"], run.best["score"]["stamp"]["features"]) == ("FD-raw", "raw values")
    with pytest.raises(UsageError, match="no feature network 'nonsense'"):
        BestSnapshot(run, method, data, measure="nonsense")


def test_a_networks_score_says_how_samples_cover_the_data_and_the_doctor_hears_of_it(tmp_path: Path) -> None:
    source = torch.Generator().manual_seed(0)
    measure = Frechet(Raw())
    measure.prepare(torch.randn(300, 1, 2, 2, generator=source))
    alike = measure.spread(measure.encode(torch.randn(300, 1, 2, 2, generator=source)))
    alone = measure.spread(measure.encode(torch.randn(300, 1, 2, 2, generator=source) * 0.01))
    assert set(alike) == set(alone) == {"precision", "recall", "coverage"}
    assert alike["coverage"] > 0.8 > 0.1 > alone["coverage"]
    assert alone["precision"] > 0.8
    assert measure.spread(torch.zeros(3, 4)) == Sliced(True).spread(torch.zeros(300, 4)) == {}

    images = torch.randint(0, 256, (160, 1, 8, 8), generator=source, dtype=torch.uint8)
    data, run = ArrayData(images).split(0.5), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=4, batch_size=8), data.spec)
    best = BestSnapshot(run, method, data, measure="raw")
    for progress in train(method, data, run, steps=3):
        best.see(progress)
    assert run.scores() == progress.session.scores
    assert "coverage" in run.scores()[0]


def test_a_handful_of_held_out_pictures_gives_no_error_and_no_early_stop(tmp_path: Path) -> None:
    images = torch.randint(0, 256, (20, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data, run = ArrayData(images).split(0.1), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=4, batch_size=8), data.spec)
    best = BestSnapshot(run, method, data, patience=4.0)
    for progress in train(method, data, run, steps=110, save_growth=1.02):
        best._not_before = float("-inf")
        best.see(progress)
    assert progress.step == 110
    assert {record["score"]["standard_error"] for record in run.scores()} == {None}


def test_a_rollback_takes_back_the_scores_of_the_steps_it_undoes(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    method = R3GAN(R3GANConfig(latent_size=2, width=8, batch_size=8), data.spec)
    best = BestSnapshot(run, method, data)
    for progress in train(method, data, run, steps=150, save_growth=1.2):
        best._not_before = float("-inf")
        best.see(progress)
    assert [moment.step for moment in best.past] == [100, 120, 144, 150]
    run.rewind_log(120)
    assert [moment.step for moment in best.past] == [100, 120]
