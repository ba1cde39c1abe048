"""Row A4: what a penalised critic says of the distance between two distributions of which neither is the other moved."""

from __future__ import annotations

from ganvas.data.points import Points
from ganvas.evaluation.accept.rows import Outcome
from ganvas.examples.critics import Draw, penalised_critic
from ganvas.examples.wasserstein import PAIRS, WIDTH
from ganvas.transport import critic_estimate, emd

WEIGHT = 10.0
COUNT = 2000
"""Points a side on which both the critic and the exact solver are asked."""
STEPS, BATCH = 2000, 256


def fresh(a: Points, b: Points, seed: int) -> Draw:
    """Batches of training draws; the two sides never share their randomness."""
    first, second = a.stream(BATCH, seed=2 * seed), b.stream(BATCH, seed=2 * seed + 1)
    return lambda: (next(first).image, next(second).image)


def estimates_against_exact(seed: int) -> Outcome:
    """A4: the raw estimate within 15 % of exact W1 and, over its measured slope, never above it by more than 2 %."""
    facts: dict[str, dict[str, float]] = {}
    passed, words = True, []
    for name, pair in PAIRS.items():
        a, b = pair()
        critic = penalised_critic(fresh(a, b, seed), seed, weight=WEIGHT, steps=STEPS, width=WIDTH)
        real, fake = a.held_out().real(COUNT, 2 * seed).image, b.held_out().real(COUNT, 2 * seed + 1).image
        exact, found = emd(real, fake), critic_estimate(critic, real, fake, seed=seed)
        ratio, bound = found.value / exact, found.bound / exact
        passed = passed and abs(ratio - 1) <= 0.15 and bound <= 1.02
        words.append(f"{name}: {ratio:.3f}, {bound:.3f} of {exact:.3f}")
        facts[name] = {"exact": exact, "estimate": found.value, "lipschitz": found.lipschitz, "ratio": ratio, "bound": bound}
    return Outcome(passed, "; ".join(words), facts)
