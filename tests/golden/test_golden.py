"""A hundred steps of every method give the losses they gave when they were recorded: no change alters training unnoticed.

Steps amplify rounding, and processors round sums differently. So the recording holds, beside the losses, how far they move when
every weight is moved by about one rounding at the start (``python tests/golden/record.py``); the test allows ``MARGIN`` times
that, or ``LEAST`` of the loss where it is more. A changed constant, sign, order or draw is far outside: a test plants some.

When a change to training is meant: record anew, and say in the changelog that results change.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from ganvas.method import Method
from ganvas.methods import METHODS
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks
from tiny import config_for, data_for

LOSSES = Path(__file__).with_name("losses.json")
STEPS = 100
WINDOW = 20
"""Losses are means over so many steps, at the beginning and at the end."""
MARGIN = 10.0
LEAST = 2e-4
ROUNDING = 1e-7
SHAKES = 3

Losses = dict[str, float]


def losses(name: str, shake: int = 0, **settings: object) -> Losses:
    """The mean of each term over the first and the last ``WINDOW`` of ``STEPS`` steps on the smallest data.

    Args:
        shake: seed of a relative change of every weight by about ``ROUNDING`` before the start; 0 changes nothing.
    """
    data = data_for(name)
    torch.manual_seed(11)
    if "critic_steps" in {field.name for field in fields(METHODS[name].Config)}:
        settings = {"critic_steps": 2} | settings  # five would take three times as long and show nothing more
    method = METHODS[name](config_for(name, **settings), data.spec)
    if shake:
        shaken(method, shake)
    engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=5, ranks=Ranks(torch.device("cpu")))
    stream = data.stream(method.config.batch_size, seed=5)
    found: Losses = {}
    for step in range(STEPS):
        engine.step(step, stream)
        if (step + 1) % WINDOW == 0:
            if step + 1 in (WINDOW, STEPS):
                found |= {f"{term} to step {step + 1}": value for term, value in engine.terms().items()}
            engine.clear_terms()
    return found


def shaken(method: Method, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.mul_(1 + ROUNDING * torch.randn(parameter.shape, generator=source))


def recorded(name: str) -> dict[str, tuple[float, float]]:
    """Each loss of a method, and how far it may be off."""
    told = json.loads(LOSSES.read_text())
    if name not in told:
        pytest.skip(f"record it: python tests/golden/record.py {name}")
    return {term: (value, max(MARGIN * moved, LEAST * abs(value), 1e-6)) for term, (value, moved) in told[name].items()}


def strangers(name: str, found: Losses) -> list[str]:
    """The losses that are not what they were, in words."""
    known = recorded(name)
    assert found.keys() == known.keys()
    return [
        f"{term}: {found[term]:.7g}, recorded {value:.7g} +- {allowed:.1g}"
        for term, (value, allowed) in known.items()
        if not abs(found[term] - value) <= allowed
    ]


@pytest.mark.parametrize("name", METHODS)
def test_a_hundred_steps_give_the_recorded_losses(name: str) -> None:
    assert strangers(name, losses(name)) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [("wgan-gp", {"beta2": 0.91}), ("r3gan", {"gamma": 1.02}), ("gan", {"learning_rate": 2.02e-4}), ("wgan", {"clip": 0.0101})],
)
def test_a_small_change_to_a_method_is_noticed(name: str, change: dict[str, float]) -> None:
    assert strangers(name, losses(name, **change))
