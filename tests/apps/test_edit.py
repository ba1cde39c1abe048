"""Editing and ageing by translators of which the answer is known: what is asked for comes, what is not stays."""

from __future__ import annotations

import pytest
import torch
from known_translators import Planted, Told
from torch import Tensor

from ganvas.apps import APPS, Options
from ganvas.apps.asked import label_for, parsed
from ganvas.apps.edit import added, between
from ganvas.apps.through import to_float
from ganvas.data.batches import Spec
from ganvas.errors import UsageError

FACES = Spec((3, 32, 32), attributes=(("smile", "angry", "surprised"), ("Eye_glasses",), ("hat",)))
AGES = Spec((3, 32, 32), classes=("0-18", "40-49", "60+"))
OWN = torch.tensor([0.1, 0.7, 0.2, 0.9, 0.2])
"""Angry, with glasses, without a hat."""


def brighter(source: Tensor, label: Tensor) -> Tensor:
    """A generator that loses contrast, adds 0.2 by a smile, 0.4 by glasses and nothing by the rest."""
    return source * 0.5 + 0.2 * label[0] + 0.4 * (label[3] if len(label) > 3 else 0)


def picture(rows: int, columns: int, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(90, 160, (channels, rows, columns), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("settings", "strength", "change"),
    [
        ("smile", None, 0.2),
        ("smile=1,eye-glasses=0", None, -0.2),
        ("smile", 0.5, 0.1),
        ("smile=0.5", 0.5, 0.05),
        ("hat", None, 0),
    ],
)
@pytest.mark.parametrize("size", [(32, 32), (45, 33), (200, 131)])
def test_an_edit_is_the_change_between_two_labels(settings, strength, change, size):
    model, pixels = Told(brighter, FACES, OWN), picture(*size)
    edited = APPS["edit"].apply(model, pixels, Options(settings=settings, strength=strength))
    assert (edited.shape, edited.dtype) == (pixels.shape, torch.uint8)
    wanted = (to_float(pixels) + change).add(1).mul(127.5)
    assert (edited - wanted).abs().max() <= 0.51
    assert model.looked == 1


def test_a_strength_of_nothing_changes_nothing():
    pixels = picture(50, 40)
    for options in (Options(settings="smile", strength=0.0), Options(settings="angry,Eye_glasses=1")):
        assert torch.equal(APPS["edit"].apply(Told(brighter, FACES, OWN), pixels, options), pixels)


def test_large_pictures_are_shown_at_the_size_of_training():
    model = Told(brighter, FACES, OWN)
    edited = APPS["edit"].apply(model, picture(640, 480), Options(settings="smile"))
    assert edited.shape == (3, 640, 480)
    assert model.largest <= 64 * 64

    def wave(source: Tensor, label: Tensor) -> Tensor:
        ramp = torch.linspace(-1, 1, source.shape[3]).expand_as(source)
        return source + 0.3 * ramp * label[0]

    pixels = torch.full((3, 320, 320), 128, dtype=torch.uint8)
    edited = APPS["edit"].apply(Told(wave, FACES, OWN), pixels, Options(settings="smile")).float()
    assert (edited[:, :, 1:] - edited[:, :, :-1]).abs().max() <= 2  # enlarged smoothly, without steps
    assert edited[0, 0, -1] - edited[0, 0, 0] > 70


def test_changes_are_enlarged_as_by_torch():
    values = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.interpolate(values[None], (13, 40), mode="bilinear", align_corners=False)[0]
    found = between(between(values, 13, 1), 40, 2)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(between(values, 13, 1, slice(4, 9)), between(values, 13, 1)[:, 4:9])
    assert torch.equal(added(picture(9, 9), torch.zeros(3, 3, 3)), picture(9, 9))


def test_labels_follow_their_groups():
    own = torch.tensor([0.0, 1, 0, 1, 0])
    for text, label in (
        ("smile", [1, 0, 0, 1, 0]),
        ("surprised=0.25", [0, 0.75, 0.25, 1, 0]),
        ("Eye_glasses=0,hat=0.5", [0, 1, 0, 0, 0.5]),
        ("smile=1,angry=0", [1, 0, 0, 1, 0]),
    ):
        assert label_for(FACES, parsed(text), own).tolist() == pytest.approx(label)
    assert own.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            Options(),
            "edit was not told what to make of the picture: say it with --set: smile, angry, surprised, Eye_glasses, hat",
        ),
        (Options(settings="smiel"), "never saw the attribute 'smiel': did you mean smile"),
        (Options(settings="beard"), "never saw the attribute 'beard': it knows smile, angry, surprised, Eye_glasses, hat"),
        (Options(settings="smile=2"), "smile=2 is out of range"),
        (Options(settings="smile=nan"), "smile=nan is out of range"),
        (Options(settings="smile=much"), "is no number"),
        (Options(settings="smile,smile=0"), "twice"),
        (Options(settings="eye glasses,Eye_glasses=0"), "asked for twice"),
        (Options(settings="smile,angry"), "exclude each other"),
        (Options(settings="smile=0"), "nothing to come in its place"),
        (Options(settings=","), "names nothing"),
        (Options(settings="smile", strength=1.5), "--strength 1.5 is out of range"),
        (Options(settings="smile", strength=float("nan")), "--strength nan is out of range"),
        (Options(settings="smile", times=2), "no use for --times"),
    ],
)
def test_what_an_edit_refuses(options, words):
    with pytest.raises(UsageError) as error:
        APPS["edit"].channels(Told(brighter, FACES, OWN), options)
    assert words in str(error.value)


