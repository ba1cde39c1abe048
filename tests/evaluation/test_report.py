"""The report: one inert page, whatever of the run is there, and a verdict that follows from the numbers."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image
from planted import pictures, plant_scores, train_tiny

from ganvas.data import Data, points
from ganvas.errors import ModelError, UsageError
from ganvas.evaluation import report
from ganvas.evaluation.account import read
from ganvas.evaluation.judgement import Judgement, judge
from ganvas.evaluation.report.charts import HEIGHT, WIDTH, Line, chart
from ganvas.evaluation.report.figures import encoded, neighbours
from ganvas.evaluation.report.page import VOID, document, element, prose
from ganvas.runs import Run
from ganvas.training.monitors import Finding

NASTY = "<img src=x onerror=alert(1)>\"'&\x1b[31m"


class Page(HTMLParser):
    """Elements, text and pictures of a page; fails on an element that is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def pictures(self) -> list[Image.Image]:
        sources = [value or "" for tag, name, value in self.attributes if (tag, name) == ("img", "src")]
        return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]


def written(folder: Path, data: Data | None = None) -> Page:
    path, _ = report.write(folder, folder.name, data)
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_tiny(folder / "squares", "wgan-gp", pictures())
    train_tiny(folder / "ring", "wgan-gp", points("ring"), width=8)
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def judged(folder: Path) -> Judgement:
    return judge(read(folder), folder.name)


# -- the page ---------------------------------------------------------------------------------------------------------


