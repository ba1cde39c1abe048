"""``ganvas evaluate``: tables for people, JSON for programs, one line for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image


def noise(folder: str, seed: int, size: tuple[int, ...] = (16, 16)) -> None:
    Path(folder).mkdir()
    for number in range(60):
        pixels = np.random.default_rng([seed, number]).integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(pixels).save(f"{folder}/{number}.png")


def test_a_run(cli):
    assert cli("train", "gan", "--data", "points:ring", "--width", "8", "--steps", "2", "--run", "r", "-q").code == 0
    answer = cli("evaluate", "r", "--metrics", "w1,modes", "-n", "300", "--json", "--out", "scores.json")
    assert answer.code == 0, answer.err
    assert [score["metric"] for score in answer.json["scores"]] == ["emd", "modes", "modes/high-quality", "modes/kl"]
    assert answer.json["scores"][0]["floor"]["value"] < answer.json["scores"][0]["value"]
    assert json.loads(Path("scores.json").read_text())["scores"] == answer.json["scores"]
    assert Path("runs/r/evaluations/001.json").exists()
    shown = cli("evaluate", "r", "--metrics", "sliced", "-n", "300", "--last")
    assert (shown.code, "real samples" in shown.out) == (0, True)
    assert "drawing 300 samples" in shown.err
    assert cli("evaluate", "r", "--metrics", "sliced", "-n", "300", "-q").err == ""
    assert cli("evaluate", "r", "--out", "scores.json").code == 2


def test_two_folders(cli):
    noise("theirs", 1)
    noise("photos", 2)
    answer = cli("evaluate", "theirs", "--against", "photos", "--features", "raw", "--metrics", "kid,recall,sliced", "--json")
    assert answer.code == 0, answer.err
    assert {score["name"] for score in answer.json["scores"]} == {"kid", "recall", "sliced"}


def test_what_cannot_be(cli):
    noise("grey", 1)
    noise("colour", 2, (16, 16, 3))
    refused = [
        (("evaluate", "grey"), 2, "name real data with against (--against)"),
        (("evaluate", "grey", "--against", "colour", "--features", "raw"), 2, "make both grey or both colour"),
        (("evaluate", "grey", "--against", "grey", "--metrics", "fud"), 2, "did you mean"),
        (("evaluate", "grey", "--against", "grey", "--features", "raw", "--metrics", "frechet"), 2, "needs 257 samples"),
        (("evaluate", "nowhere"), 4, "there is no run or model nowhere"),
        (("evaluate", "grey", "--against", "grey", "--best", "--last"), 2, "exclude each other"),
    ]
    for words, code, said in refused:
        answer = cli(*words)
        assert (answer.code, said in answer.err) == (code, True), answer.err
        assert "Traceback" not in answer.err
