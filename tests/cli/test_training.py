"""Training from the command line, end to end on points: what it says, what it writes, how it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.data import open_source
from ganvas.runs import Run
from ganvas.runs.grids import read_facts, read_strip

SMALL = ["--data", "points:ring", "--width", "8", "--batch-size", "16", "--latent-size", "4"]


@pytest.fixture
def trained(cli):
    """A run of ten steps, by name."""
    assert cli("train", "wgan", *SMALL, "--steps", "10", "--run", "first", "-q").code == 0
    return "first"


def test_training_says_where_everything_lies_and_it_lies_there(cli):
    answer = cli("train", "wgan-gp", *SMALL, "--steps", "40", "--json")
    assert answer.code == 0, answer.err
    said = answer.json
    assert (said["step"], said["images"], said["run"]) == (40, 640, "runs/wgan-gp-ring-001")
    assert set(said["terms"]) == {"critic/wasserstein", "critic/gradient_penalty", "generator/wasserstein"}
    estimate = said["wasserstein"]
    assert estimate["bound"] == pytest.approx(estimate["value"] / estimate["lipschitz"])
    for key in ("run", "model", "samples", "curves"):
        assert Path(said[key]).exists(), key
    assert sorted(path.name for path in Path("runs/wgan-gp-ring-001/samples").iterdir()) == [
        "progress.png",
        "step-000000000.png",
        "step-000000040.png",
    ]
    assert [step for step, _ in read_strip(Path("runs/wgan-gp-ring-001/samples/progress.png"))] == [0, 40]
    assert read_facts(Path(said["samples"]))["step"] == "40"
    assert "data: ring, endless samples, points in 2 dimensions" in answer.err
    assert "step 40 (100%)" in answer.err
    assert "W estimate" in answer.err


def test_words_for_people(cli):
    answer = cli("train", "wgan", *SMALL, "--steps", "3")
    assert "trained wgan on ring: 3 steps, 48 images" in answer.out
    assert "signed; not a distance until divided by the Lipschitz constant" in answer.out
    assert "a lower bound of the Wasserstein-1 distance" in answer.out
    assert "ganvas sample wgan-ring-001" in answer.out
    assert cli("train", "wgan", *SMALL, "--steps", "3", "-q").err == ""
    assert [run["run"] for run in cli("runs", "--json").json["runs"]] == ["runs/wgan-ring-001", "runs/wgan-ring-002"]


def test_a_dry_run_does_nothing(cli, tmp_path):
    answer = cli("train", "wgan", *SMALL, "--dry-run", "--minutes", "2", "--json")
    assert answer.code == 0
    assert answer.json["budget"] == {"minutes": 2}
    assert answer.json["config"]["width"] == 8
    assert not Path("runs").exists()


def test_an_existing_run_is_not_touched(cli, trained):
    before = {path: path.read_bytes() for path in Path("runs/first").rglob("*") if path.is_file()}
    answer = cli("train", "wgan", *SMALL, "--steps", "5", "--run", trained)
    assert (answer.code, answer.out) == (2, "")
    assert "`ganvas resume first` continues it, --run first-001 is free" in answer.err
    assert {path: path.read_bytes() for path in Path("runs/first").rglob("*") if path.is_file()} == before


def test_resume_goes_on_as_if_it_had_never_stopped(cli, trained):
    assert cli("resume", trained, "--steps", "20", "-q").code == 0
    assert cli("train", "wgan", *SMALL, "--steps", "20", "--run", "whole", "-q").code == 0
    one, other = Run("runs/first").load(), Run("runs/whole").load()
    assert one is not None and other is not None and one.step == other.step == 20
    assert one.tensors.keys() == other.tensors.keys()
    assert all(bool((one.tensors[name] == other.tensors[name]).all()) for name in one.tensors)


def test_resume_of_a_spent_budget_says_so(cli, trained):
    answer = cli("resume", trained)
    assert answer.code == 2
    assert "has spent its budget (10 steps" in answer.err
    missing = cli("resume", "frist")
    assert (missing.code, "did you mean first?" in missing.err) == (4, True)


def test_resume_refuses_data_that_changed(cli, trained, monkeypatch):
    assert Run("runs/first").config["data"]["recipe"]["source"] == "points:ring"
    another = open_source("points:grid")
    monkeypatch.setattr("ganvas.cli.session.open_source", lambda **_: another)
    answer = cli("resume", trained, "--steps", "20")
    assert answer.code == 2
    assert "changed since the run was trained" in answer.err


def test_reproduce_is_bit_identical(cli, trained):
    answer = cli("reproduce", trained, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["identical"] is True
    assert answer.json["run"] == "runs/first-001"


def test_info_labels_the_estimate(cli, trained):
    cli("resume", trained, "--steps", "40", "-q")
    answer = cli("info", trained)
    assert "not a distance until divided by the critic's Lipschitz constant" in answer.out
    facts = cli("info", trained, "--json").json
    assert facts["step"] == 40
    assert facts["config"]["clip"] == 0.01
    assert facts["checkpoints"][-1] == 40
    model = cli("info", "runs/first/model", "--json").json
    assert (model["method"], model["facts"]["step"]) == ("wgan", 40)


def test_samples_repeat_and_are_not_overwritten(cli, trained):
    assert cli("sample", trained, "-n", "5", "-o", "a.npy", "--seed", "3").code == 0
    assert cli("sample", trained, "-n", "9", "-o", "b.npy", "--seed", "3").code == 0
    one, more = np.load("a.npy"), np.load("b.npy")
    assert one.shape == (5, 2)
    assert one.dtype == np.float32
    np.testing.assert_allclose(more[:5], one, atol=1e-6)
    again = cli("sample", trained, "-o", "a.npy")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert cli("sample", trained, "-n", "3", "-o", "a.npy", "--force").code == 0
    assert np.load("a.npy").shape == (3, 2)
    assert cli("sample", trained, "-o", "cloud.png").code == 0
    assert set(read_facts(Path("cloud.png"))) == {"seed", "model", "method"}
    assert cli("sample", trained, "-o", "bare.png", "--no-metadata").code == 0
    assert read_facts(Path("bare.png")) == {}
    assert sorted(path.name for path in Path().iterdir() if path.is_file()) == ["a.npy", "b.npy", "bare.png", "cloud.png"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-o", "x.jpg"], 2, "ends in .jpg"),
        (["-o", "/"], 2, "no place to write to"),
        (["-o", "points/"], 2, "points make no pictures"),
        (["-n", "0"], 2, "Must be above 0."),
        (["--truncation", "nan"], 2, "Must be a finite number."),
        (["--labels", "3"], 2, "not conditional"),
    ],
)
def test_samples_that_cannot_be_had(cli, trained, words, code, said):
    answer = cli("sample", trained, *words)
    assert answer.code == code
    assert said in answer.err


def pictures(folder: Path) -> str:
    """A folder of 24 grey pictures in two classes."""
    generator = np.random.default_rng(0)
    for number in range(24):
        path = folder / ("cat" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 16), dtype=np.uint8)).save(path)
    return str(folder)


def test_pictures_of_ones_own(cli, tmp_path):
    data = pictures(tmp_path / "pets")
    answer = cli(
        "train", "cgan", "--data", data, "--steps", "2", "--width", "4", "--batch-size", "8", "--run", "pets", "--json"
    )
    assert answer.code == 0, answer.err
    assert "1x16x16, 2 classes" in answer.err
    assert cli("sample", "pets", "-n", "3", "-o", "out", "--labels", "dog,cat,1").code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["00000.png", "00001.png", "00002.png"]
    with Image.open("out/00000.png") as picture:
        assert picture.size == (16, 16)
    assert read_facts(Path("out/00001.png"))["number"] == "1"
    wrong = cli("sample", "pets", "--labels", "dgo")
    assert (wrong.code, "its classes are cat, dog" in wrong.err) == (2, True)


def test_a_batch_larger_than_the_data(cli, tmp_path):
    answer = cli("train", "gan", "--data", pictures(tmp_path / "pets"), "--steps", "2", "--batch-size", "999")
    assert answer.code == 2
    assert answer.err.splitlines()[-1].startswith("error: a batch of 999 is more than the")


@pytest.mark.parametrize(("source", "code"), [("nowhere/", 3), ("mnst", 2), ("points:rnig", 2)])
def test_data_that_is_not_there(cli, source, code):
    answer = cli("train", "gan", "--data", source, "--steps", "2")
    assert answer.code == code
    assert answer.err.count("\n") == 1


def test_divergence_is_exit_code_5_and_keeps_the_last_good_state(cli):
    answer = cli("train", "gan", *SMALL, "--steps", "200", "--learning-rate", "1e30", "--run", "wild")
    assert answer.code == 5
    assert "diverged" in answer.err
    assert Run("runs/wild").load() is not None


def test_tensorboard_files(cli):
    assert cli("train", "gan", *SMALL, "--steps", "3", "--tensorboard", "--run", "board", "-q").code == 0
    assert len(list(Path("runs/board/tensorboard").iterdir())) == 1


def test_the_demo_is_its_preset(cli):
    preset = {"method": '"wgan-gp"', "data": '"points:ring"', "steps": 3, "width": 8, "batch_size": 8}
    Path("tiny.toml").write_text("".join(f"{key} = {value}\n" for key, value in preset.items()))
    answer = cli("demo", "--preset", "tiny.toml")
    assert answer.code == 0, answer.err
    assert "the same as: ganvas train wgan-gp --preset tiny.toml --run demo-001" in answer.err
    assert "a lower bound of the Wasserstein-1 distance" in answer.out
    assert Path("runs/demo-001/samples/progress.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_go_on(cli, number, code):
    command = [sys.executable, "-m", "ganvas", "train", "wgan", *SMALL, "--minutes", "5", "--run", "long"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not Path("runs/long/samples/step-000000000.png").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    last = err.splitlines()[-1]
    assert last.startswith(f"stopped by {number.name} at step ")
    assert last.endswith("everything is saved: continue with `ganvas resume long`")
    step = int(last.split(" at step ")[1].split(",")[0])
    assert Run("runs/long").steps()[-1] == step
    assert cli("resume", "long", "--steps", str(step + 2), "-q").code == 0


def test_json_on_stdout_is_one_document(cli):
    answer = cli("train", "gan", *SMALL, "--steps", "2", "--json")
    assert json.loads(answer.out)["step"] == 2


def test_training_ends_with_its_schedule_and_says_what_to_do(cli):
    words = ("train", "wgan-gp", "--data", "points:ring", "--width", "8", "--run", "falling", "--batch-size", "16")
    answer = cli(*words, "--schedule", "cosine", "--decay-images", "48", "--steps", "100")
    assert answer.code == 0, answer.err
    run = Run("runs/falling")
    assert (run.steps()[-1], run.ended()["words"]) == (3, "the learning rates have fallen to zero")
    assert "stopped   the learning rates have fallen to zero" in answer.out
    answer = cli("resume", "falling", "--steps", "200")
    assert (answer.code, "start a new run with a larger --decay-images" in answer.err) == (2, True), answer.err
