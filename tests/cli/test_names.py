"""What may name a run, and which names are free."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganvas.cli import names
from ganvas.errors import ModelError, UsageError

REFUSED = ["../../x", "a/../b", "", " ", ".", "/", "x" * 300, "a\x1b[31m", "a\nb", "CON", "nul.txt", "a.", "a:b", "\udcff"]


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_are_refused(name):
    with pytest.raises(UsageError):
        names.folder_of(name)


@pytest.mark.parametrize(
    ("name", "folder"), [("cats", "runs/cats"), ("./here/cats", "here/cats"), ("[red]", "runs/[red]"), ("کاخ", "runs/کاخ")]
)
def test_names_that_are_taken_as_they_are(name, folder):
    assert names.folder_of(name) == Path(folder)


def test_an_absolute_path_may_stand_anywhere(tmp_path):
    assert names.folder_of(str(tmp_path / "run")) == tmp_path / "run"


def test_free_names_count_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names.free_name("wgan-gp", "mnist:3") == Path("runs/wgan-gp-mnist-3-001")
    for number in ("001", "007", "x"):
        Path(f"runs/wgan-gp-mnist-3-{number}").mkdir(parents=True)
    assert names.free_name("wgan-gp", "mnist:3") == Path("runs/wgan-gp-mnist-3-008")
    assert names.free_like(Path("runs/wgan-gp-mnist-3-001")) == Path("runs/wgan-gp-mnist-3-008")
    assert names.free_name("gan", "\x1b[31m") == Path("runs/gan-31m-001")


def test_a_missing_run_suggests_a_similar_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs/wgan-mnist-001").mkdir(parents=True)
    Path("runs/wgan-mnist-001/config.json").write_text("{}")
    with pytest.raises(ModelError, match="did you mean wgan-mnist-001"):
        names.existing("wgan-mnst-001")
    assert names.existing("wgan-mnist-001") == Path("runs/wgan-mnist-001")
    assert names.existing("runs/wgan-mnist-001") == Path("runs/wgan-mnist-001")


def test_what_a_command_calls_a_run_is_safe_for_a_shell():
    assert names.spoken(Path("runs/a b")) == "'a b'"
    assert names.spoken(Path("elsewhere/cats")) == "elsewhere/cats"
