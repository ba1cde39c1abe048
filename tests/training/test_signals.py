"""The first signal saves and stops, the second quits at once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from ganvas.data import points
from ganvas.errors import ResourceError
from ganvas.methods import GAN, GANConfig
from ganvas.runs import Run
from ganvas.training import Interrupted, train
from ganvas.training.interrupts import DeferredSignals

SMALL = GANConfig(width=8, latent_size=2, batch_size=8)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_step_and_stops(number: signal.Signals, code: int, tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match="everything is saved") as caught:
        for progress in train(GAN(SMALL, data.spec), data, run, steps=100_000):
            if progress.step > 0:
                signal.raise_signal(number)
    assert caught.value.exit_code == code
    assert signal.getsignal(number) is handler
    checkpoint = Run(tmp_path / "run").load()
    assert checkpoint is not None
    assert checkpoint.step == caught.value.step > 0
    *_, last = train(GAN(SMALL, data.spec), data, Run(tmp_path / "run"), steps=checkpoint.step + 3, resume=True)
    assert last.step == checkpoint.step + 3


def test_a_second_signal_is_not_deferred() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
    try:
        with pytest.raises(KeyboardInterrupt), DeferredSignals() as signals:
            signal.raise_signal(signal.SIGINT)
            assert signals.pending == signal.SIGINT
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_running_out_of_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = points("ring")
    method = GAN(SMALL, data.spec)

    def greedy(*arguments: object) -> None:
        torch.empty(2**50)

    monkeypatch.setattr(method, "train_step", greedy)
    with pytest.raises(ResourceError, match="--batch-size") as caught:
        list(train(method, data, Run(tmp_path / "run", seed=0), steps=3))
    assert caught.value.exit_code == 6
