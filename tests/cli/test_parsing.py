"""Words to settings: precedence, suggestions, refusals; help without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from ganvas.cli.app import command_names
from ganvas.cli.flags import DataFlags
from ganvas.cli.train import method_summaries
from ganvas.methods import METHODS


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["sample", "--help"], ["--version"], ["trian"]])
def test_help_needs_no_heavy_import(words):
    heavy = "{'torch', 'numpy', 'matplotlib', 'scipy', 'PIL'}"
    result = fresh(f"import sys; from ganvas.cli import main; main({words!r}); print(*({heavy} & set(sys.modules)), 'light')")
    assert result.stdout.splitlines()[-1] == " light".strip(), result.stdout + result.stderr


def test_import_ganvas_is_light_and_lazy():
    light, used = "assert 'torch' not in sys.modules", "ganvas.WGANConfig; ganvas.data; assert 'torch' in sys.modules"
    result = fresh(f"import sys, ganvas; {light}; {used}")
    assert result.returncode == 0, result.stderr


def test_every_command_has_help_with_an_example(cli):
    for name in sorted(command_names()):
        answer = cli(name, "--help")
        assert answer.code == 0, name
        if not any(word in answer.out for word in ("COMMAND",)) or name == "train":
            assert "For example:" in answer.out, name
    listing = cli("--help").out
    assert all(name in listing for name in command_names())


def test_methods_are_listed_by_their_files():
    assert method_summaries().keys() == METHODS.keys()
    assert all(method_summaries().values())


@pytest.mark.parametrize("name", METHODS)
def test_every_field_of_a_config_is_a_documented_flag(cli, name):
    text = " ".join(cli("train", name, "--help").out.replace("│", " ").split())
    for setting in fields(METHODS[name].Config):
        flag = "--" + setting.name.replace("_", "-")
        assert flag in text
        assert f"[default: {setting.default}]" in text


def test_precedence_is_flag_environment_file_preset_default(cli, monkeypatch, tmp_path):
    preset = {"method": '"wgan"', "data": '"points:ring"', "clip": 0.1, "width": 11, "batch_size": 12, "critic_steps": 13}
    Path("mine.toml").write_text("".join(f"{key} = {value}\n" for key, value in preset.items()))
    Path("ganvas.toml").write_text("[train]\nwidth = 20\nbatch_size = 21\n[train.wgan]\nwidth = 22\n[train.gan]\nwidth = 9\n")
    monkeypatch.setenv("GANVAS_BATCH_SIZE", "31")
    monkeypatch.setenv("GANVAS_CLIP", "0.3")
    rows = cli("config", "show", "--json", "train", "wgan", "--preset", "mine.toml", "--clip", "0.4").json
    seen = {name: (row["value"], row["origin"]) for name, row in rows.items()}
    assert seen["clip"] == ("0.4", "flag")
    assert seen["batch-size"] == ("31", "environment, GANVAS_BATCH_SIZE")
    assert seen["width"] == ("22", "ganvas.toml")
    assert seen["critic-steps"] == ("13", "preset mine.toml")
    assert seen["data"] == ("points:ring", "preset mine.toml")
    assert seen["learning-rate"] == (5e-5, "default")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], 'Did you mean "train"?'),
        (["train", "wgn", "--data", "points:ring"], 'Did you mean "wgan"?'),
        (["train", "wgan", "--data", "points:ring", "--critic-step", "3"], "Did you mean --critic-steps?"),
        (["train", "wgan", "--data", "points:ring", "--prior", "norml"], 'Did you mean "normal"?'),
        (["train", "wgan", "--data", "points:ring", "--clip", "-1"], "clip=-1.0 is out of range: it must be above 0"),
        (["train", "wgan", "--data", "points:ring", "--clip", "nan"], "clip=nan is not a finite number"),
        (["train", "wgan", "--data", "points:ring", "--learning-rate", "inf"], "learning_rate=inf is not a finite number"),
        (["train", "wgan", "--data", "points:ring", "--batch-size", "2.5"], "--batch-size 2.5 is not a whole number"),
        (["train", "wgan", "--data", "points:ring", "--steps", "0"], "Must be above 0."),
        (["train", "wgan", "--data", "points:ring", "--minutes", "nan"], "Must be a finite number."),
        (["train", "wgan", "--data", "points:ring", "--seed", "-1"], "Must be at least 0."),
        (["train", "wgan"], "--data requires an argument. Name what to learn from, as in --data mnist"),
        (["runs", "wgan"], "Unused Tokens: ['wgan']. --help shows what it takes."),
        (["train", "wgan", "--data", "points:ring", "--preset", "dmo"], "did you mean demo?"),
        (["train", "wgan", "--preset", "demo"], "preset demo is for wgan-gp"),
        (["train", "wgan", "--data", "points:ring", "--config", "no.toml"], "no.toml cannot be read"),
        (["methods", "wgan-pg"], "did you mean wgan-gp?"),
        (["methods", "wgan", "--shape", "1,28"], "'1,28' is no shape"),
        (["methods", "wgan", "--shape", "1,99999,99999"], "stay below"),
        (["config", "show"], "no command to show the settings of"),
    ],
)
def test_bad_words_get_one_line_and_exit_code_2(cli, words, said):
    answer = cli(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_no_bad_file_at_all_is_a_limit_too():
    assert DataFlags("photos/", max_bad=0.0).options() == {"max_bad": 0.0}
    assert DataFlags("photos/", mirror=False, size=None).options() == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\nlearning_rat = 1\n", "unknown key 'learning_rat': did you mean learning_rate?"),
        ("[train.wgan]\nclip = nan\n", "clip=nan is not a finite number"),
        ("[trian]\nclip = 1\n", "unknown table or key 'trian'"),
        ("train = 3\n", "train is not a table"),
        ("[train\n", "is not TOML"),
        ("[train]\nclip = [1, 2]\n", "clip"),
        ("a = " + "[" * 5000, "is not TOML"),
    ],
)
def test_bad_files_get_one_line_and_exit_code_2(cli, text, said):
    Path("ganvas.toml").write_text(text)
    answer = cli("train", "wgan", "--data", "points:ring", "--dry-run")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_a_file_that_is_no_text(cli):
    Path("x.toml").write_bytes(b"\xff\xfe\x00")
    answer = cli("train", "wgan", "--data", "points:ring", "--config", "x.toml")
    assert (answer.code, answer.err) == (2, "error: x.toml is not a text file: write it as TOML in UTF-8\n")