def test_everything_stands_in_the_page_and_nothing_is_loaded(runs: Path) -> None:
    plant_scores(runs / "squares", [1.0, 0.5, 0.35, 0.3], floor=0.1)
    page = written(runs / "squares", pictures())
    for words in ("It works", "kid", "lenet, 84-d", "real data", "best: 0.3 at step 25", "critic", "gradient_penalty", "CC0"):
        assert words in page.text, words
    for words in (
        "Wasserstein estimate",
        "above 0 the critic scores real samples higher",
        "ganvas reproduce squares",
        "(default)",
    ):
        assert words in page.text, words
    assert page.tags.count("img") == 3  # strip, last samples, neighbours
    assert page.tags.count("svg") == 4  # score, critic, generator, estimate
    assert "script" not in page.tags
    assert not {name for _, name, _ in page.attributes if name.startswith("on")}
    links = [value for _, name, value in page.attributes if name in {"src", "href"}]
    assert all(value is not None and value.startswith("data:image/") for value in links)
    assert ("meta", "content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in page.attributes
    for picture in page.pictures():
        picture.load()
    assert (runs / "squares" / "report.html").stat().st_size < 3_000_000


def test_points_get_a_scatter_and_no_neighbours(runs: Path) -> None:
    page = written(runs / "ring")
    assert "Points have no copies to look for" in page.text
    assert "Cannot tell yet" in page.text
    assert "There are no scores over time." in page.text


def test_names_are_inert(runs: Path) -> None:
    wild = runs / ("wild" if os.name == "nt" else "<img src=x onerror=alert(1)>")
    run = Run(wild)
    config = {"method": NASTY, "config": {NASTY: NASTY}, "spec": {"shape": [1, 8, 8], "classes": [NASTY]}, "seed": 0}
    data = {"name": NASTY, "licence": NASTY, "origin": NASTY, "fingerprint": NASTY}
    provenance = {"command": ["ganvas", NASTY], "machine": {NASTY: NASTY}, "versions": {NASTY: NASTY}, "git": {"commit": NASTY}}
    run.start({**config, "data": data, "training": {NASTY: NASTY}, "provenance": provenance})
    for step in range(3):
        run.log({"step": step, "images": step, "seconds": step, f"{NASTY}/{NASTY}": 1.0 + step, "wasserstein": 1.0})
    run.close()
    plant_scores(wild, [1.0, 0.5], name=NASTY, features=NASTY, split=NASTY)
    (wild / "ended.json").write_text(json.dumps({"words": NASTY}))
    (wild / "evaluations").mkdir()
    (wild / "evaluations" / "001.json").write_text(json.dumps({"words": [NASTY], "scores": NASTY}))
    text = report.write(wild, NASTY)[0].read_text(encoding="utf-8")
    page = Page(text)
    assert "img" not in page.tags
    assert "\x1b" not in text
    assert page.text.count("onerror=alert(1)") > 15
    assert not {name for _, name, _ in page.attributes if name.startswith("on")}


def test_what_is_missing_or_damaged_is_said(runs: Path) -> None:
    folder = runs / "squares"
    with open(folder / "stats.jsonl", "ab") as file:
        file.write(b'{"step": 26, "torn\n[1]\n{"no": "step"}\n')
    (folder / "scores.jsonl").write_text('{"step": 5, "score": {"name": "kid", "value": null, "stamp": {}}}\nnonsense\n')
    (folder / "best.json").write_text("{}")
    (folder / "ended.json").write_text("[")
    (folder / "samples" / "progress.png").write_bytes(b"no picture")
    shutil.rmtree(folder / "model")
    page = written(folder)
    for words in ("lines of stats.jsonl are damaged", "1 of 2 lines of scores.jsonl", "hold no finite score"):
        assert words in page.text, words
    for words in ("best.json, is damaged", "No model to draw from", "Why training ended is not on record", "Cannot tell yet"):
        assert words in page.text, words


def test_neighbours_that_cannot_be_had(runs: Path) -> None:
    assert "Not shown: the data squares was made in Python" in written(runs / "squares").text


def test_a_run_that_never_finished_a_step(runs: Path) -> None:
    shutil.rmtree(runs / "squares" / "samples")
    (runs / "squares" / "stats.jsonl").unlink()
    page = written(runs / "squares", pictures())
    assert "no step is on record yet" in page.text
    assert "There are no records to examine." in page.text
    assert page.tags.count("img") == 2  # the kept model's samples, and their neighbours


def test_one_record_makes_no_curve(runs: Path) -> None:
    stats = runs / "squares" / "stats.jsonl"
    stats.write_bytes(stats.read_bytes().splitlines(keepends=True)[0])
    page = written(runs / "squares")
    assert "There are fewer than two records: no curves." in page.text
    assert "svg" not in page.tags


def test_values_that_are_not_finite_leave_gaps(runs: Path) -> None:
    run = Run(runs / "squares")
    run.log({"step": 30, "images": 480, "seconds": 1.0, "critic/wasserstein": float("nan"), "wasserstein": float("inf")})
    run.log({"step": 35, "images": 560, "seconds": 1.2, "critic/wasserstein": 1.0, "wasserstein": -1.0})
    page = written(runs / "squares")
    assert "no finite value of critic/wasserstein" in page.text
    assert "It does not work" not in page.text
    run.log({"step": 40, "images": 640, "seconds": 1.4, "critic/wasserstein": float("nan")})
    assert "critic/wasserstein is not finite at the last record: training has diverged." in written(runs / "squares").text
    assert judged(runs / "squares").state == "fails"


def test_what_is_no_run_is_refused(runs: Path) -> None:
    with pytest.raises(UsageError, match="is a model, not a run"):
        report.write(runs / "squares" / "model")
    with pytest.raises(ModelError, match="holds no run"):
        report.write(runs / "nowhere")


# -- the verdict ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "floor", "state", "words"),
    [
        ([1.0, 0.5, 0.35, 0.3], 0.1, "works", "3 times less"),
        ([1.0, 0.8, 0.7, 0.6], 0.1, "learns", "It was still getting better at the end."),
        ([1.0, 0.6, 0.6, 0.6, 0.6], 0.1, "learns", "It has levelled off."),
        ([1.0, 0.3, 0.5, 0.9], None, "learns", "Since then it got worse: 0.9"),
        ([1.0, 1.0, 1.1, 1.2], 0.1, "fails", "Over training kid went from 1"),
        ([0.5], None, "unknown", "There is one score, kid 0.5"),
        ([2.0, 0.09], 0.001, "works", "96% of the way from the untrained generator"),
        ([2.0, 0.5], 0.001, "learns", "75% of the way"),
    ],
)
def test_the_verdict_follows_from_the_scores(
    runs: Path, values: list[float], floor: float | None, state: str, words: str
) -> None:
    plant_scores(runs / "squares", values, floor=floor)
    verdict = judged(runs / "squares")
    assert verdict.state == state
    assert words in " ".join(verdict.because)
    assert verdict.advice


