"""Stages are together the uninterrupted training, and an example that was stopped goes on where it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ganvas.data import points
from ganvas.errors import UsageError
from ganvas.examples import stages
from ganvas.examples.registry import unheard
from ganvas.examples.stages import Panel, Plan, read_panel, train_panels, write_panel
from ganvas.methods import GANConfig
from ganvas.runs import Run
from ganvas.training import Progress, train


def plan(folder: Path, iterations: tuple[int, ...], seed: int = 3) -> Plan:
    config = GANConfig(latent_size=3, batch_size=16, width=8)
    return Plan(
        folder,
        "gan",
        config,
        points("x-squared"),
        iterations,
        lambda samples: {"mean": float(samples.mean())},
        shown=5,
        scored=8,
        seed=seed,
    )


def test_stages_are_the_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    staged = train_panels(plan(tmp_path / "staged", (0, 4, 11)), unheard)
    whole = plan(tmp_path / "whole", (11,))
    method, latents = whole.build()
    *_, last = train(method, whole.data, Run(tmp_path / "plain", seed=whole.seed), steps=11)
    assert [panel.iteration for panel in staged] == [0, 4, 11]
    assert torch.equal(staged[-1].samples, last.sample(latents)[:5])
    assert not torch.equal(staged[0].samples, staged[1].samples)
    assert staged[-1].images == 11 * 16


def test_a_finished_example_is_read_and_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train_panels(plan(tmp_path, (2, 4)), unheard)
    monkeypatch.setattr(stages, "train", None)
    again = train_panels(plan(tmp_path, (2, 4)), unheard)
    for old, new in zip(first, again, strict=True):
        assert torch.equal(old.samples, new.samples)
        assert old.to_json() == new.to_json()


def test_a_stopped_example_goes_on_to_the_same_panels(tmp_path: Path) -> None:
    whole = train_panels(plan(tmp_path / "whole", (3, 9)), unheard)

    def stop_after_the_first_panel(news: object) -> None:
        if isinstance(news, Progress) and news.step >= 3 and (tmp_path / "cut" / "panels").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_panels(plan(tmp_path / "cut", (3, 9)), stop_after_the_first_panel)
    resumed = train_panels(plan(tmp_path / "cut", (3, 9)), unheard)
    assert torch.equal(resumed[-1].samples, whole[-1].samples)


def test_another_seed_or_config_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    train_panels(plan(tmp_path, (2,)), unheard)
    with pytest.raises(UsageError, match=r"another seed.*--out"):
        train_panels(plan(tmp_path, (2,), seed=4), unheard)
    wider = dataclasses.replace(plan(tmp_path, (2,)), config=GANConfig(latent_size=3, batch_size=16, width=9))
    with pytest.raises(UsageError, match="another config"):
        train_panels(wider, unheard)


def test_a_lost_panel_is_made_again_only_while_the_training_is_there(tmp_path: Path) -> None:
    first = train_panels(plan(tmp_path, (2, 4)), unheard)
    plan(tmp_path, ()).panel_file(4).write_bytes(b"torn")
    again = train_panels(plan(tmp_path, (2, 4)), unheard)
    assert torch.equal(again[-1].samples, first[-1].samples)
    plan(tmp_path, ()).panel_file(2).unlink()
    with pytest.raises(UsageError, match="at iteration 4 without a panel of 2"):
        train_panels(plan(tmp_path, (2, 4)), unheard)


def test_progress_counts_to_the_last_panel(tmp_path: Path) -> None:
    heard: list[Progress] = []
    sentences: list[str] = []

    def listen(news: Progress | str) -> None:
        (sentences if isinstance(news, str) else heard).append(news)  # type: ignore[arg-type]

    train_panels(plan(tmp_path, (2, 8)), listen)
    assert {progress.step: progress.fraction for progress in heard}[2] == 0.25
    assert [progress.step for progress in heard if progress.done] == [8]
    assert heard[-1].fraction == 1.0
    assert [sentence.split(":")[0] for sentence in sentences] == ["iteration 2", "iteration 8"]


def test_a_panel_survives_writing(tmp_path: Path) -> None:
    panel = Panel(7, 112, 1.25, torch.randn(2, 1, 4, 4), {"frechet": 0.1 + 0.2})
    write_panel(tmp_path / "panel", panel)
    found = read_panel(tmp_path / "panel")
    assert found is not None
    assert torch.equal(found.samples, panel.samples)
    assert dataclasses.replace(found, samples=panel.samples) == panel
    assert read_panel(tmp_path / "missing") is None


def test_the_plan_leaves_other_randomness_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    plan(tmp_path, (1,)).build()
    assert torch.equal(torch.rand(3), expected)
