"""The acceptance suite: its analytic rows hold, broken code makes them fail, and its trainings run (for a few steps)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.data import ArrayData, Points
from ganvas.errors import DataError, UsageError
from ganvas.evaluation.accept import LEVELS, Check, Outcome, digits, plane, run_level
from ganvas.evaluation.accept.overshoot import train_critic
from ganvas.evaluation.accept.rows import run_checks
from ganvas.metrics.lenet import LeNet, LeNetFeatures
from ganvas.networks.reference import ReferenceGenerator
from ganvas.objectives import adversarial, penalties
from ganvas.training import Interrupted

ROWS = ["A0", "A2", "A3", "A5", "A7", "B1", "B2", "B3", "B4", "B5", "B6", "C1a"]


def test_level_one_has_every_row_once() -> None:
    assert [check.name for check in LEVELS[1]] == ROWS
    assert all(check.what and check.bound for check in LEVELS[1])


@pytest.mark.parametrize("seed", [0, 12345])
@pytest.mark.parametrize("name", ["A0", "A2", "A5", "A7"])
def test_analytic_row_holds(name: str, seed: int) -> None:
    (row,) = run_level(1, seed, [name])
    assert row.passed, row.measured
    assert row.name == name
    assert row.seconds < 60


def test_overshoot_of_one_weight() -> None:
    slope, estimate = train_critic(1.0, seed=3, steps=300)
    assert slope == pytest.approx(2.0, rel=0.05)
    assert estimate == pytest.approx(4.0, rel=0.05)


def failed(name: str) -> bool:
    (row,) = run_level(1, 0, [name])
    return not row.passed


def negated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *arguments, **settings: -function(*arguments, **settings)


@pytest.mark.parametrize("objective", sorted(name for name in vars(adversarial) if name.endswith(("_critic", "_generator"))))
def test_flipped_sign_of_an_objective_fails(objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, objective, negated(getattr(adversarial, objective)))
    assert failed("A2")


def test_flipped_generator_fails_the_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "minimax_generator", negated(adversarial.minimax_generator))
    assert failed("A5")


@pytest.mark.parametrize("penalty", ["r1", "r2", "gradient_penalty"])
@pytest.mark.parametrize("factor", [0.5, -1.0])
def test_wrong_factor_of_a_penalty_fails(penalty: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(penalties, penalty)
    monkeypatch.setattr(penalties, penalty, lambda *a, **s: factor * original(*a, **s))
    assert failed("A7")


def test_penalty_without_a_second_derivative_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    original = penalties.gradient_squared_norm

    def detached(critic: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
        value = original(critic, samples)
        return value.detach() + 0 * value

    monkeypatch.setattr(penalties, "gradient_squared_norm", detached)
    assert failed("A7")
    assert failed("A5")


def test_clipping_in_name_only_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "clip_weights_", lambda critic, bound: None)
    assert failed("A7")


def test_one_layer_of_another_size_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganvas.evaluation.accept import structure

    monkeypatch.setattr(structure, "ReferenceGenerator", lambda spec: ReferenceGenerator(spec, width=127))
    assert failed("A0")


def test_unknown_row_or_level_is_named() -> None:
    with pytest.raises(UsageError, match="B9"):
        run_level(1, 0, ["B9"])
    with pytest.raises(UsageError, match="level 9"):
        run_level(9)


def test_rows_come_one_by_one_and_a_row_that_cannot_be_measured_fails() -> None:
    def out_of_reach(seed: int) -> Outcome:
        raise DataError("no digits", "plug in the network")

    ran: list[str] = []

    def fine(seed: int) -> Outcome:
        ran.append(f"seed {seed}")
        return Outcome(True, "1", {"one": 1})

    rows = run_checks([Check("X", "what", "0", out_of_reach), Check("Y", "what", "2", fine)], seed=7)
    first = next(rows)
    assert not first.passed
    assert "no digits" in first.measured
    assert not ran
    assert next(rows).passed
    assert ran == ["seed 7"]
    assert [row.name for row in run_checks([Check("Y", "what", "2", fine)], only=["y"])] == ["Y"]


def test_interruption_ends_the_suite() -> None:
    def interrupted(seed: int) -> Outcome:
        raise Interrupted(2, 5)

    with pytest.raises(Interrupted):
        list(run_checks([Check("X", "what", "0", interrupted)]))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "TRANSPORTED", 100)
    monkeypatch.setattr(plane, "SAMPLES", 100)
    monkeypatch.setattr(plane, "PLANE", {**plane.PLANE, "width": 16})


@pytest.mark.usefixtures("small")
def test_trainings_on_points_run() -> None:
    state = torch.random.get_rng_state()
    for outcome in (plane.curve(0, steps=5), plane.swiss_roll(0, steps=3)):
        assert outcome.facts["ratio"] > 2.5  # a random generator is far off
        assert not outcome.passed
    ring = plane.ring(0, steps=5, wgan_steps=2)
    assert not ring.passed
    assert set(ring.facts) == {"r3gan", "wgan-gp"}
    grid = plane.grid(0, steps=5, wgan_steps=2)
    assert not grid.passed
    assert set(grid.facts) == {"r3gan", "gan", "wgan-gp"}
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.usefixtures("small")
def test_estimate_is_followed_over_training() -> None:
    outcome = plane.tracks_distance(0, marks=[1, 2, 3], aside_marks=[1, 2])
    assert len(outcome.facts["estimates"]) == len(outcome.facts["distances"]) == 3
    assert len(outcome.facts["as_first_set"]["estimates"]) == 2
    assert -1 <= outcome.facts["correlation"] <= 1
    assert "as first set" in outcome.measured


@pytest.mark.parametrize(("on_curve", "beside"), [(0.95, 0.4), (0.4, 0.95)])
def test_estimate_is_judged_on_the_curve_alone(monkeypatch: pytest.MonkeyPatch, on_curve: float, beside: float) -> None:
    def travel(data: Points, seed: int, marks: Sequence[int]) -> plane.Travel:
        return plane.Travel([1.0], [1.0], [1.0], on_curve if data.name.startswith("x-squared") else beside)

    monkeypatch.setattr(plane, "travel", travel)
    outcome = plane.tracks_distance(0)
    assert outcome.passed == (on_curve >= 0.9)
    assert f"{on_curve:.3f}" in outcome.measured and f"{beside:.3f}" in outcome.measured


def judge(data: ArrayData, accuracy: float) -> LeNetFeatures:
    return LeNetFeatures(LeNet(data.spec).eval(), "lenet (noise)", accuracy, "00", data.spec)


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ArrayData:
    source = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (200, 1, 28, 28), generator=source, dtype=torch.uint8)
    label = torch.arange(200) % 2
    data = ArrayData(image, label, classes=["0", "1"], name="noise")
    monkeypatch.setattr(digits, "mnist", lambda: data)
    monkeypatch.setattr(digits, "lenet", lambda data: judge(data, 0.995))
    monkeypatch.setattr(digits, "THESIS_ITERATIONS", [1, 2])
    return data


def test_trainings_on_digits_run(noise: ArrayData) -> None:
    outcome = digits.one_digit(0, digit=1, count=8)
    assert len(outcome.facts["frechet"]) == len(outcome.facts["sharpness"]) == 2
    assert outcome.facts["stamp"]["generated"] == 8
    assert "as first asked" in outcome.measured
    assert outcome.facts["sharpness_falls_at_each"] == digits.falls(outcome.facts["sharpness"])
    outcome = digits.conditional(0, minutes=0.005, count=6)
    assert 0 <= outcome.facts["accuracy"] <= 1
    assert not outcome.passed or outcome.facts["accuracy"] >= 0.9


@pytest.mark.parametrize(
    ("sharp", "good"),
    [
        ([2.3, 0.5, 0.75, 0.7, 0.8], True),  # from noise through blur to real pictures' 0.75
        ([2.3, 1.5, 1.1, 0.9, 0.8], True),
        ([0.2, 0.5, 0.75, 0.7, 0.8], False),  # never fell
        ([2.3, 0.7, 0.5, 0.7, 0.8], False),  # left what it had reached
        ([2.3, 0.2, 0.3, 0.4, 0.5], False),  # stays blurred
        ([2.3, 1.5, 1.4, 1.2, 1.0], False),  # stays noise
        ([2.3, 0.5, float("nan"), 0.7, 0.8], False),
    ],
)
def test_sharpness_settles_at_that_of_real_pictures(sharp: list[float], good: bool) -> None:
    assert digits.settles(sharp, 0.75, 0.13) == good


def test_poor_classifier_is_no_judge(noise: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "lenet", lambda data: judge(data, 0.98))
    for outcome in (digits.one_digit(0), digits.conditional(0)):
        assert not outcome.passed
        assert "98.00%" in outcome.measured
