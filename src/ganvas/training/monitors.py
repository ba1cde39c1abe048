"""The doctor's first rules: what the logged terms alone can tell about a game's health."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """What was seen (with its figure), what it means, what to try. ``severity``: "ok", "watch" or "bad"."""

    name: str
    seen: str
    meaning: str
    remedy: str
    severity: Literal["ok", "watch", "bad"]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def non_finite(terms: dict[str, float]) -> str | None:
    """The first term that is NaN or infinite, or None."""
    return next((name for name, value in terms.items() if not math.isfinite(value)), None)


def examine(terms: dict[str, float], history: list[dict[str, float]]) -> list[Finding]:
    """Findings from the current window of terms and the records before it, the most severe first.

    Args:
        terms: "player/term" -> mean over the current window.
        history: the same of earlier records, oldest first.
    """
    broken = non_finite(terms)
    if broken:
        return [
            Finding("non-finite", f"{broken} is {terms[broken]}", "training has diverged", "lower the learning rate", "bad")
        ]
    findings = []
    game = terms.get("discriminator/minimax")
    if game is not None and game < 0.02 and len(history) >= 5:
        findings.append(
            Finding(
                "saturated discriminator",
                f"the discriminator's loss is {game:.4f} (2 log 2 = 1.386 when it cannot tell)",
                "it separates reals from fakes almost perfectly, so its gradient carries little",
                "try wgan-gp or r3gan, or --dropout",
                "watch",
            )
        )
    estimate = [-record["critic/wasserstein"] for record in history if "critic/wasserstein" in record]
    if len(estimate) >= 10 and -terms.get("critic/wasserstein", 0.0) < 0 and max(estimate[-5:]) < 0:
        findings.append(
            Finding(
                "negative estimate",
                f"the critic's estimate is {-terms['critic/wasserstein']:.4g}",
                "the critic scores fakes above reals: it lags behind the generator",
                "raise --critic-steps or the critic's learning rate",
                "watch",
            )
        )
    return findings
