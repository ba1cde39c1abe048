"""The doctor's rules for translators: signs of their own illnesses in the figures of ``translator_checkup``."""

from __future__ import annotations

from ganvas.training.chart import LASTING, Chart, Finding, Rule

IGNORED = 0.25
"""Below this share of the targets' spread outputs hardly depend on inputs."""
UNTOUCHED = 0.1
"""Below this share of the way to the target nothing is done."""
GREY = 0.3
"""Below this share of the targets' colour outputs are grey."""
WORSE, BETTER = 1.1, 0.9
"""By how much held-out error must have risen from its best, and training error fallen meanwhile, to be overfitting."""
CLOSED = 0.1
"""A cycle's error, in units of the distance between two inputs, from which on pictures come back."""


def input_ignored(chart: Chart) -> Finding | None:
    """The same picture for every input. At the start it always is, but then it passes."""
    values = chart.last("spread")
    if not values or max(values) >= IGNORED or values[-1] > 1.15 * values[0]:
        return None
    seen = f"outputs are {values[-1]:.0%} as far from each other as their targets are"
    remedy = "a lower learning rate, a stronger --reconstruction or --cycle; go back to the best snapshot"
    meaning = "every input becomes nearly the same picture: the generator has collapsed"
    return Finding("input ignored", seen, meaning, remedy, "bad", "certain" if values[-1] < 0.1 else "likely")


def nothing_done(chart: Chart) -> Finding | None:
    """The output is the input."""
    values = chart.last("changed")
    if not values or max(values) >= UNTOUCHED:
        return None
    seen = f"outputs differ from their inputs by {values[-1]:.0%} of what targets do"
    remedy = "lower --cycle and --identity, or train longer; see that the domains differ in what you want changed"
    return Finding("nothing done", seen, "the generator hands its input through", remedy, "bad", "likely")


def labels_ignored(chart: Chart) -> Finding | None:
    """Whatever is asked for, the same comes out."""
    values = chart.last("steered")
    if not values or max(values) >= 0.02 or len(chart.checkups) < 2 * LASTING:
        return None
    seen = f"asking for something else changes a picture by {values[-1]:.1%} of the distance between two"
    remedy = "raise --classification, lower --reconstruction, or train longer"
    return Finding("labels ignored", seen, "the generator does not do what it is asked for", remedy, "bad", "likely")


def colour_collapse(chart: Chart) -> Finding | None:
    """Grey where there should be colour: what an average of all answers looks like."""
    values = chart.last("colour")
    if not values or max(values) >= GREY or values[-1] > 1.15 * values[0]:
        return None
    seen = f"outputs have {values[-1]:.0%} of their targets' colour"
    remedy = "a lower --reconstruction against the game, or train longer"
    return Finding("colour collapse", seen, "outputs are grey where targets are not", remedy, "watch", "likely")


def learnt_by_heart(chart: Chart) -> Finding | None:
    """Held-out pairs get worse while those of training still get better."""
    told = [checkup for checkup in chart.checkups if "error" in checkup and "error_seen" in checkup]
    if len(told) < 2 * LASTING:
        return None
    best = min(range(len(told)), key=lambda index: told[index]["error"])
    recent = told[-LASTING:]
    if best >= len(told) - LASTING or min(each["error"] for each in recent) < WORSE * told[best]["error"]:
        return None
    if max(each["error_seen"] for each in recent) > BETTER * told[best]["error_seen"]:
        return None
    then, now = told[best], recent[-1]
    seen = (
        f"the error on held-out pairs rose from {then['error']:.3g} to {now['error']:.3g}, on those of training it fell from "
        f"{then['error_seen']:.3g} to {now['error_seen']:.3g}"
    )
    remedy = "keep the best snapshot; more pairs, --mirror, a smaller --width"
    return Finding("learnt by heart", seen, "the generator knows its pairs by heart", remedy, "bad", "likely")


def empty_cycle(chart: Chart) -> Finding | None:
    """Pictures come back, but the translations convince nobody: the way there and back is closed without arriving."""
    cycle, apart = chart.last("cycle", 2 * LASTING), chart.last("auc", 2 * LASTING)
    if not cycle or not apart or max(cycle) > CLOSED or min(apart) < 0.99:
        return None
    seen = (
        f"pictures come back within {cycle[-1]:.1%} of the distance between two, and every translation is told from real ones"
    )
    remedy = "lower --cycle and --identity (or --reconstruction), or a weaker discriminator"
    return Finding("empty cycle", seen, "the cycle is closed, but translations do not arrive in their domain", remedy, "watch")


TRANSLATOR_RULES: tuple[Rule, ...] = (
    input_ignored, nothing_done, labels_ignored, colour_collapse, learnt_by_heart, empty_cycle,
)  # fmt: skip
"""The gravest first."""
