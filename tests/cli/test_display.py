"""What is shown while training runs, and when pictures are drawn."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ganvas.cli import display
from ganvas.cli.gallery import Gallery, next_date
from ganvas.cli.output import Output
from ganvas.data import points
from ganvas.methods import GAN, GANConfig
from ganvas.runs import Run
from ganvas.training import Progress
from ganvas.training.monitors import Finding


def shown(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(display.panel(progress, "wgan on [red]x[/red]"))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_panel_says_everything_and_obeys_no_markup(moment):
    text = shown(moment())
    for word in ("step 1,234 (43%)", "2,450 images/s", "1:42 left", "critic/wasserstein -4.25", "critic/[bold] 1", "MB"):
        assert word in text
    assert "Wasserstein estimate +4.25  (signed; not a distance until divided by the Lipschitz constant)" in text
    assert "wgan on [red]x[/red]" in text
    assert "doctor: nothing wrong so far" in text
    finding = Finding("saturated", "the loss is 0.01", "it carries little", "try wgan-gp", "watch")
    assert "doctor: the loss is 0.01: it carries little; try wgan-gp" in shown(moment(findings=[finding]))


def test_plain_lines_come_every_ten_seconds_and_at_the_end(monkeypatch, capsys, moment):
    now = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    with display.choose(Output(), "title") as view:
        assert isinstance(view, display.PlainLines)
        for quarter in range(100):
            now[0] = quarter / 4
            view.show(moment(now[0]))
        view.show(moment(now[0], done=True))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "title"
    assert len(lines) == 1 + 3 + 1
    assert "done in 0:25" in lines[-1]


def test_the_display_fits_its_place(monkeypatch):
    assert isinstance(display.choose(Output(quiet=True), ""), display.Silence)
    for environment, kind in (
        ({"FORCE_COLOR": "1"}, display.LivePanel),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, display.PlainLines),
    ):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert type(display.choose(Output(), "")) is kind


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (65.4, "1:05"), (3599.6, "1:00:00"), (7384, "2:03:04"), (-1, "0:00")]
)
def test_clock(seconds, words):
    assert display.clock(seconds) == words


def test_pictures_are_drawn_at_the_start_after_a_minute_and_ever_more_seldom(tmp_path, moment):
    data = points("ring")
    gallery = Gallery(Run(tmp_path), GAN(GANConfig(width=4), data.spec), data, resume=False)
    for second in range(400):
        gallery.see(moment(float(second), step=second))
    steps = [int(path.stem.removeprefix("step-")) for path in sorted((tmp_path / "samples").glob("step-*.png"))]
    assert steps == [0, 60, 90, 135, 203, 304]
    gallery.see(moment(401.0, step=401, done=True))
    assert gallery.latest == tmp_path / "samples" / "step-000000401.png"
    resumed = Gallery(Run(tmp_path), GAN(GANConfig(width=4), data.spec), data, resume=True)
    resumed.see(moment(402.0, step=402))
    assert resumed.latest is None
    assert resumed.due == pytest.approx(next_date(402.0)) == pytest.approx(455.625)
