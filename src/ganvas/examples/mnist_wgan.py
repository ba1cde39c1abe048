"""E4: MNIST with a Wasserstein GAN. Grids after one, two, three and four epochs of one digit."""

from __future__ import annotations

from pathlib import Path

from ganvas.data import mnist
from ganvas.examples.pictures import Story, tell
from ganvas.examples.registry import Report, Result, unheard
from ganvas.examples.scores import lenet_scores
from ganvas.methods import WGANConfig

DIGIT = "9"
"""One of the three digits (0, 6, 9) that fill the thesis's 92 batches of 64: MNIST has 5,949 pictures of it."""
ITERATIONS = (92, 184, 276, 368)
FAST = (23, 46, 69, 92)
CONFIG = WGANConfig()
"""Algorithm 1's: RMSprop 5e-5, clip 0.01, five critic updates an iteration, batches of 64."""


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Trains the WGAN on one digit. An iteration is one update of the generator after five of the critic.

    As in the tutorial that the thesis follows, an epoch is counted in iterations, so the critic sees each picture five times
    in it; with ``fast`` the panels are at a quarter of the iterations.
    """
    digit = mnist().only(DIGIT)
    iterations = FAST if fast else ITERATIONS
    epoch = len(digit) // CONFIG.batch_size
    story = Story(
        name="mnist-wgan-fast" if fast else "mnist-wgan",
        title="A Wasserstein GAN learns one digit" + (f" (fast: {iterations[-1]} iterations)" if fast else ""),
        subtitle=f"WGAN with weight clipping on {len(digit):,} pictures of a {DIGIT}; {CONFIG.critic_steps} critic updates an "
        f"iteration, batches of {CONFIG.batch_size}, {epoch} iterations an epoch",
        method="wgan",
        config=CONFIG,
        data=digit,
        iterations=iterations,
        labels=[f"iteration {iteration}" for iteration in iterations],
        scores=lambda data, count, seed: lenet_scores(data, count=count, seed=seed, report=report),
        columns=5,
    )
    return tell(story, out, fast=fast, seed=seed, report=report)
