"""Persian digits drawn from free fonts and distorted: any number of labelled pictures, with no one's handwriting.

Each picture is a function of (seed, number): a digit in turn, a font, a turn, a slant, a size, a place, and an elastic
distortion (Simard et al. 2003, "Best Practices for Convolutional Neural Networks", section 2), white on black as MNIST is.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganvas.data import pack as packing
from ganvas.data.cache import cache_dir, locked, write_atomically
from ganvas.data.dataset import ArrayData
from ganvas.data.download import Npm, first_available, read_members
from ganvas.data.folder import as_data, hold_out
from ganvas.data.pack import Item
from ganvas.data.pictures import Look, Pixels
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFont import FreeTypeFont

LICENCE = "made from free fonts: DejaVu (Bitstream Vera licence), Vazirmatn, Sahel, Samim, Shabnam, Parastoo (OFL 1.1)"
DIGITS = "۰۱۲۳۴۵۶۷۸۹"
"""U+06F0 to U+06F9, in the order of their values."""
FETCHED: tuple[tuple[Npm, tuple[str, ...]], ...] = (
    (
        Npm("vazirmatn", "33.0.3", "9506e9e6a27e62b353c04a136c27de0cc3aa9e434658b45a6363f7c98c357090"),
        tuple(f"package/fonts/ttf/Vazirmatn-{weight}.ttf" for weight in ("Thin", "Light", "Regular", "Bold", "Black")),
    ),
    (
        Npm("sahel-font", "3.4.0", "7fdb14ebb4523e449ecc1f716fa5d037fa8a5ae49ce8584a1e2ea2b20482e586"),
        tuple(f"package/dist/Sahel{weight}.ttf" for weight in ("-Light", "", "-Bold", "-Black")),
    ),
    (
        Npm("samim-font", "4.0.5", "d1f388e9124f6601810f872a48950e327328fe4d2f7fb92208de1cfa26cc0168"),
        tuple(f"package/dist/Samim{weight}.ttf" for weight in ("", "-Medium", "-Bold")),
    ),
    (
        Npm("shabnam-font", "5.0.0", "8c7abb458bca64377ae3fed74aa98eaedc3db7fcfb65765aabd1ecceb2255041"),
        tuple(f"package/dist/Shabnam{weight}.ttf" for weight in ("-Thin", "-Light", "", "-Bold")),
    ),
    (
        Npm("parastoo-font", "2.0.1", "8fb626c1e96ba367f532ef24e2802da63896d8a0053405434bdda990c25c941e"),
        tuple(f"package/dist/Parastoo{weight}.ttf" for weight in ("", "-Bold")),
    ),
)
AT_HAND = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")
"""Fonts that come with matplotlib; of its others none has Persian digits."""
FINER = 3
"""Times the picture's size at which a digit is drawn and distorted, before it is shrunk."""
TALLEST = 0.66
"""Height of the tallest digit as a share of the picture, before its size is varied."""
TURN, SLANT, SHIFT, SIZES = 12.0, 0.25, 0.07, (0.8, 1.15)
"""Degrees; shear; share of the side; factor. Each is uniform in -x..x, or in the range."""
WAVE, REACH = 0.07, 0.022
"""Of the elastic distortion: the deviation of its smoothing, and that of the displacements, as shares of the side."""


def persian_digits(*, count: int | None = None, size: int | None = None, seed: int = 0, mirror: bool = False) -> ArrayData:
    """Digits (N, 1, size, size), drawn once and kept in the cache, their value as label; a tenth of them is held out.

    Args:
        count: how many; 20,000 by default. The digits come in turn, so that there are as many of each.
        size: pixels of a side; 28 by default.
        seed: another seed draws others.
        mirror: flip half of the pictures of a stream left to right (rarely wanted: mirrored, 2 and 6 trade shapes).

    Raises:
        UsageError: a count or size out of range. DataError: the fonts cannot be had.
    """
    number, side = 20_000 if count is None else count, size or 28
    if not 2 <= number <= 10_000_000:
        raise UsageError(f"{number} digits cannot be drawn", "choose 2 to 10,000,000")
    if not 8 <= side <= 512:
        raise UsageError(f"digits of {side}x{side} cannot be drawn", "choose 8 to 512 pixels")
    look = Look((side, side), 1)
    fonts, origin = all_fonts()
    hashes = [hashlib.sha256(font).hexdigest() for font in fonts]
    drawn_by = {name: importlib.metadata.version(name) for name in ("pillow", "scipy")}
    distortion = (FINER, TALLEST, TURN, SLANT, SHIFT, SIZES, WAVE, REACH)
    key = packing.key_of("persian-digits", hashes, drawn_by, distortion, number, seed, look)
    packed = packing.load(key)
    if packed is None:
        draw = writer(fonts, side * FINER)
        items = (Item(f"{seed}-{index}", partial(draw, seed, index), index % 10) for index in range(number))
        packed = packing.build(key, items, look, classes=tuple("0123456789"), expected=number)
    data = as_data(packed, name="persian-digits", licence=LICENCE, origin=origin, mirror=mirror)
    options = {"count": count, "size": size, "seed": seed or None, "mirror": mirror or None}
    data.recipe = {"source": "persian-digits", **{name: value for name, value in options.items() if value is not None}}
    return hold_out(data, packed)


