"""Resuming must be resuming: the weights, averages, optimisers and data order of an interrupted run equal an unbroken one's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ganvas.data import points
from ganvas.data.batches import Spec
from ganvas.data.dataset import ArrayData
from ganvas.errors import ModelError
from ganvas.method import Method
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train
from tiny import SAMPLERS, config_for, data_for

SMALL = {"width": 8, "latent_size": 8, "batch_size": 8}


def pictures(count: int = 40) -> ArrayData:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return ArrayData(images, torch.arange(count) % 3, classes=("a", "b", "c"))


def build(name: str, spec: Spec) -> Method:
    torch.manual_seed(7)
    method = METHODS[name]
    return method(method.Config(**SMALL), spec)


def final_state(run: Run) -> tuple[int, dict[str, torch.Tensor], dict[str, object]]:
    checkpoint = run.load()
    assert checkpoint is not None
    return checkpoint.step, checkpoint.tensors, checkpoint.state


def assert_equal_runs(first: Run, second: Run) -> None:
    (step, tensors, state), (other_step, other_tensors, other_state) = final_state(first), final_state(second)
    assert step == other_step
    assert tensors.keys() == other_tensors.keys()
    for key, value in tensors.items():
        assert torch.equal(value, other_tensors[key]), key
    for key in ("cursor", "images", "rate_scale", "extra"):
        assert state[key] == other_state[key]


WAYS = [(name, augment, 0) for name in METHODS for augment in (0.0, "ada")] + [(name, "ada", 16) for name in SAMPLERS]


@pytest.mark.parametrize(("name", "augment", "held"), WAYS)
def test_a_run_broken_at_every_step_has_the_same_bits_as_an_unbroken_one(
    name: str, augment: float | str, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target in ("TARGET", "UNSEEN_TARGET"):
        monkeypatch.setattr(f"ganvas.networks.augment.adaptive.{target}", -1e9)  # so that p rises whatever is observed
    data, config = data_for(name), config_for(name, augment=augment)
    if held:
        assert isinstance(data, ArrayData)
        data = data.split(held=torch.arange(held))

    def fresh(seed: int) -> Method:
        torch.manual_seed(seed)
        return METHODS[name](config, data.spec)

    unbroken, broken = Run(tmp_path / "unbroken", seed=3), tmp_path / "broken"
    for _ in train(fresh(7), data, unbroken, steps=7, threads=1, log_steps=3):
        pass
    for step in range(1, 8):  # a new process has other generator states and other initial weights
        method = fresh(7 if step == 1 else 99 + step)
        for _ in train(method, data, Run(broken, seed=3), steps=step, threads=1, log_steps=3, resume=step > 1):
            pass
    assert_equal_runs(unbroken, Run(broken))
    timeless = [{k: v for k, v in record.items() if k != "seconds"} for record in unbroken.stats()]
    assert timeless == [{k: v for k, v in record.items() if k != "seconds"} for record in Run(broken).stats()]
    if augment == "ada":  # each discriminator's loss calls self.observe with its scores of real pictures
        assert float(final_state(unbroken)[1]["method.augmentation.p"]) == pytest.approx(0.05)
        assert [record["augment/p"] for record in timeless if "augment/p" in record] == pytest.approx([0.05])
        assert any("augment/unseen" in record for record in timeless) == bool(held)


def test_a_run_broken_around_a_checkup_has_the_same_record(tmp_path: Path) -> None:
    data = points("ring")
    unbroken, broken = Run(tmp_path / "unbroken", seed=3), tmp_path / "broken"
    for _ in train(build("wgan-gp", data.spec), data, unbroken, steps=220, threads=1):
        pass
    for step in (99, 100, 107, 199, 220):
        for _ in train(build("wgan-gp", data.spec), data, Run(broken, seed=3), steps=step, threads=1, resume=step > 99):
            pass
    assert_equal_runs(unbroken, Run(broken))
    timeless = [{k: v for k, v in record.items() if k != "seconds"} for record in unbroken.stats()]
    assert timeless == [{k: v for k, v in record.items() if k != "seconds"} for record in Run(broken).stats()]
    assert [r["step"] for r in timeless if "checkup/auc" in r["health"]] == [100, 200]


@pytest.mark.parametrize("name", ["gan", "wgan", "wgan-gp", "r3gan"])
def test_leaving_the_loop_early_saves_and_resumes_on_points(name: str, tmp_path: Path) -> None:
    data = points("ring")
    unbroken, broken = Run(tmp_path / "unbroken", seed=3), Run(tmp_path / "broken", seed=3)
    for _ in train(build(name, data.spec), data, unbroken, steps=30, threads=1):
        pass
    for progress in train(build(name, data.spec), data, broken, steps=30, threads=1):
        if progress.step >= 1:
            break
    saved = final_state(broken)[0]
    for _ in train(build(name, data.spec), data, Run(tmp_path / "broken", seed=3), steps=30, threads=1, resume=True):
        pass
    assert saved <= 30
    assert_equal_runs(unbroken, broken)


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    data = pictures()
    runs = [Run(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    for run in runs:
        for _ in train(build("wgan", data.spec), data, run, steps=2, threads=1):
            pass
    first, second = (final_state(run)[1] for run in runs)
    assert any(not torch.equal(first[key], second[key]) for key in first if key.startswith("method."))


def test_resuming_with_other_networks_says_so(tmp_path: Path) -> None:
    data = pictures()
    run = Run(tmp_path / "run", seed=0)
    for _ in train(build("gan", data.spec), data, run, steps=1, threads=1):
        pass
    wider = METHODS["gan"](METHODS["gan"].Config(**(SMALL | {"width": 16})), data.spec)
    with pytest.raises(ModelError, match="other networks"):
        list(train(wider, data, Run(tmp_path / "run"), steps=2, threads=1, resume=True))


def test_configs_round_trip_through_the_run_folder(tmp_path: Path) -> None:
    data = pictures()
    method = build("wgan-gp", data.spec)
    run = Run(tmp_path / "run", seed=0)
    for _ in train(method, data, run, steps=1, threads=1):
        pass
    assert METHODS["wgan-gp"].Config(**run.config["config"]) == method.config
    assert run.config["config"] == dataclasses.asdict(method.config)
