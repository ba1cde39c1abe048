"""Row A1: figure 2 of the WGAN paper, the gradient that each judge hands to the generator at its fakes."""

from __future__ import annotations

from ganvas.evaluation.accept.rows import Outcome
from ganvas.examples.discriminator_vs_critic import Push, law, pushes, train


def gradients_at_fakes(seed: int) -> Outcome:
    """A1: the minimax gradient vanishes, the non-saturating one does not, the critics' are constant."""
    found = pushes(train(seed), seed)
    minimax, kept, clipped, penalised = (found[name] for name in ("minimax", "non_saturating", "clipped", "penalised"))
    off = penalised.median / law() - 1
    passed = (
        minimax.median <= 1e-3
        and kept.median >= 1
        and abs(off) <= 0.15
        and penalised.spread <= 0.10
        and clipped.spread <= 0.10
        and clipped.median > 0
    )
    measured = (
        f"minimax {minimax.median:.1e}; non-saturating {kept.median:.2f}; penalised {penalised.median:.3f} (law {law():.2f}, "
        f"{off:+.1%}), spread {penalised.spread:.1%}, {swing(penalised):.2f}x between the modes; clipped {clipped.median:.3g}, "
        f"spread {clipped.spread:.1%}, {swing(clipped):.2f}x between the modes"
    )
    return Outcome(passed, measured, {name: push.to_json() for name, push in found.items()})


def swing(push: Push) -> float:
    """The steepest over the least steep point between the modes."""
    return push.most / push.least if push.least else float("inf")
