"""``ganvas transport``: what it compares, what it says, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.evaluation.transported import transported
from ganvas.transport import emd


def pictures(folder: Path, count: int, seed: int, size: int = 8, mode: str = "L") -> Path:
    folder.mkdir()
    source = np.random.default_rng(seed)
    for number in range(count):
        shape = (size, size) if mode == "L" else (size, size, 3)
        Image.fromarray(source.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def points(path: str, count: int, seed: int, shift: float = 0.0, d: int = 2) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, d)) + shift
    np.save(path, drawn) if path.endswith(".npy") else np.savetxt(path, drawn, delimiter=",")
    return drawn


def test_files_of_points_are_compared_whole(cli):
    a, b = points("a.npy", 60, 0), points("b.csv", 40, 1, shift=2)
    answer = cli("transport", "a.npy", "b.csv", "--json")
    assert answer.code == 0, answer.err
    found = answer.json
    expected = emd(torch.from_numpy(a).float(), torch.from_numpy(b).float())
    assert found["distance"]["value"] == pytest.approx(expected, rel=1e-6)
    assert (found["distance"]["exact"], found["distance"]["a"], found["distance"]["b"]) == (True, 60, 40)
    assert (found["floor"]["of"], found["floor"]["a"], found["floor"]["b"]) == ("a.npy", 30, 30)
    assert 0 < found["floor"]["value"] < found["distance"]["value"]
    assert "it is higher" in cli("transport", "a.npy", "b.csv").out


def test_every_method_and_order_says_what_it_is(cli):
    points("a.npy", 80, 0)
    points("b.npy", 80, 1, shift=1)
    exact = cli("transport", "a.npy", "b.npy", "--order", "2", "--json").json["distance"]["value"]
    for method, above in (("sinkhorn", True), ("sliced", False), ("gaussian", False)):
        found = cli("transport", "a.npy", "b.npy", "--order", "2", "--method", method, "--json").json["distance"]
        assert (found["value"] >= exact, found["exact"], found["method"]) == (above, False, method)
    said = cli("transport", "a.npy", "b.npy", "--method", "sinkhorn").out
    assert all(word in said for word in ("upper bound", "divergence", "regularisation", "marginal error"))
    refused = cli("transport", "a.npy", "b.npy", "--method", "gaussian")
    assert (refused.code, "use order 2" in refused.err) == (2, True)


def test_a_source_against_itself_is_its_floor(cli):
    found = cli("transport", "points:grid", "points:grid", "-n", "150", "--json").json
    assert found["distance"]["value"] == pytest.approx(found["floor"]["value"], rel=1e-12)
    assert cli("transport", "points:grid", "points:ring", "-n", "50", "--seed", "3").out == (
        cli("transport", "points:grid", "points:ring", "-n", "50", "--seed", "3").out
    )


def test_two_sources_do_not_share_their_noise():
    found = transported("points:two-gaussians", "points:grid", count=400)
    here, there = found.a.samples[:, 1], found.b.samples[:, 1] - found.b.samples[:, 1].round()
    assert abs(float(torch.corrcoef(torch.stack([here, there]))[0, 1])) < 0.2


def test_folders_of_pictures_and_their_sheet(cli):
    pictures(Path("a"), 30, 0)
    pictures(Path("b"), 25, 1)
    answer = cli("transport", "a", "b", "--figure", "plan.png", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["a"], answer.json["b"]["count"]) == ({"name": "a", "count": 30, "shape": [1, 8, 8]}, 25)
    assert Path("plan.png").read_bytes().startswith(b"\x89PNG")
    again = cli("transport", "a", "b", "--figure", "plan.png")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert cli("transport", "a", "b", "--figure", "plan.png", "--force").code == 0
    sliced = cli("transport", "a", "b", "--method", "sliced", "--figure", "other.png")
    assert (sliced.code, "no plan to draw" in sliced.err, Path("other.png").exists()) == (2, True, False)


def test_a_run_against_its_data_and_its_critics_word(cli):
    assert cli("train", "wgan-gp", "--data", "points:ring", "--width", "8", "--steps", "3", "--run", "r", "-q").code == 0
    answer = cli("transport", "r", "-n", "100", "--figure", "plan.png", "--json")
    assert answer.code == 0, answer.err
    found = answer.json
    assert found["b"]["name"] == found["floor"]["of"] == "ring (held out)"
    (critic,) = found["critics"].values()
    assert critic["step"] == 3
    assert critic["w1_at_least"] <= found["distance"]["value"] * 1.02
    assert critic["w1_at_least"] == pytest.approx(critic["estimate_signed"] / critic["lipschitz"])
    turned = cli("transport", "points:ring", "r", "-n", "100", "--json").json
    assert turned["floor"]["of"] == "ring (held out)"
    assert "E[f(x)] - E[f(G(z))], signed" in cli("transport", "r", "points:grid", "-n", "50").out
    assert cli("train", "gan", "--data", "points:ring", "--width", "8", "--steps", "2", "--run", "g", "-q").code == 0
    assert cli("transport", "g", "-n", "50", "--json").json["critics"] == {}


def test_a_run_of_pictures_against_a_folder_at_its_size(cli):
    pictures(Path("photos"), 60, 0, size=16)
    words = ("--data", "photos", "--size", "16", "--width", "4", "--batch-size", "8", "--steps", "1", "--run", "w", "-q")
    assert cli("train", "wgan", *words).code == 0
    pictures(Path("large"), 24, 1, size=32)
    found = cli("transport", "w", "large", "-n", "12", "--json").json
    assert found["b"]["shape"] == [1, 16, 16]
    assert list(found["critics"]) == [str(Path("runs/w"))]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("a.npy", "three.npy"), 2, "differ in shape: a.npy of 2 and three.npy of 3"),
        (("a.npy", "few.csv"), 3, "5 samples of few.csv are too few"),
        (("a.npy", "nan.npy"), 3, "NaN or infinity in row 4 and 1 more"),
        (("a.npy", "words.csv"), 3, "no array of numbers"),
        (("a.npy", "empty.csv"), 3, "no array of numbers"),
        (("a.npy", "heading.csv"), 3, "holds no points"),
        (("a.npy", "pickled.npy"), 3, "no array of numbers"),
        (("a.npy", "cut.npy"), 3, "no array of numbers"),
        (("a.npy", "missing.npy"), 3, "cannot be read"),
        (("a.npy", "nothing"), 3, "no picture"),
        (("a.npy", "nowhere"), 4, "no run or model nowhere"),
        (("a.npy", "points:rang"), 2, "no points called"),
        (("a.npy", "mnst"), 2, "did you mean mnist?"),
        (("grey", "colour"), 2, "differ in shape: grey of 1x8x8 and colour of 3x8x8"),
        (("grey", "larger"), 2, "differ in shape: grey of 1x8x8 and larger of 1x12x12"),
        (("a.npy",), 2, "a.npy stands alone"),
        (("a.npy", "a.npy", "--count", "5"), 3, "5 samples of a.npy are too few"),
        (("points:ring", "points:grid", "-n", "6000", "--method", "exact"), 6, "36,000,000 pairs"),
        (("a.npy", "a.npy", "--order", "3"), 2, "order"),
    ],
)
def test_refusals_are_one_line(cli, words, code, said):
    points("a.npy", 30, 0)
    points("three.npy", 30, 0, d=3)
    points("few.csv", 5, 0)
    bad = np.zeros((20, 2))
    bad[3, 1], bad[7, 0] = np.nan, np.inf
    np.save("nan.npy", bad)
    Path("words.csv").write_text("x,y\n1,2\n3,four\n")
    Path("empty.csv").write_text("")
    Path("heading.csv").write_text("x,y\n\n")
    np.save("pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    Path("cut.npy").write_bytes(Path("a.npy").read_bytes()[:200])
    Path("nothing").mkdir()
    for folder, options in (("grey", {}), ("colour", {"mode": "RGB"}), ("larger", {"size": 12})):
        pictures(Path(folder), 12, 0, **options)
    answer = cli("transport", *words)
    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert answer.out == ""
