"""What ``heal`` does: back to a good state when the game runs away, more critic steps, more augmentation; never without end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.optim import Optimizer

from ganvas.data import ArrayData, points
from ganvas.errors import Diverged
from ganvas.methods import WGANGP, GANConfig, R3GANConfig, WGANGPConfig
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.healing import remedy
from ganvas.training.monitors import Finding

SMALL = {"width": 16, "latent_size": 2, "batch_size": 16}


def finding(name: str) -> Finding:
    return Finding(name, "the sign", "", "", "bad")


def test_each_remedy_has_an_end() -> None:
    config = WGANGPConfig(critic_steps=5)
    assert remedy([finding("under-trained critic")], config, True) == ({"critic_steps": 10}, "the sign")
    assert remedy([finding("under-trained critic")], WGANGPConfig(critic_steps=16), True)[0] == {"critic_steps": 20}
    assert remedy([finding("under-trained critic")], WGANGPConfig(critic_steps=20), True) == ({}, "")
    assert remedy([finding("lagging critic")], GANConfig(), True)[0] == {"discriminator_steps": 2}
    assert remedy([finding("under-trained critic")], R3GANConfig(), True) == ({}, "")  # it has one step by definition
    assert remedy([finding("overfitting critic")], config, True)[0] == {"augment": 0.2}
    assert remedy([finding("overfitting critic")], WGANGPConfig(augment=0.7), True)[0] == {"augment": 0.8}
    assert remedy([finding("overfitting critic")], WGANGPConfig(augment=0.8), True) == ({}, "")
    assert remedy([finding("overfitting critic")], WGANGPConfig(augment="bgc:0.3"), True)[0] == {"augment": "bgc:0.5"}
    assert remedy([finding("overfitting critic")], WGANGPConfig(augment="ada"), True) == ({}, "")  # it rises by itself
    assert remedy([finding("overfitting critic")], config, False) == ({}, "")  # points are not augmented
    assert remedy([finding("low diversity")], config, True) == ({}, "")


def test_a_game_that_runs_away_goes_back_slower_then_stops_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [finding("exploding")]
    monkeypatch.setattr("ganvas.training.session.examine", lambda records, scores: away if records[-1]["step"] >= 360 else [])
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    method = WGANGP(WGANGPConfig(**SMALL, critic_steps=1, learning_rate=1e-3), data.spec)
    seen = []
    with pytest.raises(Diverged, match="after 2 rollbacks"):
        for progress in train(method, data, run, steps=1000, save_steps=50, heal=2):
            if progress.saved == progress.step:
                seen.append(progress.step)
                rate = progress.engine.optimizers["critic"].param_groups[0]["lr"]
    # 250 is the oldest checkpoint that was kept; the later ones, of the run that went wrong, are made anew.
    assert [step for step in seen if step >= 250] == [250, 300, 350, 300, 350, 300, 350]
    assert rate == pytest.approx(1e-3 / 4)
    ended = run.ended()
    assert ended is not None
    assert (ended["reason"], ended["step"]) == ("diverged", 360)
    assert "the sign" in ended["words"]


class SlowCritic(WGANGP):
    def optimizers(self) -> dict[str, Optimizer]:
        optimizers = super().optimizers()
        optimizers["critic"].param_groups[0]["lr"] = 1e-9
        return optimizers


def test_an_under_trained_critic_gets_more_steps_and_a_resumed_run_keeps_them(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    config = WGANGPConfig(**SMALL, critic_steps=1, learning_rate=1e-2)
    torch.manual_seed(0)
    method = SlowCritic(config, data.spec)
    *_, progress = train(method, data, run, steps=420, heal=1)
    assert method.config.critic_steps == 2
    assert any(f.name == "healing" and "critic_steps is now 2" in f.meaning for f in progress.findings)
    assert [record["healing"] for record in run.stats() if "healing" in record] == [{"critic_steps": 2}]
    again = SlowCritic(config, data.spec)
    for _ in train(again, data, Run(tmp_path / "run"), steps=421, heal=1, resume=True):
        pass
    assert again.config.critic_steps == 2


def test_without_heal_nothing_is_changed(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    torch.manual_seed(0)
    method = SlowCritic(WGANGPConfig(**SMALL, critic_steps=1, learning_rate=1e-2), data.spec)
    *_, progress = train(method, data, run, steps=420)
    assert method.config.critic_steps == 1
    assert progress.findings[0].name == "under-trained critic"


def test_an_overfitting_critic_gets_augmentation_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.training.session.examine", lambda records, scores: [finding("overfitting critic")])
    images = torch.randint(0, 256, (80, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data, run = ArrayData(images).split(0.5), Run(tmp_path / "run", seed=0)
    method = WGANGP(WGANGPConfig(width=4, latent_size=4, batch_size=4, critic_steps=1), data.spec)
    for _ in train(method, data, run, steps=700, heal=1):
        pass
    assert [record["healing"] for record in run.stats() if "healing" in record] == [{"augment": 0.2}, {"augment": 0.4}]
    assert [record["step"] for record in run.stats() if "healing" in record] == [300, 600]
    assert method.config.augment == 0.4
