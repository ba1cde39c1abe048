"""The command line in this process: an empty current folder, no GANVAS_* but an own cache."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from ganvas.cli import main
from ganvas.training import Progress
from ganvas.training.monitors import Finding


class Answer(NamedTuple):
    """What one command returned and said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Answer]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    for name in list(os.environ):
        if name.startswith("GANVAS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANVAS_OFFLINE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run


Moment = Callable[..., Progress]


@pytest.fixture
def moment() -> Moment:
    """Makes a progress by hand; its samples are zeros in the plane."""

    def make(seconds: float = 30.0, *, done: bool = False, step: int = 1234, findings: list[Finding] | None = None) -> Progress:
        progress = Progress(
            step=step,
            images=step * 64,
            seconds=seconds,
            fraction=0.43,
            images_per_second=2450.0,
            seconds_left=102.0,
            terms={"critic/wasserstein": -4.25, "critic/[bold]": 1.0},
            wasserstein=4.25,
            findings=findings or [],
            saved=None,
            done=done,
            engine=None,  # type: ignore[arg-type]
        )
        progress.sample = lambda latent, label=None: torch.zeros(len(latent), 2)  # type: ignore[method-assign]
        return progress

    return make
