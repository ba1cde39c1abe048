"""Colouring keeps the lightness to the bit, whatever the model says."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ganvas.apps.colourise import coloured, grey_level, luma
from ganvas.apps.lab import to_lab


def test_a_grey_has_its_own_level_and_luma_is_pillow_s() -> None:
    grey = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    assert torch.equal(grey_level(grey), grey[:1])
    torch.manual_seed(0)
    rgb = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    wanted = np.asarray(Image.fromarray(rgb.permute(1, 2, 0).numpy()).convert("L"))
    assert torch.equal(luma(rgb)[0], torch.from_numpy(wanted.copy()))


def test_lightness_is_kept_to_the_bit_for_any_colours() -> None:
    torch.manual_seed(0)
    light = torch.randint(0, 256, (1, 120, 130), dtype=torch.uint8).expand(3, -1, -1)
    wanted = torch.rand(3, 120, 130) * 2.4 - 1.2
    assert torch.equal(grey_level(coloured(wanted, light)), light[:1])


def test_a_colour_picture_keeps_its_own_lightness() -> None:
    torch.manual_seed(1)
    picture = torch.randint(0, 256, (3, 60, 60), dtype=torch.uint8)
    found = coloured(torch.rand(3, 60, 60) * 2 - 1, picture)
    assert torch.equal(grey_level(found), grey_level(picture))


def test_the_model_s_chroma_is_used_where_srgb_has_it() -> None:
    """A muted picture shown its own lightness comes back: only rounding moves it."""
    torch.manual_seed(2)
    picture = torch.randint(96, 160, (3, 50, 50), dtype=torch.uint8)
    found = coloured(picture.float() / 127.5 - 1, picture)
    assert (found.int() - picture.int()).abs().max() <= 3
    apart = to_lab(found.float() / 255)[1:] - to_lab(picture.float() / 255)[1:]
    assert apart.abs().mean() < 0.5


def test_a_colour_that_srgb_lacks_becomes_paler_but_keeps_its_hue() -> None:
    light = torch.full((3, 1, 1), 240, dtype=torch.uint8)
    blue = torch.tensor([-1.0, -1, 1]).view(3, 1, 1)
    red, green, found = coloured(blue, light).flatten().tolist()
    assert found > green
    assert found == 255
    assert 225 < red < 245
