"""``ganvas apply`` from training to a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganvas
from conftest import Cli
from ganvas.data.translation import PairData


@pytest.fixture
def trained(tmp_path: Path) -> str:
    """A tiny pix2pix, one step old, that learns RGB from grey."""
    torch.manual_seed(0)
    target = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    data = PairData(target[:, :1].contiguous(), target)
    from ganvas.methods import METHODS

    kind = METHODS["pix2pix"]
    method = kind(kind.Config(width=2, batch_size=2), data.spec)  # type: ignore[call-arg]
    for _ in ganvas.train(method, data, ganvas.Run(tmp_path / "run"), steps=1):
        pass
    return str(tmp_path / "run")


def grey(path: Path, size: tuple[int, int] = (37, 21)) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, size[::-1], np.uint8)).save(path)
    return path


def test_a_picture_in_a_picture_out(cli: Cli, trained: str, tmp_path: Path) -> None:
    source = grey(tmp_path / "a.png")
    for app in ("translate", "colourise"):
        answer = cli("apply", app, trained, str(source), "-o", f"{app}.png", "--json", "--device", "cpu")
        assert answer.code == 0, answer.err
        assert answer.json["made"][0]["after"] == [21, 37]
        with Image.open(tmp_path / f"{app}.png") as made:
            assert (made.size, made.mode) == ((37, 21), "RGB")
    with Image.open(tmp_path / "translate.png") as made, Image.open(source) as shown:
        model = ganvas.load(trained)
        wanted = model.translate(torch.from_numpy(np.array(shown)).float().sub(127.5).div(127.5)[None, None])[0]
        found = torch.from_numpy(np.array(made)).permute(2, 0, 1)
        assert (found - (wanted + 1) * 127.5).abs().max() <= 0.51
    assert cli("apply", "translate", trained, str(source), "-o", "translate.png").code == 2
    assert cli("apply", "translate", trained, str(source), "-o", "translate.png", "--force", "--device", "cpu").code == 0


def test_a_folder_in_a_folder_out(cli: Cli, trained: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    grey(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"")
    answer = cli("apply", "translate", trained, "in", "-o", "out", "--json", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert [entry["source"] for entry in answer.json["made"]] == ["a.png"]
    assert json.loads(answer.out)["left_out"][0]["source"] == "b.png"
    assert "left out: b.png" in answer.err
    assert (tmp_path / "out" / "a.png").is_file()


def test_refusals_have_their_exit_codes(cli: Cli, trained: str, tmp_path: Path) -> None:
    source = grey(tmp_path / "a.png")
    for words, code, said in (
        (("restore", trained, str(source), "-o", "x.png"), 2, "does not restore"),
        (("colourise", trained, str(source), "-o", "x.jpg"), 2, ".jpg"),
        (("translate", trained, "none.png", "-o", "x.png"), 3, "no picture"),
        (("translate", "nobody", str(source), "-o", "x.png"), 4, "nobody"),
        (("translate", trained, str(source), "-o", str(source), "--force"), 2, "original"),
        (("translate", trained, str(tmp_path), "-o", "x.png"), 2, "is a folder"),
    ):
        answer = cli("apply", *words)
        assert (answer.code, said in answer.err) == (code, True), answer.err
    assert not (tmp_path / "x.png").exists()
