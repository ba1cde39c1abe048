"""What ``heal`` does about the doctor's findings: the remedies that need no person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganvas.method import MethodConfig
from ganvas.networks.augment.choice import CAP, choice, number
from ganvas.training.monitors import Finding

MOST_CRITIC_STEPS = 20
AUGMENT_STEP, MOST_AUGMENT = 0.2, CAP
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
        if finding.name in MORE_AUGMENTATION and is_image and (more := more_augmentation(config.augment)) is not None:
            return {"augment": more}, finding.seen
    return {}, ""


def more_augmentation(setting: float | str) -> float | str | None:
    """The setting with its chance raised by ``AUGMENT_STEP``, at most to ``MOST_AUGMENT``; None when that is reached."""
    chance = choice(setting).chance
    if chance is None or chance >= MOST_AUGMENT:
        return None  # an adaptive one rises by itself
    raised = round(min(chance + AUGMENT_STEP, MOST_AUGMENT), 3)
    pipeline = str(setting).partition(":")[0]
    return raised if number(pipeline) is not None else f"{pipeline}:{raised}"


def runs_away(findings: Sequence[Finding]) -> Finding | None:
    """The first finding, when it calls for the last good state and lower rates."""
    return findings[0] if findings and findings[0].name in ROLL_BACK else None
