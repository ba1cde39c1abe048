"""The default recipe: what the data, the machine and the time lead to, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ganvas.data import ArrayData, points
from ganvas.data.batches import Spec
from ganvas.errors import DataError, ResourceError, UsageError
from ganvas.methods import METHODS
from ganvas.training import auto
from ganvas.training.auto import RUNGS, SEEN, Trial, recipe_for
from ganvas.training.budget import Budget

Settings = dict[str, Any]


def noise(count: int, side: int = 16, classes: int = 0) -> ArrayData:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
    labels = torch.arange(count) % classes if classes else None
    return ArrayData(images, labels, classes=[f"class {n}" for n in range(classes)])


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A machine that trains ``work`` / (width^2 * pixels) pictures a second, with ``most`` width that memory holds, and
    ``small`` of its speed in batches of 32.
    """
    traits: Settings = {"work": 1e8, "most": 10**6, "small": 1.0}

    def tried(spec: Spec, settings: Settings, budget: Budget, place: auto.Place) -> Trial | None:
        if settings["width"] > traits["most"]:
            return None
        pixels = spec.shape[1] * spec.shape[2] / settings.get("patch", 2) ** 2
        speed = traits["work"] / (settings["width"] ** 2 * pixels) / (2 if settings.get("augment") else 1)
        speed *= traits["small"] if settings["batch_size"] == 32 else 1
        images = int(60 * budget.minutes * speed) if budget.minutes else auto.images_asked(budget, settings["batch_size"], 1)
        assert images is not None
        return Trial(spec, settings, speed, images)

    monkeypatch.setattr(auto, "tried", tried)
    return traits


def chosen(data: ArrayData, largest: int | None = None, **budget: Any) -> auto.Recipe:
    recipe = recipe_for(data, Budget(**budget), largest=largest, device="cpu")
    assert len(recipe.why) == 5
    METHODS[recipe.method].Config(**recipe.settings)  # settings that there are, in their ranges
    return recipe


def test_more_time_buys_a_larger_network_and_never_sees_too_few_pictures(machine: Settings) -> None:
    data = noise(4000, side=64)
    widths = []
    for minutes in (30, 100, 300, 1000, 10**6):
        settings = chosen(data, minutes=minutes).settings
        widths.append((-settings["patch"], settings["width"]))
        smallest = (settings["width"], settings["patch"]) == RUNGS[0]
        assert smallest or settings["decay_images"] >= SEEN
    assert widths == sorted(widths) and len(set(widths)) > 2
    assert (-widths[-1][0], widths[-1][1]) == RUNGS[-1][::-1]


def test_resolution_follows_time_and_the_pictures_own_size(machine: Settings) -> None:
    data = noise(4000, side=64)
    sides = [chosen(data, largest=500, minutes=minutes).size for minutes in (1, 30, 300, 10**5)]
    assert sides == sorted(sides) and sides[0] == 32 and sides[-1] == 256
    # In haste a machine like this sees 170 pictures of 64x64 a second: 8 a pixel after 193 seconds.
    assert [chosen(data, largest=500, minutes=seconds / 60).size for seconds in (185, 200)] == [32, 64]
    assert chosen(data, largest=100, minutes=10**5).size == 64
    assert chosen(data, largest=24, minutes=10**5).size == 16
    assert chosen(data, minutes=10**5).size is None  # where nobody may choose


def test_few_pictures_are_watched_for_overfitting(machine: Settings) -> None:
    few, many = chosen(noise(300), minutes=10), chosen(noise(30_000, side=8), minutes=1)
    assert few.settings["augment"] == "ada" and "augment" not in many.settings
    assert few.settings["decay_images"] < chosen(noise(3000), minutes=10).settings["decay_images"] * 2  # measured with it


