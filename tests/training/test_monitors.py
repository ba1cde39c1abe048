"""Every rule of the doctor speaks of its own sign, keeps silent a step before it, and forgets the beginning of a game."""

from __future__ import annotations

from typing import Any

import pytest

from ganvas.training.monitors import RULES, History, examine

WELL: dict[str, float] = {
    "auc": 0.85, "separable": 0.75, "overfit": 0.02, "overfit_error": 0.05, "slope": 1.1, "slope_expected": 1.07,
    "distance": 0.003, "diversity": 0.97, "distinct": 1.0, "precision": 0.85, "recall": 0.8, "moved": 0.2,
}  # fmt: skip
"""What a healthy game on digits shows."""


def record(step: int, checkup: dict[str, float] | None = None, health: dict[str, float] | None = None, **terms: float) -> Any:
    figures = {f"checkup/{name}": value for name, value in (checkup or {}).items()}
    gauges = {"gradient/critic": 5.0, "gradient/generator": 3.0}
    named = {name.replace("__", "/"): value for name, value in terms.items()}
    return {"step": step, "images": 64 * step, "seconds": step / 10, **named, "health": gauges | (health or {}) | figures}


def run_of(*checkups: dict[str, float], **figures: Any) -> list[Any]:
    """Records every 20 steps, a checkup at every hundredth."""
    return [
        record(step, WELL | checkups[step // 100 - 1] if step % 100 == 0 else None, **figures)
        for step in range(20, 100 * len(checkups) + 1, 20)
    ]


def names(records: list[Any]) -> list[str]:
    return [finding.name for finding in examine(records)]


def test_a_healthy_game_and_an_empty_record_are_silent() -> None:
    assert examine([]) == []
    assert names(run_of(*[{}] * 12)) == []


def test_the_beginning_of_every_game_is_no_illness() -> None:
    # Measured on a healthy wgan-gp: blurs that are all alike, and a critic that knows every one of them.
    start = [
        {"auc": 1.0, "separable": 0.99, "distance": 0.5, "diversity": 0.3, "distinct": 0.35, "recall": 0.0},
        {"auc": 1.0, "separable": 0.91, "distance": 0.3, "diversity": 0.4, "distinct": 0.45, "recall": 0.0},
        {"auc": 1.0, "separable": 0.80, "distance": 0.2, "diversity": 0.57, "distinct": 0.54, "recall": 0.0},
    ]
    assert all(names(run_of(*start[:count])) == [] for count in (1, 2, 3))


SIGNS: dict[str, tuple[dict[str, float], dict[str, Any]]] = {
    "no learning": ({"moved": 0.0007, "distance": 1.5}, {}),
    "under-trained critic": ({"auc": 0.5, "separable": 0.95, "distance": 0.3}, {}),
    "overfitting critic": ({"overfit": 0.5, "overfit_error": 0.1}, {}),
    "low diversity": ({"distinct": 0.02}, {}),
    "exploding": ({"slope": 1e6, "slope_expected": 1.1}, {}),
    "Lipschitz drift": ({"slope": 4.0, "slope_expected": 1.1}, {}),
    "clip saturation": ({}, {"health": {"clipped/critic": 0.97}}),
    "lagging critic": ({}, {"health": {"inner/critic": 0.9}, "wasserstein": 1.0}),
    "saturated discriminator": ({"auc": 1.0}, {"discriminator__minimax": 0.001}),
    "augmentation at its cap": ({}, {"augment__p": 0.8, "augment__overfit": 0.7}),
    "oscillation": ({"moved": 1.5, "distance": 0.3}, {}),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_lasting_sign_is_named_and_a_passing_one_is_not(name: str) -> None:
    sign, figures = SIGNS[name]
    assert names(run_of(*[sign] * 8, **figures)) == [name]
    if not figures:
        assert names(run_of(*[sign] * 7, {})) == []


def test_an_augmentation_that_helps_is_left_alone() -> None:
    assert names(run_of(*[{}] * 8, augment__p=0.8, augment__overfit=0.55)) == []  # at the cap, and it is enough
    at_cap: dict[str, Any] = {"augment__p": 0.8, "augment__overfit": 0.9}  # sure of all pictures, seen or not
    assert names(run_of(*[{}] * 8, **at_cap, augment__unseen=0.1)) == []
    (finding,) = examine(run_of(*[{}] * 8, **at_cap, augment__unseen=0.4))
    assert (
        finding.seen
        == "augmentation is at its cap of 0.8, and unseen real pictures score 40% of the way from seen ones down to fakes"
    )
    assert names(run_of(*[{}] * 8, augment__p=0.6, augment__overfit=0.7)) == []  # still on its way


def test_divergence_is_certain() -> None:
    (finding,) = examine([record(20, critic__wasserstein=float("nan"))])
    assert (finding.name, finding.severity, finding.sure) == ("non-finite", "bad", "certain")
    assert names([{"step": 20, "critic/wasserstein": None}]) == ["non-finite"]  # as stats.jsonl holds it


def test_gradients_that_explode_or_vanish() -> None:
    well, far = run_of(*[{"distance": 0.5, "auc": 1.0}] * 4), {"distance": 0.5, "auc": 1.0}
    assert names(well) == []
    growing = [record(r["step"], None, {"gradient/critic": 2.0 ** (r["step"] / 50)}) for r in well]
    for position in (4, 9, 14, 19):
        growing[position]["health"] |= {f"checkup/{k}": v for k, v in (WELL | far).items()}
    assert names(growing) == ["exploding"]
    fading = [dict(r, health=r["health"] | {"gradient/generator": 10.0 ** (-r["step"] / 50)}) for r in well]
    assert names(fading) == ["vanishing gradient"]


def test_a_smooth_critic_near_the_goal_is_well() -> None:
    # Measured on r3gan's ring of eight narrow modes: a nearest neighbour sees more detail than the critic ever needs to.
    assert names(run_of(*[{"auc": 0.68, "separable": 0.95, "distance": 0.01}] * 4)) == []


def test_low_diversity_that_passes_is_left_alone() -> None:
    assert names(run_of({"diversity": 0.30}, {"diversity": 0.38}, {"diversity": 0.45})) == []
    assert names(run_of({"diversity": 0.45}, {"diversity": 0.46}, {"diversity": 0.45})) == ["low diversity"]


def test_lost_modes_are_noticed_while_precision_holds() -> None:
    assert names(run_of(*[{}] * 6, *[{"recall": 0.2}] * 3)) == ["losing modes"]
    assert names(run_of(*[{}] * 6, *[{"recall": 0.2, "precision": 0.1}] * 3)) == []


def scored(step: int, coverage: float, precision: float = 0.8) -> dict[str, Any]:
    return {"step": step, "score": {}, "coverage": coverage, "precision": precision, "recall": 0.5}


def test_lost_modes_are_noticed_by_the_scores_features() -> None:
    well, healthy = run_of(*[{}] * 4), [scored(100, 0.3), scored(120, 0.6), scored(144, 0.8)]
    assert examine(well, healthy) == []
    assert examine(well, [*healthy, scored(172, 0.3)]) == []  # once is chance
    (finding,) = examine(well, [*healthy, scored(172, 0.3), scored(207, 0.2)])
    assert (finding.name, finding.severity) == ("losing modes", "bad")
    assert "covered 80% of the data at step 144 and cover 30% now" in finding.seen
    assert examine(well, [*healthy, scored(172, 0.3, 0.2), scored(207, 0.2, 0.2)]) == []  # worse pictures: another illness
    assert examine(well, [{"step": 1, "score": {}}, *healthy]) == []  # a score of raw pixels has none


def test_stagnation_needs_a_long_record() -> None:
    still = {"distance": 0.4}
    assert names(run_of(*[still] * 11)) == []
    assert names(run_of(*[still] * 12)) == ["stagnation"]
    assert names(run_of(*[{"distance": 0.4 * 0.9**n} for n in range(13)])) == []


def test_causes_come_before_effects() -> None:
    found = names(run_of(*[{"auc": 0.0, "separable": 1.0, "distinct": 0.1, "distance": 2.0}] * 3))
    assert found == ["under-trained critic", "low diversity"]


def test_a_history_forgets_the_middle_but_no_checkup() -> None:
    history = History(run_of(*[{}] * 400))
    assert len(history.records) < 1000
    assert sum("checkup/auc" in r["health"] for r in history.records) == 400
    assert [r["step"] for r in history.records[:100]] == list(range(20, 2001, 20))
    assert [r["step"] for r in history.records[-400:]] == list(range(40_000 - 400 * 20 + 20, 40_001, 20))
    assert len(RULES) == 16
