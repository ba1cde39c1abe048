"""The checks of row D3 pass the real code and fail each planted fault; a check that always passes is found out."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganvas.evaluation.accept import LEVELS, run_level
from ganvas.evaluation.accept.mutant_checks import CHECKS, Check, answer
from ganvas.evaluation.accept.mutants import MUTANTS, REAL
from ganvas.objectives import adversarial

QUICK = ("closed forms", "players apart", "penalty's value", "each sample alone")
FAILS = {
    "flipped sign, critic": "closed forms",
    "flipped sign, generator": "closed forms",
    "missing detach": "players apart",
    "critic trains generator": "players apart",
    "generator trains critic": "players apart",
    "lambda 0": "penalty's value",
    "batch norm in the critic": "each sample alone",
    "augmentation on reals only": "brightness",
}


@pytest.mark.parametrize("name", QUICK)
def test_the_real_code_passes(name: str) -> None:
    assert answer(CHECKS[name], REAL, 3)


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in FAILS], ids=lambda mutant: mutant.name)
def test_a_planted_fault_fails_its_check(mutant) -> None:
    before = {module: vars(module)[name] for module, name in mutant.functions}
    with torch.random.fork_rng(devices=[]), mutant.planted() as cast:
        assert not answer(CHECKS[FAILS[mutant.name]], cast, 3)
    assert all(vars(module)[name] is before[module] for module, name in mutant.functions)
    assert adversarial.wasserstein_generator(torch.ones(2)) == -1


def test_a_blind_suite_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.evaluation.accept.mutants.CHECKS", {"blind": Check(lambda cast, seed: True, ("cgan",))})
    row = next(run_level(2, 0, ["D3"]))
    assert not row.passed
    assert "0 of 10 caught" in row.measured
    monkeypatch.setattr("ganvas.evaluation.accept.mutants.CHECKS", {"alarmed": Check(lambda cast, seed: False, ("cgan",))})
    row = next(run_level(2, 0, ["D3"]))
    assert not row.passed
    assert "false alarms: alarmed" in row.measured


def test_the_strongest_method_is_held_against_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "C4" in [check.name for check in LEVELS[2]]
    found = {"floor": 1.0, "step": 10, "ratio of fewer": 2.0, "lowest": 2.5, "highest": 5.5}
    ratios = iter(
        [
            (3.0, found | {"frechet": 3.0}),
            (5.0, found | {"frechet": 5.0}),
        ]
    )
    module = import_module("ganvas.evaluation.accept.strongest")
    monkeypatch.setattr(module, "over_floor", lambda *_: next(ratios))
    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setattr(module, name, lambda name=name: type("Data", (), {"name": name}))
    outcome = module.strongest(0)
    assert not outcome.passed
    assert "mnist 3.00" in outcome.measured


def test_trainings_are_measured_in_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of processor time a step, of two threads: a minute has 0.97 * 120 steps."""
    module = import_module("ganvas.evaluation.accept.strongest")
    trial = import_module("ganvas.evaluation.accept.trial")
    asked: dict[str, Any] = {}
    clock = iter([100.0, 130.0])
    monkeypatch.setattr(trial, "train_through", lambda *_, stops: (SimpleNamespace(step=n, images=32 * n) for n in stops))
    monkeypatch.setattr(module, "train_to_end", lambda *given, steps: asked.update(settings=given[2], steps=steps))
    monkeypatch.setattr(trial.time, "process_time", lambda: next(clock))
    monkeypatch.setattr(trial.torch, "get_num_threads", lambda: 2)
    settings = {"schedule": "cosine", "batch_size": 32}
    module.train_within("r3gan", None, settings, 0, 1.0)
    assert asked == {"settings": settings | {"decay_images": 116 * 32}, "steps": 116}


def test_samples_have_the_classes_of_real_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("ganvas.evaluation.accept.strongest")
    label = torch.tensor([2, 2, 1])
    data = SimpleNamespace(real=lambda count, seed: SimpleNamespace(label=label))
    asked: list[Any] = []
    for conditional in (True, False):
        progress = SimpleNamespace(step=1, engine=SimpleNamespace(method=SimpleNamespace(conditional=conditional)))
        monkeypatch.setattr(module, "train_within", lambda *_, progress=progress: progress)
        monkeypatch.setattr(module, "draw", lambda *given: asked.append(given[3]) or label)
        monkeypatch.setattr(module, "evaluate", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            module.over_floor("r3gan", data, 0, 1.0)
    assert asked == [label, None]


def test_the_ratio_is_of_means_over_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("ganvas.evaluation.accept.strongest")
    data = SimpleNamespace(real=lambda count, seed: SimpleNamespace(label=torch.full((count,), seed)))
    progress = SimpleNamespace(step=7, engine=SimpleNamespace(method=SimpleNamespace(conditional=True)))

    class Scores(dict[str, Any]):
        floors: dict[str, Any]

    def evaluated(samples: torch.Tensor, *_: object, count: int, seed: int, **__: object) -> Scores:
        assert len(samples) == count and (samples == seed + 1).all()  # each draw has latents and classes of its own
        scores = Scores(frechet=SimpleNamespace(value=float(2 * seed), stamp=SimpleNamespace(to_json=dict)))
        scores.floors = {"frechet": SimpleNamespace(value=float(seed + (count < 9999)))}
        return scores

    monkeypatch.setattr(module, "draw", lambda progress, count, seed, label: label)
    monkeypatch.setattr(module, "evaluate", evaluated)
    ratio, facts = module.judged(progress, data, 3)  # seeds 3 to 7
    assert ratio == 2 and (facts["frechet"], facts["floor"], facts["lowest"], facts["highest"]) == (10, 5, 2, 2)
    assert facts["ratio of fewer"] == 10 / 6