@pytest.mark.parametrize(("count", "classes", "learnt"), [(400, 4, True), (400, 0, False), (400, 1, False), (60, 4, False)])
def test_classes_are_learnt_when_each_has_pictures(machine: Settings, count: int, classes: int, learnt: bool) -> None:
    recipe = chosen(noise(count, classes=classes), minutes=1)
    assert recipe.settings["conditional"] is learnt
    assert ("learnt by class" in recipe.why[0]) is learnt


def test_small_pictures_get_dense_ends_and_small_batches(machine: Settings) -> None:
    settings = [chosen(noise(4000, side=side), minutes=100).settings for side in (16, 32, 64)]
    assert [s.get("ends") for s in settings] == ["dense", "dense", None]
    assert [s["batch_size"] for s in settings] == [32, 32, 64]
    wide = ArrayData(torch.zeros(400, 3, 32, 128, dtype=torch.uint8), name="wide")
    assert "ends" not in chosen(wide, minutes=1000).settings


def test_batches_stay_large_where_the_machine_needs_it(machine: Settings) -> None:
    machine["small"] = 0.6  # a GPU that waits for its host
    recipe = chosen(noise(4000), minutes=100)
    assert recipe.settings["batch_size"] == 64 and "in batches of 64" in recipe.why[3]
    assert recipe_for(noise(40, side=8), Budget(steps=3), device="cpu").settings["batch_size"] == 40


def test_networks_that_would_not_settle_give_way_to_quicker_ones(machine: Settings) -> None:
    data = noise(4000, side=64)
    networks = [chosen(data, minutes=minutes).settings.get("networks", "own") for minutes in (0.1, 1, 10, 100)]
    assert networks[0] == "dcgan" and networks[-1] == "own" and networks == sorted(networks)
    assert "DCGAN's networks: its own would see" in chosen(data, minutes=0.1).why[2]


def test_in_haste_classes_are_left_out(machine: Settings) -> None:
    hurried = chosen(noise(40, side=64, classes=2), minutes=0.1)
    assert hurried.settings["networks"] == "dcgan" and "conditional" not in hurried.settings
    assert "learnt as one" in hurried.why[0]


def test_in_haste_few_pictures_are_watched_for_overfitting(machine: Settings) -> None:
    few, many = (chosen(noise(count, side=64), minutes=1) for count in (40, 4000))
    assert [recipe.settings.get("networks") for recipe in (few, many)] == ["dcgan", "dcgan"]
    assert few.settings["augment"] == "ada" and "augment" not in many.settings
    assert "ada watches" in few.why[4] and "augmentation is off" in many.why[4]


def test_quicker_networks_that_do_not_fit_leave_the_own_ones(machine: Settings) -> None:
    machine["most"] = 16
    settings = chosen(noise(4000, side=64), minutes=0.1).settings
    assert "networks" not in settings and settings["decay_images"] > 0


def test_what_memory_does_not_hold_is_not_chosen(machine: Settings) -> None:
    machine["most"] = 32
    assert chosen(noise(4000), minutes=10**6).settings["width"] == 32
    machine["most"] = 8
    with pytest.raises(ResourceError, match="memory does not hold 64 pictures of 3x16x16 at width 16: lower --size"):
        chosen(noise(4000), minutes=1)


def test_a_budget_of_steps_is_kept_to() -> None:
    recipe = recipe_for(noise(40, side=8), Budget(steps=3), device="cpu")
    assert recipe.settings["decay_images"] == 3 * recipe.settings["batch_size"] == 3 * 40


def test_refusals() -> None:
    with pytest.raises(DataError, match=r"5 pictures are too few.*give 20 or more"):
        recipe_for(noise(5), Budget(minutes=1))
    pairs = noise(40)
    pairs.spec = replace(pairs.spec, source=(3, 16, 16))
    with pytest.raises(UsageError, match="ganvas train translate"):
        recipe_for(pairs, Budget(minutes=1))


def test_a_real_measurement_leaves_randomness_alone_and_fits_the_time() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    recipe = recipe_for(points("ring"), Budget(minutes=0.5), device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
    assert 1000 < recipe.settings["decay_images"] < 10**8
