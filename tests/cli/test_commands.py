"""The commands that do not train: methods, cache, doctor, accept, export, examples, data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.evaluation.accept import Row
from ganvas.examples import EXAMPLES, Example, Result
from ganvas.examples.registry import Report
from ganvas.methods import METHODS
from ganvas.runs import Run


def test_methods_are_listed(cli):
    assert set(cli("methods", "--json").json) == set(METHODS)
    assert all(name in cli("methods").out for name in METHODS)


def test_the_layer_table_of_the_thesis(cli):
    facts = cli("methods", "gan", "--shape", "3,28,28", "--json").json["players"]
    assert facts["discriminator"]["parameters"] == 41_857
    assert facts["generator"]["parameters"] == 1_176_835
    rows = [(tuple(row["output"]), row["parameters"]) for row in facts["generator"]["layers"] if row["parameters"]]
    assert rows == [((6272,), 633_472), ((128, 14, 14), 262_272), ((128, 28, 28), 262_272), ((3, 28, 28), 18_819)]
    rows = [(tuple(row["output"]), row["parameters"]) for row in facts["discriminator"]["layers"] if row["parameters"]]
    assert rows == [((64, 14, 14), 1792), ((64, 7, 7), 36_928), ((1,), 3137)]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("shape", ["1,28,28", "3,32,32", "2"])
def test_every_method_has_a_layer_table(cli, name, shape):
    answer = cli("methods", name, "--shape", shape, "--json")
    if shape == "2" and (name in {"dcgan", "sngan", "biggan", "stylegan"} or METHODS[name].translates):
        assert (answer.code, f"{name} " in answer.err and "this data is points" in answer.err) == (2, True)
        return
    assert answer.code == 0, answer.err
    for player in answer.json["players"].values():
        assert player["parameters"] == sum(row["parameters"] for row in player["layers"]) > 0


def test_a_resolution_that_a_method_cannot_do(cli):
    answer = cli("methods", "dcgan", "--shape", "3,30,31")
    assert answer.code == 2
    assert answer.err.count("\n") == 1


def test_the_cache_is_listed_and_cleared_only_when_told(cli, tmp_path):
    (tmp_path / "cache" / "mnist").mkdir(parents=True)
    (tmp_path / "cache" / "mnist" / "x").write_bytes(b"12345")
    (tmp_path / "cache" / "other").mkdir()
    assert cli("cache", "list", "--json").json["entries"] == {"mnist": 5, "other": 0}
    refused = cli("cache", "clear")
    assert (refused.code, "pass --yes" in refused.err) == (2, True)
    assert cli("cache", "clear", "mnst", "--yes").code == 2
    assert cli("cache", "clear", "mnist", "--yes", "--json").json["bytes"] == 5
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["other"]


def test_doctor_trains_for_real(cli):
    system = cli("doctor", "--system", "--json").json["system"]
    assert system["run of 3 steps"].startswith("trained, saved, loaded and sampled in")
    assert system["versions"]["torch"] == torch.__version__


def test_accept_fails_when_a_row_does(cli, monkeypatch):
    rows = [Row("X1", "what", "<= 1", "0.5", True, 0.1), Row("X2", "what", "<= 1", "2", False, 0.1)]
    monkeypatch.setattr("ganvas.evaluation.accept.run_level", lambda level, seed, only: iter(rows))
    answer = cli("accept", "--json")
    assert (answer.code, answer.json["missed"]) == (1, ["X2"])
    assert answer.err.splitlines()[-1] == "error: 1 of 2 rows missed their bound: X2"
    monkeypatch.setattr("ganvas.evaluation.accept.run_level", lambda level, seed, only: iter(rows[:1]))
    answer = cli("accept", "--level", "1")
    assert (answer.code, "met" in answer.out) == (0, True)


def test_examples_are_listed(cli):
    assert set(cli("examples", "--json").json) == set(EXAMPLES)
    wrong = cli("examples", "x-sqared")
    assert (wrong.code, 'Did you mean "x-squared"?' in wrong.err) == (2, True)


def test_an_example_is_run_and_followed(cli, monkeypatch, moment):
    def run(out: Path, *, fast: bool, seed: int, data: Path | None, report: Report) -> Result:
        report("drawing")
        report(moment())
        return Result(out / "x-squared.png", {"fast": fast, "seed": seed})

    monkeypatch.setitem(EXAMPLES, "x-squared", Example("title", "1 min", lambda: run))
    answer = cli("examples", "x-squared", "--fast", "--seed", "3", "--out", "figures", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["numbers"] == {"fast": True, "seed": 3}
    assert answer.json["figure"] == str(Path("figures/x-squared.png"))
    assert answer.err.splitlines()[:2] == ["drawing", "x-squared: title"]
    assert "step 1,234" in answer.err
    refused = cli("examples", "x-squared", "--data", "photos")
    assert (refused.code, "brings its own data" in refused.err) == (2, True)


def test_a_folder_is_checked(cli, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(30):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    assert cli("data", "check", str(folder)).code == 0
    (folder / "[link=x]\x1b[31m.png").write_bytes(b"<html>")
    answer = cli("data", "check", str(folder), "--size", "16", "--json")
    assert (answer.code, answer.json["usable"], answer.json["total"]) == (0, 30, 31)
    assert "\x1b" not in cli("data", "check", str(folder)).out
    assert cli("data", "check", str(folder), "--strict").code == 3
    assert cli("data", "check", str(folder), "--max-bad", "0.01").code == 3
    assert cli("data", "check", "nowhere").code == 3


def test_doctor_reads_a_run(cli):
    run = Run("runs/sick")
    run.start({"method": "gan", "config": {}, "data": {"name": "x"}, "seed": 0, "training": {}, "provenance": {}})
    for step in range(100, 1100, 100):
        sure = {"checkup/auc": 1.0, "gradient/generator": 1.0}
        run.log({"step": step, "discriminator/minimax": 1e-4, "health": sure})
    run.close()
    assert "saturated" in cli("doctor", "sick", "--json").json["run"]["findings"][0]["name"]
    assert "the discriminator's loss is 0.0001" in cli("doctor", "sick").out
    Path("runs/sick/config.json").write_text("{}")
    assert cli("info", "sick").code == 4
    listed = cli("runs", "--json").json["runs"]
    assert "damaged" in listed[0]["trouble"]
    assert "damaged" in cli("runs").out


def test_sources_are_listed(cli):
    assert {"mnist", "fashion-mnist", "points", "faces"} <= set(cli("data", "list", "--json").json["sources"])
    assert cli("data", "fetch", "points:grid", "--json").json["name"] == "grid"


def test_export_checks_its_target(cli):
    assert cli("train", "gan", "--data", "points:ring", "--width", "8", "--steps", "2", "--run", "r", "-q").code == 0
    assert cli("export", "r", "-o", "m.safetensors").code == 0
    again = cli("export", "r", "-o", "m.safetensors")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert cli("export", "r", "-o", "m.pt").code == 2
    assert cli("sample", "m.safetensors", "-n", "2", "-o", "s.npy").code == 0
    assert Path("s.npy").exists()


def test_completion_knows_the_methods_and_their_flags():
    from ganvas.cli.app import build

    script = build().generate_completion(shell="bash")
    assert "--critic-steps" in script
    assert "wgan-gp" in script
