"""The latent space commands on a tiny trained model: what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganvas
from conftest import Cli
from ganvas.data import open_source
from ganvas.data.translation import PairData
from ganvas.methods import METHODS
from ganvas.runs.grids import read_facts


def train(name: str, data: object, folder: Path, **settings: object) -> str:
    kind = METHODS[name]
    method = kind(kind.Config(width=4, batch_size=8, **settings), data.spec)  # type: ignore[attr-defined]
    for _ in ganvas.train(method, data, ganvas.Run(folder), steps=1):  # type: ignore[arg-type]
        pass
    return str(folder)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """60 pictures of noise in two classes."""
    generator = np.random.default_rng(0)
    for number in range(60):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8), np.uint8)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def model(cli: Cli, photos: Path, tmp_path: Path) -> str:
    torch.manual_seed(0)
    return train("cgan", open_source(str(photos)), tmp_path / "run", latent_size=8)


def test_every_command_writes_what_it_says(cli: Cli, model: str, photos: Path) -> None:
    """One after the other, as a user would, since making the model is what takes time."""
    base = ("--device", "cpu", "--json")
    answer = cli("interpolate", model, "--samples", "0,2-3", "--label", "b", "--steps", "4", "-o", "i.gif", *base)
    assert answer.code == 0, answer.err
    with Image.open("i.gif") as picture:
        assert answer.json["frames"] == 9 == picture.n_frames  # type: ignore[attr-defined]
    answer = cli("walk", model, "-o", "w.webp", "-n", "4", "--frames", "5", *base)
    assert answer.code == 0, answer.err
    with Image.open("w.webp") as picture:
        assert picture.n_frames == 5  # type: ignore[attr-defined]
    answer = cli("mix", model, "--samples", "0-1", "--with", "2,3,4", "--label", "0", "-o", "m.png", *base)
    assert (answer.code, answer.json["rows"], answer.json["columns"]) == (0, 2, 3), answer.err
    assert read_facts(Path("m.png"))["model"] == ganvas.load(model).hash
    Image.fromarray(np.zeros((20, 10, 3), np.uint8)).save("mine.png")
    few = ("--features", "pixels", "--steps", "3")
    answer = cli("invert", model, "mine.png", str(photos / "a" / "0.png"), "-o", "found", *few, *base)
    assert answer.code == 0, answer.err
    assert "mine.png is 10x20: cropped and resized to the model's 8x8" in answer.err
    assert "0.png" not in answer.err
    tuned = cli("invert", model, "mine.png", "--tune", "2", "-o", "tuned", *few, *base)
    assert tuned.code == 0 and tuned.json["pictures"][0].keys() >= {"distance", "tuned", "tuned psnr"}, tuned.err
    assert ganvas.load("tuned/model.safetensors").hash == tuned.json["tuned model"] != tuned.json["model"]
    own = ("tuned/model.safetensors", "--latents", "tuned/latents.safetensors", "--samples", "0,0", "-o", "own.png")
    assert cli("interpolate", *own, *base).code == 0
    assert cli("interpolate", model, *own[1:], *base).code == 2, "its latents are the tuned model's"
    assert [row["picture"] for row in json.loads(Path("found/inversion.json").read_text())["pictures"]] == ["mine.png", "0.png"]
    answer = cli("mix", model, "mine.png", str(photos / "b" / "1.png"), "--label", "a", "-o", "blend.png", *few, *base)
    assert answer.code == 0, answer.err
    answer = cli("interpolate", model, "--latents", "found/latents.safetensors", "--samples", "0,0", "-o", "same.png", *base)
    assert answer.code == 0, answer.err
    for by, more in (("sefa", ()), ("ganspace", ("--samples", "100"))):
        answer = cli("directions", model, "--by", by, *more, "-n", "2", "-o", f"{by}.safetensors", *base)
        assert answer.code == 0, answer.err
        assert len(answer.json["names"]) == 2 and Path(f"{by}.png").is_file()
    answer = cli(
        "steer", model, "sefa.safetensors", "--along", "sefa-1", "--amounts=-1,0,1", "--samples", "4", "-o", "s.png", *base
    )
    assert answer.code == 0, answer.err
    with Image.open("s.png") as picture:
        assert picture.size[0] > 3 * picture.size[1] * 0.8
    answer = cli("steer", model, "sefa.safetensors", "--latents", "found/latents.safetensors", "-o", "s.gif", *base)
    assert answer.code == 0, answer.err
    answer = cli("neighbours", model, "--samples", "0-2", "-k", "2", "-o", "n.png", *base)
    assert answer.code == 0, answer.err
    assert (answer.json["searched"], len(answer.json["distance"]), answer.json["data"]) == (54, 3, "photos")
    answer = cli("augment", model, "-n", "20", "--no-gain", "-o", "more", *base)
    assert (answer.code, answer.json["written"], answer.json["by_class"]) == (0, 20, {"a": 10, "b": 10}), answer.err
    checked = cli("data", "check", "more")
    assert checked.code == 0 and "20 of 20 pictures can be used" in checked.out


def test_refusals_have_their_exit_codes(cli: Cli, model: str, photos: Path, tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (8, 1, 16, 16), dtype=torch.uint8)
    translator = train("pix2pix", PairData(pixels, pixels), tmp_path / "pairs")
    points = train("gan", open_source("points:ring"), tmp_path / "ring")
    for words, code, said in (
        (("walk", translator), 2, "translates pictures and has no latent space"),
        (("neighbours", points), 2, "makes points"),
        (("interpolate", model, "--samples", "0-1"), 2, "--label"),
        (("interpolate", model, "--label", "c"), 2, "no class 'c'"),
        (("interpolate", model, "--samples", "3-1"), 2, "--samples"),
        (("interpolate", model, "-o", "x.avi"), 2, ".avi"),
        (("walk", model, "--truncation", "0"), 2, "truncation=0"),
        (("walk", model, "--space", "w"), 2, "no styles"),
        (("mix", model, "--layers", "0", "--label", "a"), 2, "no layers"),
        (("mix", model, "a.png"), 2, "name two"),
        (("invert", model), 2, "no picture"),
        (("invert", model, "none.png"), 3, "no picture"),
        (("steer", model, "none.safetensors"), 3, "no file"),
        (("directions", model, "--by", "labels"), 2, "--data"),
        (("directions", model, "--by", "labels", "--data", str(photos)), 2, "54 pictures teach"),
        (("directions", model, "-n", "99"), 2, "1 to 8"),
        (("neighbours", model, "--data", "nowhere/"), 3, "nowhere"),
        (("neighbours", str(Path(model) / "model")), 2, "--data"),
        (("augment", model, "-o", "x", "--few", "10"), 2, "128"),
        (("augment", model, "-o", "x", "--labels", "7", "--no-gain"), 2, "no class"),
        (("augment", "nobody", "-o", "x"), 4, "nobody"),
    ):
        answer = cli(*words)
        assert (answer.code, said in answer.err) == (code, True), (words, answer.err)
    Path("taken.gif").write_bytes(b"")
    assert cli("walk", model, "-o", "taken.gif").code == 2
