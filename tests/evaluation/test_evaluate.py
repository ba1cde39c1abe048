"""Evaluations of samples whose quality is known beforehand; what cannot be measured is refused with the number needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

import ganvas
from ganvas.data import ArrayData, points
from ganvas.data.batches import Images
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.evaluation.evaluate import Evaluation, evaluate, evaluations
from ganvas.evaluation.evidence import real_side
from ganvas.evaluation.registry import METRICS, named_metrics
from ganvas.methods import R3GAN, R3GANConfig
from ganvas.metrics import frechet_distance
from ganvas.runs import Run
from ganvas.training import train

Blobs = Callable[[int, int], Tensor]


@pytest.fixture
def blobs() -> Blobs:
    """(count, seed) -> pictures (N, 1, 16, 16) in [-1, 1] of one soft spot somewhere, as varied as two coordinates are."""

    def draw(count: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        centre = torch.rand(count, 2, 1, 1, generator=generator) * 10 + 3
        grid = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij"))
        return (2 * torch.exp(-(grid - centre).square().sum(1, keepdim=True) / 8) - 1).float()

    return draw


@pytest.fixture
def ring_run(tmp_path: Path) -> Path:
    data = points("ring")
    torch.manual_seed(0)
    method = R3GAN(R3GANConfig(latent_size=2, width=16, batch_size=32), data.spec)
    for _ in train(method, data, Run(tmp_path / "run", seed=0), steps=5):
        pass
    return tmp_path / "run"


def test_a_perfect_sampler_scores_what_real_samples_score(blobs: Blobs) -> None:
    found = evaluate(blobs(600, 1), ["fid", "kid", "precision", "coverage", "sliced"], against=blobs(1200, 2), features="raw")
    assert list(found.scores) == ["frechet", "kid", "precision", "coverage", "sliced"]
    assert found["fid"].name == "FD-raw"
    for name, floor in found.floors.items():
        assert found[name].stamp.comparable(floor.stamp), name
    assert found["fid"] / found.floors["frechet"] == pytest.approx(1, abs=0.5)
    assert abs(found["kid"].value) < 3 * (found["kid"].standard_error or 0) + 1e-9
    assert found["precision"].value == pytest.approx(found.floors["precision"].value, abs=0.06)
    assert "as like the data as other real samples are" in found.words[0]


def test_faults_are_seen_and_said(blobs: Blobs) -> None:
    real, good = blobs(1000, 2), blobs(500, 1)
    few = good[:10].repeat(50, 1, 1, 1) + 0.01 * torch.randn(500, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    noise = (good + 0.5 * torch.randn(500, 1, 16, 16, generator=torch.Generator().manual_seed(0))).clamp(-1, 1)
    asked = ["precision", "recall", "ms-ssim", "sharpness"]
    collapsed = evaluate(few, asked, against=real, features="raw")
    assert collapsed["recall"].value < 0.2 * collapsed.floors["recall"].value
    assert any("most of the data's range is missing" in words for words in collapsed.words)
    noisy = evaluate(noise, asked, against=real, features="raw")
    assert noisy["precision"].value < 0.2 * noisy.floors["precision"].value
    assert noisy["sharpness"].value > 10 * noisy.floors["sharpness"].value
    assert any("most samples are unlike any real one" in words for words in noisy.words)


def test_a_run_is_judged_against_its_own_data_and_keeps_the_result(ring_run: Path) -> None:
    found = ganvas.evaluate(str(ring_run), count=500)
    assert {"modes", "modes/kl", "modes/high-quality", "emd", "sliced", "recall"} <= set(found.scores)
    assert found["emd"].value > 5 * found.floors["emd"].value  # five steps teach nothing
    assert found.floors["modes"].value == 8
    kept = json.loads((ring_run / "evaluations" / "001.json").read_text())
    assert kept["scores"][0]["metric"] == "modes"
    assert kept["step"] == 5
    assert kept["facts"]["seconds"]["whole"] > 0
    evaluate(ring_run, ["sliced"], count=200, which="last", seed=3)
    again = evaluations(ring_run)
    assert [len(each.scores) for each in again] == [len(found.scores), 1]
    assert again[0].scores == found.scores
    assert again[1]["sliced"].stamp.seed == 3
    assert str(again[0]) == str(found)


def test_scores_are_those_of_the_pure_functions(blobs: Blobs) -> None:
    fake, real = blobs(400, 1), blobs(400, 2)
    found = evaluate(fake, ["frechet"], against=real, features="raw")
    assert found["frechet"].value == pytest.approx(frechet_distance(real.flatten(1), fake.flatten(1)), rel=1e-6)


@pytest.mark.parametrize(
    ("metrics", "count", "words"),
    [
        (["frechet"], 100, "needs 257 samples a side for features of 256 components"),
        (["frechet-infinity"], 500, "needs 2,580 samples"),
        (["inception-score"], 300, "has no classes"),
        (["kid"], 20, "kid needs 50 samples a side, there are 20"),
        (["recall"], 49, "recall needs 50 samples"),
        (["emd"], 100, "use sliced"),
        (["modes"], 100, "modes are known of"),
        (["cas"], 100, "conditional model"),
        (["accuracy"], 100, "conditional model"),
        (["memorisation"], 100, "needs a model"),
        (["cmmd"], 100, "CLIP"),
        (["frecht"], 100, "did you mean frechet"),
    ],
)
def test_refusals_name_the_mend(blobs: Blobs, metrics: list[str], count: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        evaluate(blobs(600, 1), metrics, against=blobs(600, 2), count=count, features="raw")


def test_the_default_list_goes_on_without_what_cannot_be_had(blobs: Blobs) -> None:
    found = evaluate(blobs(60, 1), against=blobs(60, 2), features="raw")
    assert "needs 257 samples" in found.skipped["frechet"]
    assert {"kid", "precision", "sliced"} <= set(found.scores)
    assert "left out: frechet (" in str(found)


def test_sides_that_do_not_compare(blobs: Blobs, tmp_path: Path) -> None:
    fake, real = blobs(100, 1), blobs(100, 2)
    with pytest.raises(UsageError, match="1 channels, the real ones 3: convert one side"):
        evaluate(fake, ["kid"], against=torch.cat([real, -real, real], 1), features="raw")
    with pytest.raises(UsageError, match="pictures cannot be held against points"):
        evaluate(fake, ["kid"], against=torch.rand(100, 2))
    with pytest.raises(UsageError, match="2 of 100 generated samples hold NaN"):
        evaluate(torch.where(torch.arange(100).view(-1, 1, 1, 1) < 2, torch.nan, fake), ["kid"], against=real, features="raw")
    with pytest.raises(UsageError, match="all 100 real samples are alike"):
        evaluate(fake, ["kid"], against=real[:1].repeat(100, 1, 1, 1), features="raw")
    with pytest.raises(UsageError, match="does not say what it should look like"):
        evaluate(fake, ["kid"])
    with pytest.raises(UsageError, match="give floats"):
        evaluate(torch.zeros(3, 3, 3), ["kid"], against=real)
    with pytest.raises(DataError, match="there is no run, model or folder"):
        evaluate(tmp_path / "nowhere", against=real)
    with pytest.raises(UsageError, match="sliced is of pixels, and the pictures differ in size"):
        evaluate(fake, ["sliced"], against=torch.rand(100, 1, 8, 8), features="raw")


def test_grey_pictures_in_colour_files_are_grey(blobs: Blobs) -> None:
    fake, real = blobs(100, 1), blobs(100, 2)
    plain = evaluate(fake, ["sliced"], against=real)["sliced"].value
    assert evaluate(fake.repeat(1, 3, 1, 1), ["sliced"], against=real)["sliced"].value == pytest.approx(plain, rel=1e-5)
    thrice = evaluate(fake, ["sliced"], against=real.repeat(1, 3, 1, 1))["sliced"].value
    assert thrice == pytest.approx(plain, rel=0.1)


def test_a_collapsed_generator_is_judged_and_said(blobs: Blobs) -> None:
    found = evaluate(blobs(1, 1).repeat(100, 1, 1, 1), ["kid", "recall"], against=blobs(300, 2), features="raw")
    assert "all generated samples are alike: the generator has collapsed to one" in found.words
    assert found["recall"].value == 0


def test_folders_that_ganvas_never_made(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    for name, seed in (("theirs", 1), ("photos", 2)):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(blobs(80, seed)):
            pixels = ((picture[0] + 1) * 127.5).round().to(torch.uint8)
            Image.fromarray(pixels.numpy()).resize((20, 24)).save(tmp_path / name / f"{number}.png")
    found = evaluate(tmp_path / "theirs", ["sliced", "kid"], against=tmp_path / "photos", features="raw")
    assert found["sliced"].stamp.generated == found["sliced"].stamp.real == 80  # all of them: nobody held any out
    assert found["sliced"].stamp.split == "all"
    assert found.floors["sliced"].stamp.real == 40
    assert "theirs" in found.subject
    same = evaluate(tmp_path / "photos", ["sliced"], against=tmp_path / "photos")
    assert same["sliced"].value == pytest.approx(0, abs=1e-6)


def test_real_side_has_disjoint_stand_ins() -> None:
    generator = torch.Generator().manual_seed(0)
    data = ArrayData(torch.randint(0, 256, (3000, 1, 2, 2), generator=generator).to(torch.uint8)).split(0.4)

    def rows(pictures: Images) -> set[tuple[float, ...]]:
        return {tuple(row) for row in pictures.image.flatten(1).tolist()}

    test = real_side(data, 1000, seed=0, split=None)
    assert (test.split, len(test.samples.image), test.inner) == ("test", 1000, False)
    assert test.stand_ins is not None
    assert rows(test.samples) <= rows(data.held_out().real(2000))
    assert not rows(test.samples) & rows(test.stand_ins)
    small = real_side(data.held_out().split(0.1), 1000, seed=0, split=None)  # 120 held out of 1,200
    assert small.split == "train"
    assert "only 120 samples were held out" in small.remarks[0]
    assert small.inner
    assert small.stand_ins is not None and len(small.stand_ins.image) == 500
    whole = real_side(data, 1400, seed=0, split="all")
    assert whole.stand_ins is not None and not rows(whole.samples) & rows(whole.stand_ins)
    with pytest.raises(UsageError, match="no held-out part"):
        real_side(ArrayData(data.images), 10, seed=0, split="test")


def test_names() -> None:
    assert named_metrics(["fid", "FRECHET", "kid"]) == ["frechet", "kid"]
    assert all(metric.title and metric.needs for metric in METRICS.values())


def test_json_round_trip(blobs: Blobs) -> None:
    found = evaluate(blobs(100, 1), ["kid", "ms-ssim"], against=blobs(100, 2), features="raw")
    assert Evaluation.from_json(json.loads(json.dumps(found.to_json()))) == found
    with pytest.raises(UsageError, match="emd was not measured"):
        found["w1"]


def test_a_network_that_is_asked_for_by_name_must_be_had(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    pictures = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with pytest.raises(ModelError, match="sha256"):
        evaluate(pictures, against=pictures.flip(3), features=f"inception:{tmp_path / 'weights.pth'}")