def test_a_face_at_another_age():
    model, pixels = Told(brighter, AGES, torch.tensor([0.2, 0.5, 0.3])), picture(32, 32)
    younger = APPS["age"].apply(model, pixels, Options(to="0-18", strength=0.5))
    assert (younger - (to_float(pixels) + 0.1).add(1).mul(127.5)).abs().max() <= 0.51
    assert torch.equal(APPS["age"].apply(model, pixels, Options(to="7", strength=0.5)), younger)
    assert torch.equal(APPS["age"].apply(model, pixels, Options(to="44")), pixels)
    for options, words in (
        (Options(), "how old the face shall be"),
        (Options(to="25"), "never saw a face of 19-29: it knows 0-18, 40-49, 60+"),
        (Options(to="old"), "--to old is no age"),
        (Options(to="60+", settings="x"), "no use for --set"),
    ):
        with pytest.raises(UsageError) as error:
            APPS["age"].channels(model, options)
        assert words in str(error.value)
    with pytest.raises(UsageError, match="and no ages"):
        APPS["age"].channels(Told(brighter, FACES, OWN), Options(to="60+"))


def test_a_translation_by_class_asks_the_generator_itself():
    model, pixels = Told(brighter, AGES, torch.tensor([0.2, 0.5, 0.3])), picture(40, 36)
    made = APPS["translate"].apply(model, pixels, Options(to="0-18"))
    assert (made - (to_float(pixels) * 0.5 + 0.2).add(1).mul(127.5)).abs().max() <= 0.51
    for options, words in (
        (Options(), "say it with --to"),
        (Options(to="7-9"), "never saw the class '7-9'"),
        (Options(back=True), "--back"),
    ):
        with pytest.raises(UsageError) as error:
            APPS["translate"].channels(model, options)
        assert words in str(error.value)


def test_models_and_apps_that_do_not_fit_are_told_apart():
    untold = Planted(lambda source: source, 3, 3)
    for app in ("edit", "age"):
        with pytest.raises(UsageError, match="cannot be told what to make"):
            APPS[app].channels(untold, Options(to="60+"))
    with pytest.raises(UsageError, match="cannot be told what to make"):
        APPS["translate"].channels(untold, Options(to="60+"))
    for app in ("colourise", "restore", "upscale"):
        with pytest.raises(UsageError, match=f"it does not {app}"):
            APPS[app].channels(Told(brighter, FACES, OWN), Options())