def test_a_grave_finding_outweighs_a_good_score(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_scores(runs / "squares", [1.0, 0.11], floor=0.1)
    assert judged(runs / "squares").state == "works"
    collapse = Finding("collapse", "all samples are alike", "the generator makes one picture", "try r3gan", "bad")
    monkeypatch.setattr("ganvas.evaluation.account.examine", lambda records, scores: [collapse])
    verdict = judged(runs / "squares")
    assert verdict.state == "fails"
    assert "All samples are alike: the generator makes one picture." in verdict.because
    assert "Try r3gan." in verdict.advice
    page = written(runs / "squares")
    assert "try r3gan" in page.text


def test_divergence_is_no_success(runs: Path) -> None:
    plant_scores(runs / "squares", [1.0, 0.11], floor=0.1)
    (runs / "squares" / "ended.json").write_text(json.dumps({"reason": "diverged", "words": "a term became nan at step 25"}))
    verdict = judged(runs / "squares")
    assert (verdict.state, verdict.because[0]) == ("fails", "A term became nan at step 25.")
    assert "Training ended: a term became nan at step 25." in written(runs / "squares").text


def test_copies_are_no_success(runs: Path) -> None:
    plant_scores(runs / "squares", [1.0, 0.11], floor=0.1)
    found = {"metric": "memorisation", "words": "12 % of the samples are copies", "facts": {"detected": True}}
    (runs / "squares" / "evaluations").mkdir()
    (runs / "squares" / "evaluations" / "001.json").write_text(json.dumps({"scores": [found]}))
    verdict = judged(runs / "squares")
    assert (verdict.state, verdict.because[0]) == ("fails", "12 % of the samples are copies.")
    found["facts"] = {"detected": False}
    (runs / "squares" / "evaluations" / "002.json").write_text(json.dumps({"scores": [found]}))
    assert judged(runs / "squares").state == "works"


def test_scores_of_raw_pixels_are_weakened(runs: Path) -> None:
    plant_scores(runs / "squares", [1.0, 0.11], floor=0.1, features="raw pixels")
    assert "not whether shapes are right" in " ".join(judged(runs / "squares").because)


# -- its parts --------------------------------------------------------------------------------------------------------


def test_text_is_escaped_wherever_it_stands() -> None:
    assert element("p", "<b>", title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;</p>'
    assert prose("use `<x>` & go") == "use <code>&lt;x&gt;</code> &amp; go"
    assert "<title>&lt;script&gt;</title>" in document("<script>")


def test_a_copy_is_its_own_nearest_neighbour() -> None:
    data = pictures()
    training = data.real(len(data)).image
    found = neighbours(training[[5, 9]], data)
    assert found is not None
    assert found.distances.tolist() == [0.0, 0.0]
    assert torch.equal(found.found, training[[5, 9]])
    assert found.searched == len(data)
    assert found.usual is not None
    shifted = neighbours(training[:3] + 0.1, data)
    assert shifted is not None
    assert shifted.distances.tolist() == pytest.approx([0.1 * 8] * 3, rel=1e-5)


def test_a_large_picture_is_made_to_fit() -> None:
    noise = Image.frombytes("RGB", (600, 400), torch.randint(0, 256, (720_000,), dtype=torch.uint8).numpy().tobytes())
    kind, data = encoded(noise, budget=60_000)
    assert (kind, len(data) <= 60_000) == ("jpeg", True)
    assert encoded(Image.new("RGB", (50, 50)))[0] == "png"


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0, 1, 2], [1.0, float("nan"), 3.0]),
        ([5, 5], [2.0, 2.0]),
        ([0, 0], [0.0, 0.0]),
        (list(range(5000)), [1e-6 * 10 ** (n / 500) for n in range(5000)]),
        ([1, 2, 3], [-1e300, 0.0, 1e300]),
    ],
)
def test_a_curve_is_drawn_within_its_frame(x: list[float], y: list[float]) -> None:
    drawing = chart([Line("a", x, y), Line("b", x, y)], x_name="images", about="a & b")
    ElementTree.fromstring(drawing)
    path = re.search(r'<path d="([^"]*)"', drawing)
    assert path is not None
    pairs = [tuple(map(float, pair)) for pair in re.findall(r"[ML](\S+) (\S+)", path[1])]
    assert 1 < len(pairs) <= 400
    assert all(0 <= left <= WIDTH and 0 <= top <= HEIGHT for left, top in pairs)
