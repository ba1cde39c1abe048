"""``ganvas train TASK`` from a folder to a picture, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ganvas.runs import Run, load


def fill(folder: str, count: int = 12, side: int = 16) -> None:
    generator = np.random.default_rng(0)
    Path(folder).mkdir(parents=True)
    for number in range(count):
        Image.fromarray(generator.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(Path(folder) / f"{number:02}.png")


def test_upscaling_from_photographs_to_a_larger_picture(cli):
    fill("photos")
    words = ("train", "upscale", "--data", "photos/", "--size", "16", "--width", "4", "--run", "larger")
    answer = cli(*words, "--steps", "2", "--device", "cpu", "--json")
    assert answer.code == 0, answer.err
    assert "upscale: pix2pix on degraded:down2:photos/" in answer.err
    run = Run("runs/larger")
    assert (run.config["training"]["app"], run.config["config"]["batch_size"]) == ("upscale", 8)
    model = load("runs/larger")
    assert (model.spec.source, model.spec.shape) == ((3, 8, 8), (3, 16, 16))
    resumed = cli("resume", "larger", "--steps", "3")
    assert "next      ganvas apply upscale larger PICTURE" in resumed.out, resumed.err
    answer = cli("apply", "upscale", "larger", "photos/00.png", "-o", "large.png", "--device", "cpu")
    assert answer.code == 0, answer.err
    with Image.open("large.png") as made:
        assert made.size == (32, 32)


def test_editing_from_a_table_to_a_face(cli):
    fill("people")
    rows = [f"{number:02}.png,{number % 2},{number // 2 % 2}" for number in range(12)]
    Path("people/attributes.csv").write_text("\n".join(["file,smile,glasses", *rows]))
    words = ("train", "edit", "--data", "people", "--size", "16", "--width", "4", "--run", "editor", "--batch-size", "4")
    answer = cli(*words, "--steps", "1", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert "ganvas apply edit editor PICTURE -o result.png --set glasses" in answer.out
    apply = ("apply", "edit", "editor", "people/00.png", "-o", "out.png", "--device", "cpu")
    assert cli(*apply, "--set", "smile,glasses=0", "--strength", "0.7").code == 0
    with Image.open("out.png") as made:
        assert made.size == (16, 16)
    for given, said in (
        (("--set", "beard"), "never saw the attribute 'beard': it knows smile, glasses"),
        (("--set", "smile", "--strength", "7"), "--strength 7 is out of range: give 0"),
        ((), "say it with --set: smile, glasses"),
        (("--set", "smile", "--times", "2"), "edit has no use for --times"),
    ):
        answer = cli(*apply, "--force", *given)
        assert (answer.code, said in answer.err) == (2, True), answer.err
    answer = cli("apply", "age", "editor", "people/00.png", "-o", "older.png", "--to", "60+")
    assert (answer.code, "knows smile, glasses, and no ages" in answer.err) == (2, True)


def test_a_task_says_what_it_would_do_and_what_it_lacks(cli):
    fill("photos", count=3)
    answer = cli("train", "colourise", "--data", "photos", "--dry-run", "--width", "4", "--size", "16")
    assert (answer.code, "for 60.0 minutes" in answer.out, "into runs/colourise-photos-001" in answer.out) == (0, True, True)
    for words, code, said in (
        (("age", "--data", "photos"), 3, "has no ages"),
        (("colourise", "--data", "photo"), 3, "photo"),
        (("restore", "--data", "photos", "--damage", "rust"), 2, "join holes, scratches"),
        (("upscale", "--data", "photos", "--times", "3"), 2, "times"),
    ):
        answer = cli("train", *words, "--dry-run", "--size", "16")
        assert (answer.code, said in answer.err) == (code, True), answer.err
    assert "Tasks" in cli("train", "--help").out
    assert "--damage" in cli("train", "restore", "--help").out


def test_auto_says_why_and_leaves_a_preset_that_trains(cli):
    fill("photos", count=24, side=8)
    answer = cli("train", "auto", "--data", "photos", "--steps", "2", "--device", "cpu", "--run", "first", "--json")
    assert answer.code == 0, answer.err
    for word in ("data: 22 samples", "machine: cpu", "method: r3gan", "network: 3x8x8", "schedule:"):
        assert word in answer.err
    preset = Path("runs/first/preset.toml").read_text()
    assert "# network: 3x8x8" in preset and 'method = "r3gan"' in preset
    again = cli("train", "r3gan", "--preset", "runs/first/preset.toml", "--run", "second", "--device", "cpu")
    assert again.code == 0, again.err
    assert Run("runs/second").config["config"] == Run("runs/first").config["config"]
    answer = cli("resume", "first", "--steps", "3")
    assert (answer.code, "fell to zero" in answer.err) == (2, True), answer.err  # its schedule is over


def test_a_handful_is_refused_and_so_is_translation_by_auto(cli):
    fill("five", count=5)
    for method in ("auto", "dcgan"):
        answer = cli("train", method, "--data", "five", "--minutes", "1", "--dry-run")
        assert (answer.code, "5 pictures are too few" in answer.err) == (3, True), answer.err
        assert not Path("runs").exists()
    answer = cli("train", "auto", "--data", "two-valued", "--minutes", "1", "--dry-run")
    assert (answer.code, "ganvas train translate" in answer.err) == (2, True), answer.err
