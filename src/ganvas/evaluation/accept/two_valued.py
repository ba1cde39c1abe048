"""Row C2: pairs of which the target is +1 or -1 at random; a regression answers between, a conditional GAN decides."""

from __future__ import annotations

from typing import Any

import torch

from ganvas.data.two_valued import two_valued
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import train_to_end
from ganvas.metrics import l1

STEPS, BATCH = 1200, 8
SETTINGS: dict[str, Any] = {
    "width": 16, "batch_size": BATCH, "learning_rate": 5e-4, "ema_half_life": 1000.0, "schedule": "linear",
    "decay_images": STEPS * BATCH,
}  # fmt: skip
"""lambda, dropout, norm and betas are the paper's; a small net for small pictures, and a rate that a minute is enough for."""


def decides(seed: int, steps: int = STEPS) -> Outcome:
    """C2: pix2pix on ``two-valued``, with its critic and without (the paper's L1 baseline), judged on held-out masks.

    Mean |y| inside the shape, of outputs in [-1, 1], is 1 for a net that decides and near 0 for one that averages. Both are
    as far from the truth in L1: inside, every value in [-1, 1] is at a mean distance of 1 from +1 or -1 at random. So that a
    net that always decides alike gains or loses nothing by the luck of 512 fills, its error is the mean over both fills of
    each mask, which has the same expectation; the error against the fills that were drawn is a fact beside it.
    """
    data = two_valued(seed=seed)
    source, target = data.held_out().pairs(512, seed)
    inside = source > 0
    other = torch.where(inside, -target, target)
    found = []
    for adversarial in (0.0, 1.0):
        progress = train_to_end("pix2pix", data, {**SETTINGS, "adversarial": adversarial}, seed, steps=steps)
        output = torch.cat([progress.translate(part) for part in source.split(128)])
        drawn, undrawn = (float(l1(output, fill).mean()) for fill in (target, other))
        found.append((float(output[inside].abs().mean()), (drawn + undrawn) / 2, drawn))
    (alone, alone_l1, alone_drawn), (critic, critic_l1, critic_drawn) = found
    worse = critic_l1 / alone_l1 - 1
    measured = f"L1 alone {alone:.3f}, with critic {critic:.3f}; L1 error {alone_l1:.3f} -> {critic_l1:.3f} ({worse:+.1%})"
    facts = {
        "alone": alone, "critic": critic, "alone_l1": alone_l1, "critic_l1": critic_l1, "pairs": len(source),
        "alone_l1_of_the_drawn_fills": alone_drawn, "critic_l1_of_the_drawn_fills": critic_drawn,
    }  # fmt: skip
    return Outcome(alone <= 0.1 and critic >= 0.85 and worse <= 0.10, measured, facts)
