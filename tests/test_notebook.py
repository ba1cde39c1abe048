"""A notebook's live cell, on a display that only keeps what it is given."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import ganvas
from ganvas import notebook
from ganvas.data import points
from ganvas.methods import GAN, GANConfig
from ganvas.runs import Run

SMALL = GANConfig(width=8, latent_size=2, batch_size=8)


class Shown(list):
    """IPython.display, as far as it is used."""

    def HTML(self, page: str) -> str:  # noqa: N802 -- its name there
        return page

    def display(self, page: str, display_id: bool) -> SimpleNamespace:
        assert display_id
        self.append(page)
        return SimpleNamespace(update=self.append)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown, shell = Shown(), ModuleType("IPython")
    shell.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    shell.version_info = (9, 0)  # type: ignore[attr-defined] -- matplotlib asks
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)  # type: ignore[arg-type]
    return shown


def test_one_cell_follows_a_training(cells: Shown, tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "<b>", seed=0)
    steps = [p.step for p in ganvas.watch(ganvas.train(GAN(SMALL, data.spec), data, run, steps=30), every=0.0)]
    assert steps[-1] == 30
    assert "step 30 (100%)" in cells[-1]
    assert cells[-1].count("data:image/png;base64,") == 2
    assert "doctor: nothing wrong so far" in cells[-1]
    page = run._repr_html_()
    assert "gan on ring, 30 steps" in page
    assert "the budget is spent" in page
    assert "<b>&" not in page
    assert "&lt;b&gt;" in page
    assert "not started" in Run(tmp_path / "none")._repr_html_()


def test_the_stop_button_keeps_the_model_and_shows_no_traceback(
    cells: Shown, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    for progress in ganvas.watch(ganvas.train(GAN(SMALL, data.spec), data, run, steps=100_000)):
        if progress.step:
            signal.raise_signal(signal.SIGINT)
    assert "everything is saved: train(..., resume=True)" in capsys.readouterr().err
    assert ganvas.load(run.path).sample(2).shape == (2, 2)
    ended = run.ended()
    assert ended is not None
    assert ended["reason"] == "interrupted"


def test_lines_where_there_is_no_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not notebook.in_notebook()
    data = points("ring")
    for _ in ganvas.watch(ganvas.train(GAN(SMALL, data.spec), data, Run(tmp_path / "run", seed=0), steps=3)):
        pass
    assert "step 3 (100%)" in capsys.readouterr().err
