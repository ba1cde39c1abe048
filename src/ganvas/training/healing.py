"""What ``heal`` does about the doctor's findings: the remedies that need no person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganvas.method import MethodConfig
from ganvas.training.monitors import Finding

MOST_CRITIC_STEPS = 20
AUGMENT_STEP, MOST_AUGMENT = 0.2, 0.8
"""ADA's cap (Karras et al. 2020): above it the generator learns the changes."""
REST = 3
"""Checkups that a remedy is given to work before the next one: as many as a finding needs to last."""

MORE_CRITIC_STEPS = ("under-trained critic", "lagging critic")
MORE_AUGMENTATION = ("overfitting critic",)
ROLL_BACK = ("exploding",)


def remedy(findings: Sequence[Finding], config: MethodConfig, is_image: bool) -> tuple[dict[str, Any], str]:
    """The settings to change for the first finding that a setting can mend, and its sign; nothing when there is none.

    An under-trained or lagging critic gets twice the steps, an overfitting one more augmentation.
    """
    for finding in findings:
        if finding.name in MORE_CRITIC_STEPS:
            for name in ("critic_steps", "discriminator_steps"):
                steps = getattr(config, name, None)
                if steps is not None and steps < MOST_CRITIC_STEPS:
                    return {name: min(2 * steps, MOST_CRITIC_STEPS)}, finding.seen
        if finding.name in MORE_AUGMENTATION and is_image and config.augment < MOST_AUGMENT:
            return {"augment": round(min(config.augment + AUGMENT_STEP, MOST_AUGMENT), 3)}, finding.seen
    return {}, ""


def runs_away(findings: Sequence[Finding]) -> Finding | None:
    """The first finding, when it calls for the last good state and lower rates."""
    return findings[0] if findings and findings[0].name in ROLL_BACK else None
