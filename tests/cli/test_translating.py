"""Training a translator from the command line: what it shows, scores and leaves, and how it goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.data import open_source
from ganvas.data.translation import PairData
from ganvas.runs import Run, load

TINY = ["--width", "4", "--batch-size", "2", "--size", "20x24"]


def fill(folder: Path, *, one: str = "A", other: str = "B", same_names: bool = True) -> None:
    """24 pictures of 20x24 a side: noise in colour, and its negative in grey."""
    generator = np.random.default_rng(0)
    for number in range(24):
        picture = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        for side, pixels in ((one, picture), (other, 255 - picture[..., 0])):
            (folder / side).mkdir(parents=True, exist_ok=True)
            name = number if same_names or side == one else number + 100
            Image.fromarray(pixels).save(folder / side / f"{name:03}.png")


@pytest.fixture
def pairs(cli) -> str:
    fill(Path("photos"))
    return "paired:photos"


def test_pix2pix_trains_on_a_folder_of_pairs_and_goes_on(cli, pairs):
    answer = cli("train", "pix2pix", "--data", pairs, *TINY, "--steps", "3", "--run", "first", "--json")
    assert answer.code == 0, answer.err
    assert "3x20x24 to 1x20x24" in answer.err
    said = answer.json
    assert set(said["terms"]) == {"discriminator/half_minimax", "generator/l1", "generator/non_saturating"}
    assert Path(said["report"]).exists()
    (score,) = Run("runs/first").scores()
    data = open_source(pairs, size=(20, 24))
    assert isinstance(data, PairData)
    source, target = data.held_out().pairs(500)
    model = load("runs/first/model")
    assert score["l1"] == pytest.approx(float((model.translate(source) - target).abs().mean()), abs=1e-4)
    assert score["score"]["stamp"]["generated"] == len(target)
    assert (score["score"]["name"], score["floor"]) == ("joined patch distance", None)
    assert Run("runs/first").config["training"]["score"] == "patches"
    resumed = cli("resume", "first", "--steps", "5", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["step"] == 5


def test_the_gallery_has_rows_of_input_output_and_target(cli, pairs):
    assert cli("train", "pix2pix", "--data", pairs, *TINY, "--steps", "2", "--run", "first", "-q").code == 0
    data = open_source(pairs, size=(20, 24))
    assert isinstance(data, PairData)
    source, target = data.held_out().pairs(8)
    output = load("runs/first/model").translate(source)
    drawn = np.asarray(Image.open("runs/first/samples/step-000000002.png"))[::3, ::3].astype(int)  # drawn three times as large
    rows = len(source)
    assert drawn.shape == (rows * 22 + 2, 3 * 26 + 2, 3)
    for row in range(rows):
        for column, pictures in enumerate((source, output, target)):
            tile = drawn[2 + row * 22 :][:20, 2 + column * 26 :][:, :24]
            wanted = pictures[row].expand(3, -1, -1).permute(1, 2, 0).add(1).mul(127.5).round()
            assert np.abs(tile - wanted.numpy()).max() <= 1


def test_cyclegan_trains_on_two_folders(cli):
    fill(Path("both"), one="trainA", other="trainB", same_names=False)
    words = ("train", "cyclegan", "--data", "unpaired:both", *TINY, "--blocks", "1", "--steps", "2", "--run", "first")
    answer = cli(*words)
    assert answer.code == 0, answer.err
    assert "next      ganvas apply translate first PICTURE -o result.png" in answer.out
    (score,) = Run("runs/first").scores()
    assert score["score"]["name"] == "patch distance there and back"
    assert score["score"]["value"] == pytest.approx((score["arrival"] ** 2 + score["cycle"] ** 2) ** 0.5, rel=1e-3)
    assert "l1" not in score
    model = load("runs/first")
    assert model.translate(torch.zeros(1, 3, 20, 24), noise=None).shape == (1, 1, 20, 24)
    assert model.translate(torch.zeros(1, 1, 20, 24), back=True).shape == (1, 3, 20, 24)


def test_what_cannot_be_meant_is_refused(cli, pairs):
    for words, cause in (
        (("train", "cyclegan", "--data", pairs, *TINY), "cyclegan learns from two domains"),
        (("train", "wgan", "--data", pairs, *TINY), "wgan learns from samples of one kind"),
        (("train", "pix2pix", "--data", "points:ring"), "pix2pix learns from pairs"),
    ):
        answer = cli(*words, "--steps", "1")
        assert (answer.code, cause in answer.err, answer.err.count("error:")) == (2, True, 1), answer.err
    assert cli("train", "pix2pix", "--data", pairs, *TINY, "--latent-size", "3").code == 2
    answer = cli("train", "gan", "--data", "points:ring", "--steps", "1", "--score", "patches")
    assert (answer.code, "patches is a score of translators" in answer.err) == (2, True), answer.err
    assert cli("train", "pix2pix", "--data", pairs, *TINY, "--steps", "1", "--run", "first", "-q").code == 0
    answer = cli("sample", "first")
    assert (answer.code, "translates pictures" in answer.err) == (2, True)


def test_a_plan_says_from_what_to_what(cli, pairs):
    answer = cli("train", "pix2pix", "--data", pairs, *TINY, "--steps", "1", "--dry-run")
    assert (answer.code, "3x20x24 to 1x20x24" in answer.out) == (0, True)
