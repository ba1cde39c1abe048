"""The commands that judge: compare, report, and what info and train say of a run's score."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ganvas.cli.info import sparkline
from ganvas.evaluation import report
from ganvas.metrics import Score, Stamp
from ganvas.runs import Run

SMALL = ["--data", "points:ring", "--width", "8", "--batch-size", "16", "--latent-size", "4", "--steps", "25", "-q"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Where trained runs wait for the tests after the first."""
    return tmp_path_factory.mktemp("shelf") / "runs"


@pytest.fixture
def pair(cli, shelf):
    """Two runs of some steps, by name."""
    if not shelf.exists():
        assert cli("train", "wgan", *SMALL, "--run", "one").code == 0
        assert cli("train", "r3gan", *SMALL, "--run", "two", "--seed", "1").code == 0
        shutil.copytree("runs", shelf)
    else:
        shutil.copytree(shelf, "runs")
    return "one", "two"


def plant(name: str, values: list[float], **stamp: object) -> None:
    fields = {"features": "raw points", "weights": "", "resizer": "none", "real": 100, "generated": 100, "split": "test"}
    run = Run(Path("runs") / name)
    (run.path / "scores.jsonl").unlink(missing_ok=True)
    for n, value in enumerate(values):
        score = Score("distance", value, Stamp(**{**fields, "seed": 0, **stamp}), standard_error=0.01)
        run.log_score({"step": 5 * n, "images": 80 * n, "seconds": float(n), "score": score.to_json()})


def test_training_ends_with_a_report(cli):
    answer = cli("train", "wgan", *SMALL, "--run", "one", "--json")
    assert answer.json["report"] == str(Path("runs/one/report.html"))
    assert answer.json["verdict"]["state"] in {"works", "learns", "fails", "unknown"}
    assert Path("runs/one/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    Path("runs/one/report.html").unlink()
    assert cli("resume", "one", "--steps", "30", "-q").code == 0
    assert Path("runs/one/report.html").exists()


def test_a_report_that_fails_costs_a_warning(cli, monkeypatch):
    def burst(*arguments: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(report, "write", burst)
    answer = cli("train", "wgan", *SMALL[:-1], "--run", "one", "--json")
    assert (answer.code, "report" in answer.json) == (0, False)
    assert "warning: report.html was not written: RuntimeError: no ink" in answer.err


def test_a_report_on_demand(cli, pair, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    Path("runs/one/report.html").unlink()
    answer = cli("report", "one", "--open")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == f"report    {Path('runs/one/report.html')}"
    assert opened == [Path("runs/one/report.html").resolve().as_uri()]
    assert cli("report", "two", "--json").json["verdict"]["headline"]
    missing = cli("report", "on")
    assert (missing.code, "did you mean one?" in missing.err) == (4, True)
    assert cli("report", "runs/one/model").code == 2


def test_runs_side_by_side(cli, pair):
    plant("one", [1.0, 0.5])
    plant("two", [1.0, 0.4])
    answer = cli("compare", *pair)
    assert answer.code == 0, answer.err
    for words in (
        "wgan",
        "r3gan",
        "clip",
        "0.01*",
        "distance, end of training (lower is better)",
        "B is ahead of A by 0.1 ± 0.01",
    ):
        assert words in answer.out, words
    folder = Path("runs/compare-001")
    assert sorted(path.name for path in folder.iterdir()) == ["compare.json", "compare.png", "grids.png"]
    plant("two", [1.0, 0.4], real=50)
    again = cli("compare", *pair, "--json")
    assert again.json["out"] == str(Path("runs/compare-002"))
    rows = [row for row in again.json["scores"] if row["source"] == "end of training"]
    assert [[value["run"] for value in row["values"]] for row in rows] == [["one"], ["two"]]
    assert rows[1]["apart"] == "real 50 and not 100"
    assert "measured differently from the one above: real 50 and not 100" in cli("compare", *pair).out
    assert [run["run"] for run in cli("runs", "--json").json["runs"]] == [str(Path("runs/one")), str(Path("runs/two"))]


def test_comparisons_that_cannot_be(cli, pair):
    wrong = cli("compare", "one", "tow")
    assert (wrong.code, "did you mean two?" in wrong.err) == (4, True)
    assert cli("compare", "one", "one").code == 2
    assert cli("compare").code == 2
    Path("full").mkdir()
    Path("full/letter.txt").write_text("dear")
    assert cli("compare", "one", "--out", "full").code == 2
    assert cli("compare", "one", "--out", "alone").code == 0
    assert Path("alone/grids.png").exists()
    assert not Path("runs/compare-001").exists()


def test_info_shows_the_score_and_why_it_ended(cli, pair):
    plant("one", [0.8, 0.4, 0.2, 0.3])
    Path("runs/one/ended.json").write_text('{"reason": "asked", "words": "the score stood still"}')
    answer = cli("info", "one")
    assert "█▃▁▂  distance, lower is better" in answer.out
    assert "0.8 at step 0, best 0.2 at step 10, last 0.3 at step 15" in answer.out
    assert "the score stood still" in answer.out
    assert cli("info", "one", "--json").json["ended"] == "the score stood still"
    Path("runs/one/ended.json").write_text("[")
    assert cli("info", "one").code == 0


@pytest.mark.parametrize(
    ("values", "bars"),
    [([1.0], "▄"), ([2.0, 2.0], "▄▄"), ([0.0, 7.0], "▁█"), ([1.0, 10.0, 100.0], "▁▅█"), ([-1.0, 0.0, 1.0], "▁▅█")],
)
def test_sparklines(values, bars):
    assert sparkline(values) == bars
    assert len(sparkline(values * 100)) == 40
