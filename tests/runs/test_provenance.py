"""What a run records of its origin."""

from __future__ import annotations

import json
import subprocess

import torch

from ganvas import __version__
from ganvas.runs.provenance import git_state, provenance


def test_provenance_is_json_and_says_what_ran_where():
    record = json.loads(json.dumps(provenance()))
    assert record["versions"]["torch"] == torch.__version__
    assert record["versions"]["ganvas"] == __version__
    assert record["machine"]["torch_threads"] == torch.get_num_threads()
    assert record["machine"]["memory"] > 1e8 and record["machine"]["processor"]
    assert record["command"] and record["date"].endswith("+00:00")


def test_the_build_of_torch_is_told_though_its_package_hides_it(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "9.9.0+cu999")
    assert provenance()["versions"]["torch"] == "9.9.0+cu999"


def test_git_state_counts_changed_files(tmp_path):
    def git(*arguments):
        settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", tmp_path, *settings, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    assert git_state(tmp_path) is None  # no commit yet
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "first")
    clean = git_state(tmp_path)
    assert clean["branch"] == "main" and clean["changed"] == 0 and len(clean["commit"]) == 40
    (tmp_path / "a").write_text("2")
    assert git_state(tmp_path) == clean | {"changed": 1}


def test_no_repository_or_no_git_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(".") is None
