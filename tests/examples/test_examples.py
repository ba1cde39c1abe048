"""The examples themselves, at a few iterations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganvas.data import ArrayData
from ganvas.errors import UsageError
from ganvas.examples import EXAMPLES, mnist_gan, mnist_wgan, pictures, scores, surprised_faces, x_squared
from ganvas.examples.pictures import Story, tell
from ganvas.examples.registry import unheard
from ganvas.examples.scores import thumbnail_scores
from ganvas.methods import WGANConfig
from ganvas.metrics import sharpness


def random_pictures(count: int, channels: int = 1) -> ArrayData:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, 28, 28), dtype=torch.uint8, generator=generator)
    return ArrayData(images, name="noise")


def test_listing_the_examples_imports_nothing_heavy() -> None:
    code = "import sys, ganvas.examples; sys.exit(sum(m in sys.modules for m in ('torch', 'numpy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_example_loads() -> None:
    thesis = ["x-squared", "mnist-gan", "surprised-faces", "mnist-wgan"]
    assert list(EXAMPLES) == [*thesis, "wasserstein", "discriminator-vs-critic"]
    modules = [example.load().__module__ for example in EXAMPLES.values()]  # type: ignore[attr-defined]
    assert modules == [f"ganvas.examples.{name.replace('-', '_')}" for name in EXAMPLES]


def test_an_example_with_its_own_data_refuses_another(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="surprised-faces"):
        EXAMPLES["x-squared"](tmp_path, data=tmp_path)


def test_iterations_are_those_of_the_thesis() -> None:
    assert mnist_gan.EPOCHS == (10, 100, 500)
    assert surprised_faces.ITERATIONS == (420, 19024, 46576, 51168, 60352, 65600)
    assert surprised_faces.PICTURES // surprised_faces.CONFIG.batch_size * 100 == surprised_faces.ITERATIONS[-1]
    assert mnist_wgan.ITERATIONS == (92, 184, 276, 368)
    assert 5949 // mnist_wgan.CONFIG.batch_size == mnist_wgan.ITERATIONS[0]
    assert (mnist_wgan.CONFIG.critic_steps, mnist_wgan.CONFIG.clip, mnist_wgan.CONFIG.learning_rate) == (5, 0.01, 5e-5)


def test_x_squared_draws_its_figure_and_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_squared, "FAST", (1, 2, 3))
    monkeypatch.setattr(x_squared, "COUNT", 60)
    result = EXAMPLES["x-squared"](tmp_path, fast=True, seed=2)
    assert result.figure == tmp_path / "x-squared-fast.png"
    assert result.figure.read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(result.record.read_text())
    assert numbers == json.loads(json.dumps(result.numbers))
    assert [panel["iteration"] for panel in numbers["panels"]] == [1, 2, 3]
    assert numbers["last_over_floor"] == pytest.approx(numbers["panels"][-1]["emd"] / numbers["floor"], rel=1e-4)
    assert 0 < numbers["floor"] < 0.3


def test_a_story_on_pictures_scores_and_draws_each_panel(tmp_path: Path) -> None:
    config = WGANConfig(latent_size=4, batch_size=4, width=8, critic_steps=1)
    told: list[str] = []
    story = Story(
        name="noise-fast",
        title="Noise",
        subtitle="of 28x28",
        method="wgan",
        config=config,
        data=random_pictures(40),
        iterations=[1, 2],
        labels=["iteration 1", "iteration 2"],
        scores=lambda data, count, seed: thumbnail_scores(data, count=count, seed=seed),
        columns=3,
        side=2,
    )
    result = tell(story, tmp_path, fast=True, seed=1, report=lambda news: told.append(news) if isinstance(news, str) else None)
    numbers = json.loads(result.record.read_text())
    assert numbers["stamp"]["generated"] == numbers["stamp"]["real"] == 20
    assert numbers["data"]["pictures"] == 40
    assert numbers["example"] == "noise"
    assert [set(panel) >= {"frechet", "sharpness", "wasserstein_estimate"} for panel in numbers["panels"]] == [True, True]
    assert any("licence" in sentence for sentence in told)


def test_real_pictures_are_as_close_to_real_as_can_be() -> None:
    """The floor is far below the distance of other pictures, and sharpness is that of the pictures themselves."""
    data = random_pictures(400)
    score = thumbnail_scores(data, count=200, seed=0)
    flat = torch.zeros(200, 1, 28, 28)
    assert score.real["frechet"] < 0.2 * score(flat)["frechet"]
    assert score(flat)["sharpness"] == 0
    assert score.real["sharpness"] == pytest.approx(sharpness(data.real(400).image), rel=0.05)


def test_mnist_gan_fast_uses_part_of_the_digits_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Story] = []
    monkeypatch.setattr(mnist_gan, "mnist", lambda: random_pictures(13_000))
    monkeypatch.setattr(mnist_gan, "tell", lambda story, out, **_: seen.append(story))
    mnist_gan.run(tmp_path, fast=True, seed=0, data=None, report=unheard)
    (story,) = seen
    assert len(story.data) == 12_800
    assert story.iterations == [100, 300, 1000]
    assert "fast: 10 epochs of 12,800" in story.title


def test_mnist_wgan_takes_one_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Story] = []
    images = torch.zeros(640, 1, 28, 28, dtype=torch.uint8)
    digits = ArrayData(images, torch.arange(640) % 10, classes=tuple("0123456789"))
    monkeypatch.setattr(mnist_wgan, "mnist", lambda: digits)
    monkeypatch.setattr(mnist_wgan, "tell", lambda story, out, **_: seen.append(story))
    mnist_wgan.run(tmp_path, fast=False, seed=0, data=None, report=unheard)
    (story,) = seen
    assert len(story.data) == 64
    assert tuple(story.iterations) == mnist_wgan.ITERATIONS
    assert pictures.SCORED == 2000
    assert scores.METRICS["wasserstein_estimate"].startswith("critic's E[f(x)] - E[f(G(z))]")
