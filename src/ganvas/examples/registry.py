"""The examples by name, and what each takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.training import Progress

Report = Callable[["Progress | str"], None]
"""Is told how an example goes: a sentence, or the training's progress with ``fraction`` of the whole example."""


def unheard(news: Progress | str) -> None:
    """The report of a caller who does not listen."""


@dataclass(frozen=True)
class Result:
    """What an example leaves behind.

    Args:
        figure: the PNG, named after the example.
        numbers: what the JSON file beside it holds: settings, data, and the scores of each panel.
    """

    figure: Path
    numbers: dict[str, Any]

    @property
    def record(self) -> Path:
        """The JSON file with the numbers."""
        return self.figure.with_suffix(".json")


class Runner(Protocol):
    """The function of an example."""

    def __call__(self, out: Path, *, fast: bool, seed: int, data: Path | None, report: Report) -> Result: ...


@dataclass(frozen=True)
class Example:
    """One worked example; calling it runs it. What it trains is kept, so that a second call goes on where the first stopped.

    Args:
        title: what it shows, in a line.
        cost: time on 2 CPU cores, in full and fast.
        load: imports its function.
        takes_data: whether it runs on a folder of the user's as well.
    """

    title: str
    cost: str
    load: Callable[[], Runner]
    takes_data: bool = False

    def __call__(
        self, out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard
    ) -> Result:
        """Trains, scores and draws into the folder ``out``; with ``fast`` in minutes, which the figure's title then says.

        Raises:
            UsageError: ``data`` is given to an example that has its own, or ``out`` holds the example with other settings.
            Interrupted: a signal stopped it; the same call continues.
        """
        if data is not None and not self.takes_data:
            others = ", ".join(name for name, example in EXAMPLES.items() if example.takes_data)
            raise UsageError("this example brings its own data", f"leave --data out, or choose {others}")
        return self.load()(Path(out), fast=fast, seed=seed, data=data, report=report)


def x_squared() -> Runner:
    from ganvas.examples.x_squared import run

    return run


def mnist_gan() -> Runner:
    from ganvas.examples.mnist_gan import run

    return run


def surprised_faces() -> Runner:
    from ganvas.examples.surprised_faces import run

    return run


def mnist_wgan() -> Runner:
    from ganvas.examples.mnist_wgan import run

    return run


def wasserstein() -> Runner:
    from ganvas.examples.wasserstein import run

    return run


def discriminator_vs_critic() -> Runner:
    from ganvas.examples.discriminator_vs_critic import run

    return run


EXAMPLES: dict[str, Example] = {
    "x-squared": Example("A GAN learns the curve (x, x^2): fake points settle on it", "1 min", x_squared),
    "mnist-gan": Example("A GAN learns handwritten digits: grids after 10, 100 and 500 epochs", "a day, fast 5 min", mnist_gan),
    "surprised-faces": Example(
        "A GAN learns faces of surprised people: grids from iteration 420 to 65,600",
        "hours, fast 5 min",
        surprised_faces,
        takes_data=True,
    ),
    "mnist-wgan": Example("A Wasserstein GAN learns one digit: grids after 1 to 4 epochs", "5 min, fast 2 min", mnist_wgan),
    "wasserstein": Example("Primal equals dual: exact transport, its potential, and critics", "1 min, fast 20 s", wasserstein),
    "discriminator-vs-critic": Example(
        "A discriminator saturates where a critic stays linear: two Gaussians, and two parallel lines",
        "30 s, fast 15 s",
        discriminator_vs_critic,
    ),
}
