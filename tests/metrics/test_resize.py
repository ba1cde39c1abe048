"""Resizing equals Pillow's to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganvas.data.dataset import to_float
from ganvas.errors import UsageError
from ganvas.metrics.resize import FILTERS, quantise, resize

PILLOW = {name: Image.Resampling[name.upper()] for name in FILTERS}


def random_pixels(*shape: int, seed: int) -> torch.Tensor:
    # Many of 0 and 255: where filters overshoot and are cut.
    values = torch.randint(-128, 384, shape, generator=torch.Generator().manual_seed(seed))
    return values.clamp(0, 255).to(torch.uint8)


def by_pillow(pixels: torch.Tensor, rows: int, columns: int, name: str) -> torch.Tensor:
    pictures = [Image.fromarray(picture.permute(1, 2, 0).numpy()) for picture in pixels]
    return torch.stack(
        [torch.from_numpy(np.asarray(each.resize((columns, rows), PILLOW[name])).copy()).permute(2, 0, 1) for each in pictures]
    )


def by_pillow_in_float(pixels: torch.Tensor, rows: int, columns: int, name: str) -> torch.Tensor:
    def channel(values: torch.Tensor) -> torch.Tensor:
        picture = Image.fromarray(values.numpy().astype(np.float32))
        return torch.from_numpy(np.asarray(picture.resize((columns, rows), PILLOW[name])).copy())

    return torch.stack([torch.stack([channel(values) for values in picture]) for picture in pixels])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FILTERS)), *[st.integers(1, 40)] * 4, st.integers(0, 2**31), st.booleans())
def test_any_size_equals_pillow(name: str, h: int, w: int, rows: int, columns: int, seed: int, quantised: bool) -> None:
    pixels = random_pixels(1, 3, h, w, seed=seed)
    reference = by_pillow if quantised else by_pillow_in_float
    assert torch.equal(resize(pixels, rows, columns, filter=name, quantised=quantised), reference(pixels, rows, columns, name))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(("side", "new"), [(32, 299), (512, 224), (300, 28)])
def test_the_sizes_that_networks_take(name: str, side: int, new: int) -> None:
    pixels = random_pixels(2, 3, side, side + 5, seed=side)
    assert torch.equal(resize(pixels, new, new, filter=name), by_pillow(pixels, new, new, name))
    floats = resize(pixels[:1], new, new, filter=name, quantised=False)
    assert torch.equal(floats, by_pillow_in_float(pixels[:1], new, new, name))


def test_quantise_is_the_inverse_of_reading() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(quantise(to_float(every)), every)
    assert quantise(torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0])).tolist() == [0, 0, 128, 255, 255]


def test_refuses() -> None:
    with pytest.raises(UsageError, match="quantise first"):
        resize(torch.zeros(1, 1, 4, 4), 2, 2)
    with pytest.raises(UsageError, match="bicubic"):
        resize(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 2, 2, filter="nearest")
    with pytest.raises(UsageError, match="0x2"):
        resize(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 0, 2)
