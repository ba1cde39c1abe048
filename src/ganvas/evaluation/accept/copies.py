"""Row M1: copies of training pictures planted among pictures that training never saw."""

from __future__ import annotations

import torch

from ganvas.data import mnist
from ganvas.evaluation.accept.rows import Outcome
from ganvas.metrics import authenticity, memorisation

SHARES = (0.0, 0.1, 0.5)
TRAIN, HELD_OUT, GENERATED = 4000, 6000, 2000
NOISE = 0.05
"""Standard deviation of what is added to the copies, pictures being in [-1, 1]: as if they had been compressed."""


def planted_copies(seed: int) -> Outcome:
    """M1: detected when there are any and only then, and their share estimated within 5 points; AuthPct beside it."""
    # All three from one set: MNIST's own test set is by other writers, and no sample of the same distribution.
    pictures = mnist().real(TRAIN + HELD_OUT + GENERATED, seed).image.flatten(1)
    train, held_out, honest = pictures.split([TRAIN, HELD_OUT, GENERATED])
    generator = torch.Generator().manual_seed(seed)
    words, facts, passed = [], {}, True
    for share in SHARES:
        count = round(share * GENERATED)
        rows = torch.randint(TRAIN, (count,), generator=generator)
        copies = train[rows] + NOISE * torch.randn(count, train.shape[1], generator=generator)
        found = memorisation(torch.cat([copies, honest[count:]]), train, held_out, seed=seed)
        passed &= found.detected == (share > 0) and abs(found.copies - share) <= 0.05
        words.append(f"{share:.0%}: {found.copies:.1%}, p {found.p_value:.0e}, AuthPct {found.authenticity:.0%}")
        facts[f"{share:.0%}"] = {
            "copies": found.copies,
            "p_value": found.p_value,
            "authenticity": found.authenticity,
            "nearer_train": found.nearer_train,
            "expected": found.expected,
        }
    facts["authenticity of held-out pictures"] = {"authenticity": authenticity(held_out[:GENERATED], train)}
    return Outcome(passed, "; ".join(words), facts)