def writer(fonts: Sequence[bytes], side: int) -> Callable[[int, int], Image.Image]:
    """A function from (seed, number) to a distorted digit, (side, side) grey; its value is the number's last decimal.

    Every font's digits are drawn here, once: FreeType's faces are not for several threads.
    """
    from PIL import Image

    glyphs = [[glyph(face, digit, side) for digit in DIGITS] for face in (fitting(font, side) for font in fonts)]

    def draw(seed: int, number: int) -> Image.Image:
        source = np.random.default_rng([seed, number])
        shape = glyphs[int(source.random() * len(glyphs))][number % 10]
        return Image.fromarray(distorted(shape, source))

    return draw


def fitting(font: bytes, side: int) -> FreeTypeFont:
    """The font at the size at which its tallest digit has the share ``TALLEST`` of ``side``."""
    from PIL import ImageFont

    large = ImageFont.truetype(io.BytesIO(font), 256)
    tallest = max(ink(large, digit).height for digit in DIGITS)
    return ImageFont.truetype(io.BytesIO(font), max(1, round(256 * TALLEST * side / tallest)))


def ink(font: FreeTypeFont, digit: str) -> Image.Image:
    """A digit's own pixels, without what its line leaves free about it."""
    from PIL import Image, ImageDraw

    room = Image.new("L", (4 * int(font.size), 4 * int(font.size)))
    ImageDraw.Draw(room).text((font.size, font.size), digit, fill=255, font=font)
    return room.crop(room.getbbox())


def glyph(font: FreeTypeFont, digit: str, side: int) -> Pixels:
    """A digit in the middle of a black square, uint8 (side, side)."""
    from PIL import Image

    own, picture = ink(font, digit), Image.new("L", (side, side))
    picture.paste(own, ((side - own.width) // 2, (side - own.height) // 2))
    return np.asarray(picture)


def distorted(shape: Pixels, source: np.random.Generator) -> Pixels:
    """The square turned, slanted, sized and moved about its middle, and then bent; what comes from outside it is black."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    side = len(shape)
    turn, slant = (limit * (2 * source.random() - 1) for limit in (np.deg2rad(TURN), SLANT))
    factor = SIZES[0] + (SIZES[1] - SIZES[0]) * source.random()
    shift = SHIFT * side * (2 * source.random(2) - 1)
    # Where each pixel of the result comes from: the inverse of turning, slanting and sizing, in this order.
    turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    inverse = np.linalg.inv(turning @ np.array([[1, 0], [slant, 1]]) * factor)
    middle = (side - 1) / 2
    grid = np.mgrid[:side, :side].reshape(2, -1) - middle - shift[:, None]
    bent = [gaussian_filter(2 * source.random((side, side)) - 1, WAVE * side, mode="constant") for _ in range(2)]
    reach = [REACH * side * field / field.std() for field in bent]
    place = inverse @ grid + middle + np.stack([field.ravel() for field in reach])
    values = map_coordinates(shape.astype(np.float32), place, order=1, mode="constant")
    bent_shape: Pixels = values.reshape(side, side).round().clip(0, 255).astype(np.uint8)
    return bent_shape


def all_fonts() -> tuple[list[bytes], str]:
    """The files of all fonts in their order, those that are fetched kept in the cache, and where they came from.

    Raises:
        DataError: a package cannot be fetched.
    """
    from matplotlib import get_data_path

    at_hand = [Path(get_data_path(), "fonts", "ttf", name).read_bytes() for name in AT_HAND]
    fetched = [font for package, members in FETCHED for font in kept(package, members)]
    titles = [f"DejaVu of matplotlib {importlib.metadata.version('matplotlib')}", *(package.title for package, _ in FETCHED)]
    return at_hand + fetched, f"drawn from {', '.join(titles)}"


def kept(package: Npm, members: Sequence[str]) -> list[bytes]:
    """Fonts of one package, from the cache or fetched."""
    folder = cache_dir() / "fonts" / f"{package.package}-{package.version}"
    places = [folder / Path(member).name for member in members]
    with locked(f"fonts-{folder.name}"):
        if not all(place.is_file() for place in places):
            sources = [(package, partial(read_members, names=members))]
            fonts, _ = first_available(f"the font {package.package}", sources, folder, "draw them on a machine that has one")
            for place, font in zip(places, fonts, strict=True):
                write_atomically(place, font)
        return [place.read_bytes() for place in places]
