"""Comparing runs: what differs, what compares, what does not, and figures that say the same."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from planted import pictures, plant_scores, score, train_tiny

from ganvas.data import points
from ganvas.errors import ModelError, UsageError
from ganvas.evaluation.account import read
from ganvas.evaluation.compare import Comparison, compare, lead
from ganvas.evaluation.compare_figures import draw_curves, draw_samples, panels, spread


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_tiny(folder / "gp", "wgan-gp", pictures())
    train_tiny(folder / "r3", "r3gan", pictures(), latent_size=6, seed=1)
    train_tiny(folder / "classes", "cgan", pictures(labels=True))
    train_tiny(folder / "ring", "wgan-gp", points("ring"), width=8)
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def side_by_side(runs: Path, *names: str) -> Comparison:
    return compare([read(runs / name) for name in names])


def test_only_what_differs_is_listed_and_defaults_are_marked(runs: Path) -> None:
    told = {setting.name: setting for setting in side_by_side(runs, "gp", "r3").settings}
    assert told["method"].values == ("wgan-gp", "r3gan")
    assert told["latent_size"].values == (4, 6)
    assert told["latent_size"].default == (False, False)
    assert told["penalty"].values == (10.0, None)
    assert told["penalty"].default == (True, False)
    assert told["seed"].values == (0, 1)
    assert not {"width", "batch_size", "data.fingerprint", "versions.torch"} & told.keys()


def test_scores_that_compare_share_a_row(runs: Path) -> None:
    plant_scores(runs / "gp", [1.0, 0.3, 0.4], floor=0.1)
    plant_scores(runs / "r3", [1.1, 0.3, 0.2], floor=0.1)
    best, last = side_by_side(runs, "gp", "r3").scores
    assert (best.source, last.source) == ("best snapshot", "end of training")
    assert {index: m.score.value for index, m in last.moments.items()} == {0: 0.4, 1: 0.2}
    assert [m.floor for m in last.moments.values()] == [0.1, 0.1]
    assert last.apart == ""
    assert lead(last) == "B is ahead of A by 0.2 ± 0.01"
    assert lead(best) == "B is ahead of A by 0.1 ± 0.01"


def test_scores_that_were_measured_differently_never_share_a_row(runs: Path) -> None:
    plant_scores(runs / "gp", [1.0, 0.4])
    plant_scores(runs / "r3", [1.1, 0.2], real=1000, features="inception")
    rows = side_by_side(runs, "gp", "r3").scores
    assert [len(row.moments) for row in rows] == [1, 1]  # the last scores are the best ones
    assert rows[1].apart == "features inception and not lenet, 84-d, real 1000 and not 500"
    assert [lead(row) for row in rows] == ["", ""]
    # Two rows of panels, not two lines on one axis.
    assert [len(panel.lines) for panel in panels(side_by_side(runs, "gp", "r3"))] == [1, 1]


def test_unstamped_scores_of_different_data_are_kept_apart(runs: Path) -> None:
    plant_scores(runs / "gp", [1.0, 0.4], data="")
    plant_scores(runs / "ring", [1.0, 0.2], data="")
    comparison = side_by_side(runs, "gp", "ring")
    assert all(len(row.moments) == 1 for row in comparison.scores)
    assert any("different data (A squares, B ring)" in words for words in comparison.caveats)
    assert any("different shapes" in words for words in comparison.caveats)


def test_a_difference_within_its_error_is_none(runs: Path) -> None:
    plant_scores(runs / "gp", [1.0, 0.400], error=0.05)
    plant_scores(runs / "r3", [1.0, 0.420], error=0.05)
    last = side_by_side(runs, "gp", "r3").scores[-1]
    assert lead(last) == "no difference can be seen, 0.02 ± 0.07 between A and B"
    plant_scores(runs / "gp", [0.4], error=None)
    plant_scores(runs / "r3", [0.5], error=None)
    assert "another seed may say otherwise" in lead(side_by_side(runs, "gp", "r3").scores[-1])


def test_the_latest_evaluation_counts(runs: Path) -> None:
    for name, number, value in (("gp", "001", 9.0), ("gp", "002", 0.5), ("r3", "001", 0.7)):
        folder = runs / name / "evaluations"
        folder.mkdir(exist_ok=True)
        floor = score(0.1).to_json()
        told = score(value).to_json() | {"metric": "frechet", "aim": "lower", "floor": floor, "words": ""}
        (folder / f"{number}.json").write_text(json.dumps({"step": 25, "scores": [told, {"name": "broken"}, 7], "words": []}))
    (runs / "gp" / "evaluations" / "003.json").write_text("{ torn")
    (row,) = side_by_side(runs, "gp", "r3").scores
    assert row.source == "evaluation"
    assert {index: m.score.value for index, m in row.moments.items()} == {0: 0.5, 1: 0.7}
    assert row.example.floor == 0.1


def test_latents_and_classes_that_differ_are_said(runs: Path) -> None:
    notes = side_by_side(runs, "gp", "r3", "classes").caveats
    assert any("latents have different sizes" in words for words in notes)
    assert any("fewer than two scores over time of A, B, C" in words for words in notes)
    assert any("no score at all of A, B, C" in words for words in notes)
    assert side_by_side(runs, "gp").caveats == ()


def test_figures_of_one_to_eight_runs(runs: Path) -> None:
    for number in range(4):
        shutil.copytree(runs / "r3", runs / f"copy-{number}")
    everyone = ["gp", "r3", "classes", "ring", *(f"copy-{n}" for n in range(4))]
    for names in (["gp"], everyone):
        comparison = side_by_side(runs, *names)
        figure, lacking = draw_samples(comparison)
        assert lacking == []
        with Image.open(io.BytesIO(figure)) as picture:
            assert picture.width > 300
        assert len(json.dumps(comparison.to_json())) > 100
    with pytest.raises(UsageError, match="9 runs cannot be compared"):
        compare([read(runs / "gp")] * 9)
    with pytest.raises(UsageError, match="gp is named twice"):
        side_by_side(runs, "gp", "r3", "gp")


def test_curves_are_scores_or_else_estimates(runs: Path) -> None:
    (panel,) = panels(side_by_side(runs, "gp", "r3"))
    assert panel.title.startswith("Wasserstein estimate")
    assert [line.run for line in panel.lines] == [0]
    assert draw_curves(side_by_side(runs, "r3")) is None
    plant_scores(runs / "gp", [1.0, 0.5, 0.7])
    (panel,) = panels(side_by_side(runs, "gp", "r3"))
    assert panel.lines[0].best == 1
    assert panel.lines[0].values == [1.0, 0.5, 0.7]
    figure = draw_curves(side_by_side(runs, "gp", "r3"))
    assert figure is not None
    assert figure.startswith(b"\x89PNG")


def test_a_run_without_a_model_leaves_its_place_empty(runs: Path) -> None:
    shutil.rmtree(runs / "gp" / "model")
    _, lacking = draw_samples(side_by_side(runs, "gp", "r3"))
    assert len(lacking) == 1
    assert "holds no model yet" in lacking[0]


def test_what_is_no_run_is_refused(runs: Path) -> None:
    with pytest.raises(UsageError, match="is a model, not a run"):
        read(runs / "gp" / "model")
    (runs / "gp" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        read(runs / "gp")


@pytest.mark.parametrize(
    ("heights", "placed"),
    [
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.9, 0.5, 0.52], [0.9, 0.46, 0.56]),
        ([0.3, 0.35, 0.4], [0.25, 0.35, 0.45]),
    ],
)
def test_labels_move_as_little_as_they_must(heights: list[float], placed: list[float]) -> None:
    assert spread(heights, 0.1) == pytest.approx(placed)
