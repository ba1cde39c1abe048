"""The doctor of translators: its figures by their definitions, its rules by planted signs; and it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ganvas.data.dataset import ArrayData
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.methods import METHODS
from ganvas.training.checkup import STRIDE, next_checkup
from ganvas.training.engine import Engine
from ganvas.training.monitors import examine
from ganvas.training.ranks import Ranks
from ganvas.training.translator_checkup import TranslatorCheckup
from ganvas.training.translator_monitors import TRANSLATOR_RULES
from tiny import config_for, pictures

CPU = torch.device("cpu")


def engine_of(name: str, data: Any, **settings: object) -> Engine:
    torch.manual_seed(0)
    method = METHODS[name](config_for(name, **settings), data.spec)
    return Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))


def figures_of(engine: Engine, data: Any) -> dict[str, float]:
    checkup = TranslatorCheckup(engine, data)
    assert checkup.possible
    return {name.removeprefix("checkup/"): value for name, value in checkup.measure().items()}


def answering(engine: Engine, answer: Any) -> None:
    """The engine's translator becomes a function of source, label and direction."""
    engine.translate = lambda source, label=None, *, averaged=True, back=False: answer(source, label, back)  # type: ignore


def test_pairs_are_held_against_their_targets_and_against_doing_nothing() -> None:
    target = pictures(40, (3, 12, 12), 1)
    data = PairData(255 - target, target).split(0.5)
    engine = engine_of("pix2pix", data)
    answering(engine, lambda source, label, back: -source)
    perfect = figures_of(engine, data)
    assert perfect["error"] == perfect["error_seen"] == 0
    assert perfect["spread"] == perfect["changed"] == perfect["colour"] == pytest.approx(1)
    assert perfect["auc"] == 0.5  # the same pictures, whatever the discriminator thinks
    answering(engine, lambda source, label, back: source)
    assert figures_of(engine, data)["changed"] == 0
    answering(engine, lambda source, label, back: torch.zeros_like(source) + 0.1)
    grey = figures_of(engine, data)
    assert grey["spread"] == pytest.approx(0, abs=1e-5) and grey["colour"] == 0
    (_, wanted), seen = data.held_out().pairs(16, 3), data.pairs(16, 3)
    assert grey["error"] == pytest.approx(float((wanted - 0.1).abs().mean()), rel=1e-5)
    assert grey["error_seen"] == pytest.approx(float((seen.target - 0.1).abs().mean()), rel=1e-5)


def test_two_domains_have_a_cycle_and_labels_steer() -> None:
    domains = TwoDomainData(pictures(40, (1, 10, 12), 1), pictures(40, (3, 10, 12), 2)).split(0.5)
    engine = engine_of("cyclegan", domains)
    answering(engine, lambda source, label, back: source[:, :1] if back else source.expand(-1, 3, -1, -1))
    found = figures_of(engine, domains)
    assert found["cycle"] == 0 and "changed" not in found and found["colour"] == 0
    labelled = ArrayData(pictures(40, (3, 12, 12), 1), torch.arange(40) % 2, classes=("a", "b")).split(0.5)
    engine = engine_of("stargan", labelled)
    answering(engine, lambda source, label, back: source)
    assert figures_of(engine, labelled)["steered"] == 0

    def shifted(source: Tensor, label: Tensor, back: bool) -> Tensor:
        return source + label.float()[:, None, None, None]

    answering(engine, shifted)
    found = figures_of(engine, labelled)
    batch = labelled.held_out().real(16, 3)
    between = torch.cdist(batch.image.flatten(1), batch.image.flatten(1)).sum() / (16 * 15)
    label = batch.label
    assert label is not None
    changes = (label.roll(1) != label).float().mean() * (3 * 12 * 12) ** 0.5
    assert found["steered"] == pytest.approx(float(changes / between), rel=1e-4)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_a_checkup_changes_nothing_and_is_due_by_its_cost(name: str) -> None:
    data: Any
    if name == "pix2pix":
        data = PairData(pictures(40, (1, 10, 12), 1), pictures(40, (3, 10, 12), 2), mirror=True).split(0.5)
    elif name == "cyclegan":
        data = TwoDomainData(pictures(40, (1, 10, 12), 1), pictures(40, (3, 10, 12), 2)).split(0.5)
    else:
        data = ArrayData(pictures(40, (3, 12, 12)), torch.arange(40) % 3, classes=("a", "b", "c")).split(0.5)
    engine = engine_of(name, data, augment=0.5)
    checkup = TranslatorCheckup(engine, data)
    stream = data.stream(2, seed=0)
    engine.step(0, stream)
    before = {key: value.clone() for key, value in engine.state()[0].items()}
    modes = [module.training for module in engine.method.modules()]
    figures = checkup.measure()
    assert all(torch.isfinite(torch.tensor(value)) for value in figures.values())
    assert {"checkup/auc", "checkup/spread"} <= figures.keys()
    after = engine.state()[0]
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert [module.training for module in engine.method.modules()] == modes
    assert checkup.measure() == figures
    passes = 32 if name == "pix2pix" else 16
    assert checkup.stride == passes // 4 * STRIDE
    assert next_checkup(0, checkup.stride) == checkup.stride


def test_too_few_or_equal_pictures_are_not_examined() -> None:
    same = torch.full((20, 1, 8, 8), 7, dtype=torch.uint8)
    for target in (same, pictures(3)):
        data = PairData(pictures(len(target)), target)
        assert not TranslatorCheckup(engine_of("pix2pix", data), data).possible


WELL = {
    "auc": 0.9,
    "spread": 0.95,
    "changed": 0.9,
    "colour": 0.9,
    "error": 0.2,
    "error_seen": 0.15,
    "cycle": 0.2,
    "steered": 0.5,
}


def run_of(*checkups: dict[str, float]) -> list[Any]:
    """A checkup every hundred steps."""
    return [
        {"step": 100 * number, "health": {f"checkup/{name}": value for name, value in (WELL | checkup).items()}}
        for number, checkup in enumerate(checkups, 1)
    ]


def names(*checkups: dict[str, float]) -> list[str]:
    return [finding.name for finding in examine(run_of(*checkups))]


SIGNS = {
    "input ignored": {"spread": 0.05},
    "nothing done": {"changed": 0.03},
    "labels ignored": {"steered": 0.005},
    "colour collapse": {"colour": 0.1},
    "empty cycle": {"cycle": 0.02, "auc": 1.0},
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_lasting_sign_is_named_and_a_passing_one_is_not(name: str) -> None:
    assert names(*[SIGNS[name]] * 8) == [name]
    assert names(*[SIGNS[name]] * 6, {}) == []
    assert names(*[SIGNS[name]] * 2) == []
    assert names(*[{}] * 12) == []


def test_a_translator_that_wakes_up_is_not_ill() -> None:
    assert names({"spread": 0.05}, {"spread": 0.1}, {"spread": 0.2}) == []


def test_learning_by_heart_is_seen_by_both_errors() -> None:
    falling = [{"error": 0.3 - 0.02 * n, "error_seen": 0.3 - 0.03 * n} for n in range(5)]
    rising = [{"error": 0.25 + 0.02 * n, "error_seen": 0.15 - 0.02 * n} for n in range(4)]
    assert names(*falling, *rising) == ["learnt by heart"]
    assert names(*falling) == []
    both_rise = [{"error": 0.25 + 0.02 * n, "error_seen": 0.2 + 0.02 * n} for n in range(4)]
    assert names(*falling, *both_rise) == []
    assert len(TRANSLATOR_RULES) == len(SIGNS) + 1
