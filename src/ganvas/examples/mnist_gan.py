"""E2: MNIST with a GAN. Grids after 10, 100 and 500 epochs of the thesis's reference pair."""

from __future__ import annotations

from pathlib import Path

import torch

from ganvas.data import mnist
from ganvas.examples.pictures import Story, tell
from ganvas.examples.registry import Report, Result, unheard
from ganvas.examples.scores import lenet_scores
from ganvas.methods import GANConfig

EPOCHS, FAST_EPOCHS = (10, 100, 500), (1, 3, 10)
FAST_PICTURES = 12_800
CONFIG = GANConfig(batch_size=128)


def run(out: Path, *, fast: bool = False, seed: int = 0, data: Path | None = None, report: Report = unheard) -> Result:
    """Trains the GAN on all ten digits, batches of 128; with ``fast`` on the first 12,800 of the pictures for 10 epochs."""
    digits = mnist()
    if fast:
        part = f"first {FAST_PICTURES}"
        digits = digits.part(torch.arange(FAST_PICTURES), f"mnist ({part})", part, test=digits.held_out)
    epoch = len(digits) // CONFIG.batch_size
    epochs = FAST_EPOCHS if fast else EPOCHS
    size = f"{len(digits):,} MNIST digits"
    story = Story(
        name="mnist-gan-fast" if fast else "mnist-gan",
        title="A GAN learns handwritten digits" + (f" (fast: {epochs[-1]} epochs of {size})" if fast else ""),
        subtitle=f"The thesis's reference pair at 28x28x1 on {size}; batches of {CONFIG.batch_size}, {epoch} an epoch",
        method="gan",
        config=CONFIG,
        data=digits,
        iterations=[count * epoch for count in epochs],
        labels=[f"{count} epoch{'s' if count > 1 else ''}, iteration {count * epoch:,}" for count in epochs],
        scores=lambda data, count, seed: lenet_scores(data, count=count, seed=seed, report=report),
        columns=4,
    )
    return tell(story, out, fast=fast, seed=seed, report=report)
