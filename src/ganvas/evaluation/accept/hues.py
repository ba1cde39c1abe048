"""Row C3b: StarGAN between four hues of digits, of which every translation is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganvas.data import ArrayData, mnist
from ganvas.data.coloured_digits import four_hue_mnist, in_every_hue
from ganvas.evaluation.accept.digits import classifier_refusal
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import train_to_end
from ganvas.evaluation.translation import PERFECT
from ganvas.metrics import l1, psnr
from ganvas.metrics.lenet import lenet

STEPS, BATCH, COUNT = 1200, 16, 500
SETTINGS: dict[str, Any] = {
    "width": 16, "blocks": 3, "batch_size": BATCH, "critic_steps": 2, "learning_rate": 1e-3, "ema_half_life": 1000.0,
}  # fmt: skip
"""The weights of all terms, betas and schedule are the paper's. For pictures of 28 pixels a quarter of its width, half of its
blocks; for minutes in place of a day ten times its rate, and 2 critic steps in place of 5: what lacks is the generator's."""
DOMAIN, DIGIT, RECONSTRUCTION = 0.95, 0.93, 0.05
Classify = Callable[[Tensor], Tensor]


class Dyed(NamedTuple):
    """What a translator between hues comes to on held-out digits: see ``dyed``."""

    domain: float
    digit: float
    reconstruction: float
    own: float
    psnr: float
    worst: float


def changes_hues(seed: int, steps: int = STEPS, count: int = COUNT) -> Outcome:
    """C3b: stargan on ``four-hue-mnist``, judged on ``count`` test digits in all four hues, each made each of the other three.

    Both judges are LeNets trained on the four-hue training set, one on its hues and one on its digits.
    """
    plain, data = mnist(), four_hue_mnist()
    of_hue, of_digit = lenet(data), lenet(by_digit(data, plain))
    for judge in (of_hue, of_digit):
        if refusal := classifier_refusal(judge):
            return refusal
    truth, digit = in_every_hue(plain.held_out(), count, seed)
    settings = {**SETTINGS, "decay_images": steps * BATCH}
    progress = train_to_end("stargan", data, settings, seed, steps=steps)
    return verdict(dyed(progress.translate, truth, digit, of_hue.classify, of_digit.classify))


def dyed(
    translate: Callable[[Tensor, Tensor], Tensor], truth: Tensor, digit: Tensor, hue_of: Classify, digit_of: Classify
) -> Dyed:
    """Judges a translator on digits of which the picture in every hue is known.

    Args:
        translate: pictures (N, C, H, W) in [-1, 1] and the hues (N,) that they shall have, to pictures.
        truth: (hues, N, C, H, W), the digits in every hue.
        digit: (N,), what they show.
        hue_of, digit_of: what hue a picture has and what digit it shows, (N,).

    Returns:
        Of all changes from one hue to another: the share that has the hue asked for, the share that shows the same digit, the
        mean L1 distance after there and back, and the mean PSNR to the true picture in dB. Of pictures asked for in their own
        hue: the mean L1 distance to themselves. The worst pair of hues has ``worst`` of its pictures in the hue asked for.
    """
    right, same, back, own, near = [], [], [], [], []
    for start, source in enumerate(truth):
        here = torch.full((len(source),), start)
        for end, target in enumerate(truth):
            there = torch.full((len(source),), end)
            made = translate(source, there)
            if start == end:
                own.append(l1(made, source).mean())
                continue
            right.append((hue_of(made) == end).double().mean())
            same.append((digit_of(made) == digit).double().mean())
            back.append(l1(translate(made, here), source).mean())
            near.append(psnr(made, target).clamp(max=PERFECT).mean())
    domain, kept, apart, changed, likeness = (float(torch.stack(each).mean()) for each in (right, same, back, own, near))
    return Dyed(domain, kept, apart, changed, likeness, float(torch.stack(right).min()))


def verdict(found: Dyed) -> Outcome:
    """Bounds against what was found."""
    measured = (
        f"domain {found.domain:.3f} (worst change {found.worst:.2f}), digit kept {found.digit:.3f}, reconstruction L1 "
        f"{found.reconstruction:.3f} there and back, {found.own:.3f} in their own hue; PSNR to the truth {found.psnr:.1f} dB"
    )
    apart = max(found.reconstruction, found.own)
    passed = found.domain >= DOMAIN and found.digit >= DIGIT and apart <= RECONSTRUCTION
    return Outcome(passed, measured, found._asdict())


def by_digit(data: ArrayData, digits: ArrayData) -> ArrayData:
    """The pictures of ``four-hue-mnist`` and of its test set, labelled with the digit in place of the hue."""

    def part(own: ArrayData, plain: ArrayData) -> ArrayData:
        return ArrayData(own.images, plain.labels, classes=digits.spec.classes, name=f"{own.name}, by digit")

    return part(data, digits).whole(lambda: part(data.held_out(), digits.held_out()))
