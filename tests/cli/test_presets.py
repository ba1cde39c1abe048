"""The presets: each states command, cost and result, and is a command that can be run."""

from __future__ import annotations

import re

import pytest

from ganvas.cli import presets
from ganvas.cli.app import build
from ganvas.methods import METHODS


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_is_a_whole_recipe(name):
    told, settings = presets.recipe(name), presets.load(name)
    assert settings["method"] in METHODS
    assert told.command.startswith(f"ganvas {name}" if name == "demo" else f"ganvas train {settings['method']} --preset {name}")
    assert re.search(r"\d+ (seconds|minutes?)", told.cost)
    assert re.search(r"\d", told.result)
    assert not re.search(r"[A-Z]+_[A-Z]+", told.text)  # a place left to fill in
    words = ["train", settings["method"], "--preset", name, *([] if "data" in settings else ["--data", "photos/"])]
    _, bound, _ = build().parse_args(words, exit_on_error=False, print_error=False)
    given = {key: value for group in bound.arguments.values() for key, value in vars(group).items()}
    assert {key: given.get(key) for key in settings.keys() - {"method", "size"}} == {
        key: value for key, value in settings.items() if key not in {"method", "size"}
    }


def test_they_are_listed_and_shown(cli):
    listed = cli("config", "presets")
    assert listed.code == 0
    assert all(f"{name}: " in listed.out for name in presets.names())
    assert "ganvas train r3gan --preset ring" in listed.out
    assert 'data = "points:ring"' in cli("config", "presets", "ring").out
    assert set(cli("config", "presets", "--json").json) == set(presets.names())
    wrong = cli("config", "presets", "rnig")
    assert (wrong.code, "did you mean ring?" in wrong.err) == (2, True)
