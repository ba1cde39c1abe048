"""Row C3a: CycleGAN between two domains of which the true translation is known, and what it comes to without its cycles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganvas.data import ArrayData, mnist
from ganvas.data.batches import Pairs
from ganvas.data.coloured_digits import inked, inked_digits
from ganvas.evaluation.accept.digits import classifier_refusal
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import train_to_end
from ganvas.evaluation.translation import PERFECT
from ganvas.metrics import l1, psnr
from ganvas.metrics.lenet import lenet

STEPS, BATCH, COUNT = 800, 8, 2000
SETTINGS: dict[str, Any] = {"width": 16, "blocks": 3, "batch_size": BATCH, "learning_rate": 1e-3, "ema_half_life": 1000.0}
"""lambda, pool, betas, schedule, objective and choice of patch (16x16 here) are the paper's. For pictures of 28 pixels a
quarter of its width and half of its blocks; a batch of 8 and five times its rate, for minutes in place of days."""
KEPT, CYCLE, LOSS = 0.90, 0.05, 0.20
Translate = Callable[[Tensor], Tensor]


class Kept(NamedTuple):
    """What a pair of translators comes to on held-out digits: see ``kept``."""

    labels: float
    cycle: float
    psnr: float


def keeps_digits(seed: int, steps: int = STEPS, count: int = COUNT) -> Outcome:
    """C3a: cyclegan on ``inked-digits``, with its cycles and without, judged on ``count`` held-out digits and their true ink.

    The domains are disjoint halves of MNIST, so that no digit's own translation is ever seen. The judge is a LeNet trained on
    all training digits in true ink; what it reads in a translation is compared with what the digit was.
    """
    digits, data = mnist(), inked_digits()
    judge = lenet(in_ink(digits))
    if refusal := classifier_refusal(judge):
        return refusal
    pairs = data.true_pairs()
    truth, label = pairs.pairs(count, seed), pairs.labels(count, seed)
    assert label is not None
    found = []
    for cycle in (10.0, 0.0):
        settings = {**SETTINGS, "cycle": cycle, "decay_images": steps * BATCH}
        progress = train_to_end("cyclegan", data, settings, seed, steps=steps)
        found.append(kept(progress.translate, partial(progress.translate, back=True), truth, label, judge.classify))
    return verdict(*found)


def kept(there: Translate, back: Translate, truth: Pairs, label: Tensor, classify: Callable[[Tensor], Tensor]) -> Kept:
    """Judges translators ``there`` and ``back`` on true pairs.

    Args:
        there, back: pictures (N, C, H, W) in [-1, 1] of the one domain to the other's, and of the other to the first's.
        truth: pictures of the first domain with what they should become.
        label: (N,), what they show.
        classify: what a picture of the second domain shows, (N,).

    Returns:
        The share of translations that show what they should, the mean L1 distance after there and back or after back and there,
        whichever is larger, and the mean PSNR to the true translation in dB.
    """
    source, target = truth
    made, unmade = through(there, source), through(back, target)
    cycles = (l1(through(back, made), source), l1(through(there, unmade), target))
    labels = float((classify(made) == label).double().mean())
    return Kept(labels, max(float(each.mean()) for each in cycles), float(psnr(made, target).clamp(max=PERFECT).mean()))


def verdict(full: Kept, without: Kept) -> Outcome:
    """Bounds against what was found, with the cycles and without them."""
    loss = full.labels - without.labels
    measured = (
        f"labels kept {full.labels:.3f}, cycle L1 {full.cycle:.3f}, PSNR to the truth {full.psnr:.1f} dB; without cycles "
        f"{without.labels:.3f} ({-100 * loss:+.1f} points), {without.cycle:.3f}, {without.psnr:.1f} dB"
    )
    passed = full.labels >= KEPT and full.cycle <= CYCLE and loss >= LOSS
    return Outcome(passed, measured, {"with cycles": full._asdict(), "without": without._asdict()})


def in_ink(digits: ArrayData) -> ArrayData:
    """Labelled digits with their test set, all in true ink."""

    def part(plain: ArrayData) -> ArrayData:
        name = f"{plain.name} in ink"
        return ArrayData(inked(plain.images), plain.labels, classes=digits.spec.classes, name=name)

    return part(digits).whole(lambda: part(digits.held_out()))


def through(translate: Translate, pictures: Tensor) -> Tensor:
    """The translations of all pictures, a part at a time."""
    return torch.cat([translate(part) for part in pictures.split(250)])
