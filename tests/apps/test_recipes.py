"""What an app is trained with when nothing else is said: the method and the data's stage, from what the data is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.apps import APPS
from ganvas.apps.recipes import CLASSES, RECIPES, UNPAIRED, recipe_for
from ganvas.errors import DataError, UsageError
from ganvas.methods import METHODS


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Pairs, two domains, labelled folders, pictures side by side, and faces with a table: two tiny pictures each."""

    def fill(folder: str, *names: str) -> None:
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(path)

    fill("pairs", "A/1.png", "A/2.png", "A/3.png", "B/1.png", "B/2.png", "B/x.png")
    fill("domains", "trainA/1.png", "trainA/2.png", "trainB/3.png", "trainB/4.png")
    fill("classes", "cats/1.png", "dogs/2.png")
    fill("photos", "1.png", "2.png")
    fill("faces", "1.png", "2.png")
    fill("lone", "A/1.png")
    (tmp_path / "faces" / "attributes.csv").write_text("file,smile\n1.png,1\n2.png,0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_app_has_a_recipe_that_its_method_takes():
    assert RECIPES.keys() == APPS.keys()
    for recipe in (*RECIPES.values(), UNPAIRED, CLASSES):
        kind = METHODS[recipe.method]
        assert kind.translates
        kind.Config(**recipe.settings)


@pytest.mark.parametrize(
    ("app", "data", "method", "source"),
    [
        ("colourise", "photos", "pix2pix", "degraded:grey:photos"),
        ("colourise", "faces", "pix2pix", "degraded:grey:faces"),
        ("colourise", "paired:pairs", "pix2pix", "paired:pairs"),
        ("upscale", "photos", "pix2pix", "degraded:down2:photos"),
        ("restore", "photos", "pix2pix", "degraded:scratches+noise+jpeg:photos"),
        ("translate", "pairs", "pix2pix", "paired:pairs"),
        ("translate", "domains", "cyclegan", "unpaired:domains"),
        ("translate", "classes", "stargan", "classes"),
        ("translate", "photos", "pix2pix", "paired:photos"),
        ("translate", "emoji-vendors-unpaired", "cyclegan", "emoji-vendors-unpaired"),
        ("translate", "four-hue-mnist", "stargan", "four-hue-mnist"),
        ("edit", "./faces", "stargan", "attributes:./faces"),
        ("edit", "classes", "stargan", "classes"),
        ("edit", "faces-attributes", "stargan", "faces-attributes"),
        ("age", "photos", "stargan", "ages:photos"),
        ("age", "ages:photos", "stargan", "ages:photos"),
    ],
)
def test_the_data_says_the_method(place, app, data, method, source):
    recipe = recipe_for(app, data)
    assert (recipe.method, recipe.source(data), recipe.app) == (method, source, app)


def test_options_of_a_task(place):
    assert recipe_for("upscale", "photos", times=4).source("photos") == "degraded:down4:photos"
    assert recipe_for("restore", "photos", damage="holes").source("photos") == "degraded:holes:photos"
    assert recipe_for("colourise", "photos").size == 128
    assert recipe_for("colourise", "openmoji-edges").size is None
    for words, kind, said in (
        ({"app": "restore", "data": "photos", "damage": "grey"}, UsageError, "not for restoring"),
        ({"app": "edit", "data": "photos", "damage": "holes"}, UsageError, "no use for --damage"),
        ({"app": "upscale", "data": "photos", "times": 3}, UsageError, "upscale learns 2 or 4"),
        ({"app": "edit", "data": "paired:pairs"}, UsageError, "labelled pictures"),
        ({"app": "colourise", "data": "points:ring"}, UsageError, "name a folder of pictures"),
        ({"app": "colourise", "data": "nowhere/"}, DataError, "nowhere"),
        ({"app": "colourise", "data": "mnisst"}, UsageError, "did you mean mnist"),
        ({"app": "translate", "data": "lone"}, DataError, "put the other side into B/"),
    ):
        with pytest.raises(kind, match=said):
            recipe_for(**words)
