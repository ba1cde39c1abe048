"""Augmentation: its words, nothing at 0, two derivatives, and a strength that follows the discriminator up to a cap."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.method import MethodConfig
from ganvas.networks.augment import CAP, EVERY, Augmentation, Choice, choice
from ganvas.networks.augment.adaptive import augmented
from ganvas.networks.augment.choice import PIPELINES
from ganvas.networks.augment.corruption import kept
from ganvas.networks.augment.diffaugment import recoloured, shifted


@pytest.mark.parametrize(
    ("setting", "parts", "chance"),
    [
        (0.0, (), 0.0), (0, (), 0.0), ("bgc:0", (), 0.0), (0.5, ("diffaugment",), 0.5), ("0.5", ("diffaugment",), 0.5),
        ("diffaugment", ("diffaugment",), 1.0), ("diffaugment:adaptive", ("diffaugment",), None),
        ("ada", ("blit", "geom", "color"), None), ("bgc", ("blit", "geom", "color"), None),
        ("bgc:0.3", ("blit", "geom", "color"), 0.3), ("blit:0.8", ("blit",), 0.8),
        ("bgcfnc", ("blit", "geom", "color", "filter", "noise", "cutout"), None),
    ],
)  # fmt: skip
def test_the_setting_names_a_pipeline_and_how_its_strength_is_set(
    setting: float | str, parts: tuple[str, ...], chance: float | None
) -> None:
    assert choice(setting) == Choice(parts, chance)
    assert MethodConfig(augment=setting).augment == setting


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("adda", "did you mean ada"), ("", "names no pipeline"), ("bgc:much", "'much' is no chance"), (1.5, "p is 0 to 1"),
        ("bgc:0.9", "p is 0 to 0.8, above which the generator learns"), (-0.1, "out of range"), (float("nan"), "no pipeline"),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_refused(setting: float | str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        MethodConfig(augment=setting)


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("shape", [(1, 9, 12), (3, 8, 8), (5, 8, 7)])
def test_at_0_pictures_are_the_same_to_the_bit(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    pictures = torch.rand(4, *shape) * 3 - 1.5
    state = torch.get_rng_state()
    assert Augmentation()(pictures, choice(f"{name}:0")) is pictures
    assert Augmentation()(pictures, Choice(PIPELINES[name], None)) is pictures  # p starts at 0
    assert torch.equal(state, torch.get_rng_state())
    # As on a GPU, where the host does not know p:
    assert torch.equal(augmented(pictures, torch.tensor(0.0), PIPELINES[name]), pictures)


@pytest.mark.parametrize("name", ["bgc", "bgcfnc", "diffaugment"])
@pytest.mark.parametrize("shape", [(1, 9, 12), (3, 8, 8)])
def test_pictures_of_any_shape_are_changed_and_can_be_differentiated_twice(name: str, shape: tuple[int, ...]) -> None:
    pictures = torch.rand(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    strength = torch.tensor(0.8)

    def change(pictures: Tensor) -> Tensor:
        torch.manual_seed(1)
        return augmented(pictures, strength, PIPELINES[name])

    found = change(pictures)
    assert found.shape == pictures.shape
    assert found.dtype == pictures.dtype
    assert not torch.equal(found, pictures)
    assert torch.isfinite(found).all()
    # R1 through it: the square of a slope, itself differentiated, against finite differences along one direction.
    direction = torch.randn_like(pictures)

    def squared_slope(pictures: Tensor) -> Tensor:
        slope = torch.autograd.grad((change(pictures) ** 3).sum(), pictures, create_graph=True)[0]
        return slope.square().sum()

    (exact,) = torch.autograd.grad(squared_slope(pictures), pictures)
    h = 1e-5
    ends = [squared_slope((pictures.detach() + s * h * direction).requires_grad_(True)).item() for s in (1, -1)]
    assert float((exact * direction).sum()) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("how", ["ada", "bgcfnc", "diffaugment:adaptive"])
def test_nothing_asks_the_device_for_a_value(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value goes to the host, and after the first time no constant comes from it: either would stop a GPU."""
    augmentation = Augmentation()
    pictures = [torch.rand(4, channels, 8, 8) for channels in (1, 3)]
    for picture in pictures:
        augmented(picture, augmentation.p, choice(how).parts)

    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("this waits for the device")

    for name in ("item", "tolist", "nonzero", "numpy", "cpu", "__bool__", "__float__", "__int__", "__index__"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    monkeypatch.setattr(torch, "tensor", refuse)
    for picture in pictures:
        augmented(picture, augmentation.p, choice(how).parts)
    augmentation.look(torch.rand(4))
    augmentation.observe(torch.rand(4), torch.rand(4), level=None)
    augmentation.adapt(256, 10_000, looked=True)


def after(scores: list[float], moves: int, images: int = 64 * EVERY, start: int = 10**7) -> float:
    augmentation = Augmentation()
    for move in range(moves):
        augmentation.observe(torch.tensor(scores), torch.zeros(1))
        augmentation.adapt(images, start + move * images)
    return float(augmentation.p)


def test_p_rises_by_the_papers_speed_while_the_discriminator_is_sure_and_stops_at_the_cap() -> None:
    sure, doubtful = [1.0] * 9 + [-1.0], [1.0] * 7 + [-1.0] * 3  # r_t = 0.8 and 0.4 about the target of 0.6
    assert after(sure, 100) == pytest.approx(100 * 64 * EVERY / 500_000, rel=1e-4)
    assert after(sure, 40, images=10**6) == pytest.approx(CAP) == pytest.approx(0.8)
    assert after(sure, 40, images=10**6) <= 0.8 + 1e-7
    assert after(doubtful, 10) == 0.0
    assert after([], 10) == 0.0  # nothing was observed


def test_p_falls_again_and_moves_sooner_in_a_young_training() -> None:
    augmentation = Augmentation()
    augmentation.p.fill_(0.3)
    augmentation.observe(torch.tensor([1.0, -1.0]), torch.zeros(2))
    assert float(augmentation.adapt(256, 20_000)["overfit"]) == 0.0
    assert float(augmentation.p) == pytest.approx(0.3 - 256 / 10_000)  # half of the images seen, in place of 500,000
    assert augmentation.signs.tolist() == [0.0, 0.0]
    augmentation.observe(torch.tensor([5.0, 1.0]), torch.zeros(2))
    augmentation.adapt(256, 256)
    assert float(augmentation.p) == pytest.approx(0.3 - 256 / 10_000 + 0.05)  # never more at once


def test_critics_that_are_free_up_to_a_constant_are_read_between_their_means() -> None:
    found = []
    for constant in (0.0, 100.0):
        augmentation = Augmentation()
        real, fake = torch.tensor([1.0, 2.0, 3.0, -4.0]), torch.tensor([-3.0, -1.0, 1.0, -3.0])
        augmentation.observe(real + constant, fake + constant, level=None)  # it is (1/2 - 3/2) / 2
        found.append(float(augmentation.adapt(4, 4)["overfit"]))
    assert found == [0.5, 0.5]


def test_p_goes_by_unseen_pictures_where_there_are_some() -> None:
    def moved(unseen: float, real: float = 3.0, fake: float = -1.0, constant: float = 0.0) -> tuple[float, float]:
        augmentation = Augmentation()
        augmentation.p.fill_(0.3)
        augmentation.look(torch.full((5,), unseen + constant))
        for _ in range(2):  # a step may have several updates
            augmentation.observe(torch.full((4,), real + constant), torch.full((4,), fake + constant))
        return float(augmentation.adapt(256, 20_000, looked=True)["unseen"]), float(augmentation.p) - 0.3

    step = 256 / 10_000
    for constant in (0.0, 100.0):
        assert moved(1.0, constant=constant) == pytest.approx((0.5, step), abs=1e-6)  # half of the way from 3 to -1
        assert moved(2.5, constant=constant) == pytest.approx((0.125, -step), abs=1e-6)  # an eighth: sure, but of all pictures
    assert moved(4.0) == pytest.approx((-0.25, -step), abs=1e-6)
    assert moved(-5.0, real=-1.0, fake=1.0) == pytest.approx((0.0, -step), abs=1e-6)  # generated ones above: too early


def test_a_look_forgets_what_was_observed_before_it() -> None:
    augmentation = Augmentation()
    augmentation.observe(torch.full((4,), 50.0), torch.full((4,), 40.0))  # of weights that are gone
    augmentation.look(torch.tensor([0.0]))
    augmentation.observe(torch.tensor([1.0]), torch.tensor([-1.0]))
    assert float(augmentation.adapt(64, 64, looked=True)["unseen"]) == 0.5


def test_diffaugment_shifts_by_whole_pixels_in_either_direction() -> None:
    torch.manual_seed(0)
    picture = torch.arange(1, 16 * 24 + 1, dtype=torch.float32).view(1, 1, 16, 24).repeat(500, 1, 1, 1)
    moved = shifted(picture, torch.ones(500, dtype=torch.bool))
    inside = moved[:, 0, 4:-4, 4:-4] - picture[:, 0, 4:-4, 4:-4]
    assert torch.equal(inside, inside[:, :1, :1].expand_as(inside))  # one shift a picture
    shifts = {(int((d + 12) // 24), int((d + 12) % 24) - 12) for d in inside[:, 0, 0].tolist()}
    assert shifts == {(y, x) for y in range(-2, 3) for x in range(-3, 4)}
    assert set(moved[moved[:, 0, 0, 0] == 0][:, 0, 0, 0].tolist()) == {0.0}  # what comes in is grey
    assert torch.equal(shifted(picture, torch.zeros(500, dtype=torch.bool)), picture)


def test_diffaugment_colours_about_each_pixels_grey_and_the_pictures_mean() -> None:
    torch.manual_seed(0)
    picture = torch.rand(300, 3, 4, 4)
    found = recoloured(picture, torch.ones(300, dtype=torch.bool))
    grey, was = found.mean(1, keepdim=True), picture.mean(1, keepdim=True)
    off, off_before = (found - grey).flatten(1).norm(dim=1), (picture - was).flatten(1).norm(dim=1)
    contrast = (grey - grey.mean((2, 3), keepdim=True)).flatten(1).norm(dim=1)
    contrast = contrast / (was - was.mean((2, 3), keepdim=True)).flatten(1).norm(dim=1)
    assert contrast.min() >= 0.5 - 1e-5
    assert contrast.max() <= 1.5 + 1e-5
    saturation = off / off_before / contrast
    assert saturation.min() < 0.1
    assert 1.9 < saturation.max() <= 2 + 1e-5
    shift = (found.mean((1, 2, 3)) - picture.mean((1, 2, 3))).abs()
    assert 0.45 < shift.max() <= 0.5 + 1e-5


def test_holes_are_at_most_half_the_sides() -> None:
    torch.manual_seed(0)
    mask = kept(torch.zeros(200, 3, 16, 24), torch.arange(200) % 2 == 0)
    holes = (1 - mask)[:, 0]
    assert torch.equal(holes[1::2], torch.zeros(100, 16, 24))
    rows, columns = holes.amax(2).sum(1), holes.amax(1).sum(1)
    assert rows.max() == 8
    assert columns.max() == 12
    assert (rows * columns == holes.sum((1, 2))).all()  # a rectangle
    assert holes[::2].sum((1, 2)).min() > 0
