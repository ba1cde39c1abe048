"""One picture file becomes one uint8 array, by stated rules; a file that cannot is refused with a reason."""

from __future__ import annotations

import stat
import zlib
from dataclasses import dataclass
from enum import IntFlag
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ganvas.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff"}
FOREIGN = {".gif", ".svg", ".svgz", ".eps", ".ps", ".pdf", ".psd", ".xcf", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".ico"}
FOREIGN |= {".tga", ".ppm", ".pgm", ".pbm", ".exr", ".hdr", ".dcm", ".raw", ".cr2", ".nef", ".dng", ".arw"}

PIXEL_LIMIT = 64_000_000
FILE_LIMIT = 1 << 30
DRAFT_ABOVE = 4_000_000
SMALLEST_SIDE = 4
LONGEST_ASPECT = 20
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


class BadPicture(Exception):
    """This file is no picture that can be used; ``str`` is the reason."""


class Trait(IntFlag):
    """What was noticed about a picture, and is done about it."""

    SIXTEEN_BIT = 1  # rescaled to 8 bits
    CMYK = 2  # converted to RGB
    TRANSPARENT = 4  # composited on the background, or alpha kept
    ANIMATED = 8  # first frame taken
    ROTATED = 16  # turned upright by its EXIF orientation
    ENLARGED = 32  # smaller than the wanted size
    CROPPED = 64  # half of it or more lies outside the crop
    GREY = 128  # stored without colour


@dataclass(frozen=True)
class Look:
    """How pictures are brought to one shape.

    Args:
        size: (height, width) in pixels.
        channels: 1 grey, 3 RGB, 4 RGB and alpha.
        fit: crop: the largest centred part of the right aspect; pad: the whole picture, the rest background; stretch: the
            whole picture, its aspect changed. All resize by Pillow's antialiased Lanczos filter.
        background: RGB, 0..255, what transparency is composited on (unless channels is 4) and padding is filled with.
    """

    size: tuple[int, int]
    channels: int
    fit: Literal["crop", "pad", "stretch"] = "crop"
    background: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self) -> None:
        if not all(1 <= side <= 4096 for side in self.size):
            raise UsageError(f"a size of {self.size[1]}x{self.size[0]} is out of range", "sides are 1 to 4096 pixels")
        if self.channels not in (1, 3, 4):
            raise UsageError(f"{self.channels} channels cannot be made", "choose 1 (grey), 3 (RGB) or 4 (RGB and alpha)")
        if self.fit not in ("crop", "pad", "stretch"):
            raise UsageError(f"there is no fit called {self.fit!r}", "choose crop, pad or stretch")
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            raise UsageError(f"background {self.background!r} is no colour", "give red, green and blue as 0 to 255")

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.channels, *self.size)

    def in_words(self) -> str:
        kind = {1: "grey", 3: "RGB", 4: "RGB and alpha"}[self.channels]
        how = {"crop": "centre crop", "pad": "padded", "stretch": "stretched"}[self.fit]
        over = "" if self.channels == 4 else f", transparency on {self.background}"
        return f"{self.size[1]}x{self.size[0]} {kind}, {how}, Lanczos{over}"


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself, upright: its pixels are not decoded yet."""

    width: int
    height: int
    traits: Trait


def opened(source: Path | bytes) -> Image:
    """The picture, its pixels not decoded yet.

    Raises:
        BadPicture: it is not a regular file of a known format, or is too large; the reason says which.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        check_readable(source)
        picture = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except BadPicture:
        raise
    except UnidentifiedImageError:
        raise BadPicture(foreign(source)) from None
    except Image.DecompressionBombError:
        raise BadPicture(f"more than twice the limit of {PIXEL_LIMIT // 10**6} megapixels") from None
    except Exception as error:  # a damaged or hostile file may make a decoder raise anything
        raise BadPicture(reason(error)) from error
    if picture.width * picture.height > PIXEL_LIMIT:
        megapixels = picture.width * picture.height / 1e6
        message = f"{picture.width}x{picture.height} is {megapixels:.0f} megapixels, the limit is {PIXEL_LIMIT // 10**6}"
        picture.close()
        raise BadPicture(message)
    return picture


def check_readable(source: Path | bytes) -> None:
    """Refuses what must not even be opened."""
    if isinstance(source, bytes):
        size = len(source)
    else:
        try:
            facts = source.stat()
        except OSError as error:
            raise BadPicture(f"cannot be read ({error.strerror})") from error
        if not stat.S_ISREG(facts.st_mode):  # to open a FIFO is to wait forever
            raise BadPicture("not a regular file")
        size = facts.st_size
    if size == 0:
        raise BadPicture("empty")
    if size > FILE_LIMIT:
        raise BadPicture(f"{size / 2**30:.1f} GiB, the limit is {FILE_LIMIT >> 30}")


def foreign(source: Path | bytes) -> str:
    """Why a file is not one of ``FORMATS``, from its first bytes."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        start = file.read(512)
    known = {b"GIF8": "GIF", b"%PDF": "PDF", b"8BPS": "Photoshop", b"%!PS": "PostScript", b"\x00\x00\x01\x00": "icon"}
    for magic, name in known.items():
        if start.startswith(magic):
            return f"{name} is not supported, use {', '.join(FORMATS)}"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return f"SVG is not supported, use {', '.join(FORMATS)}"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page, not a picture"
    return "not a PNG, JPEG, WebP, BMP or TIFF picture"


def reason(error: Exception) -> str:
    """An exception of a decoder in one short line."""
    said = " ".join(str(error).split())[:120]
    return f"cannot be decoded ({said or type(error).__name__})"


def orientation(picture: Image) -> int:
    """The EXIF orientation 1..8; 1 when there is none or it cannot be read."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except Exception:  # EXIF that cannot be read says nothing about the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def header(picture: Image) -> Header:
    """Size and traits of an opened picture."""
    traits = Trait(0)
    if picture.mode.startswith(("I", "F")):
        traits |= Trait.SIXTEEN_BIT
    if picture.mode == "CMYK":
        traits |= Trait.CMYK
    if picture.has_transparency_data:
        traits |= Trait.TRANSPARENT
    if getattr(picture, "n_frames", 1) > 1:
        traits |= Trait.ANIMATED
    if picture.mode in ("1", "L", "LA", "La") or picture.mode.startswith(("I", "F")):
        traits |= Trait.GREY
    turned = orientation(picture)
    width, height = picture.size if turned < 5 or picture.format == "TIFF" else picture.size[::-1]  # Pillow turns TIFFs itself
    return Header(width, height, traits | (Trait.ROTATED if turned > 1 else Trait(0)))


def probe(source: Path | bytes) -> Header:
    """Size and traits of a picture from its header. Raises ``BadPicture``."""
    with opened(source) as picture:
        try:
            return header(picture)
        except Exception as error:  # as in ``opened``
            raise BadPicture(reason(error)) from error


def decode(source: Path | bytes | Image, look: Look) -> tuple[Pixels, Header, Trait]:
    """One picture (a file, its bytes, or opened already) as uint8 (C, H, W), what its header says, and all its traits.

    Raises:
        BadPicture: it is damaged, of no use at this size, or not a picture.
    """
    with opened(source) if isinstance(source, Path | bytes) else source as picture:
        try:
            facts = header(picture)
            refuse_odd(facts, look)
            if picture.format == "PNG" and isinstance(source, Path | bytes):
                check_sums(source)
            traits = facts.traits
            if picture.format == "JPEG" and picture.width * picture.height > DRAFT_ABOVE:
                side = 2 * max(look.size)  # decode at 1/2, 1/4 or 1/8, still twice the size that is wanted
                picture.draft(None, (side, side))
            turned = 1 if picture.format == "TIFF" else orientation(picture)  # read now: conversions lose it
            picture.load()  # all of it: Image.verify passes truncated files
            shown = in_colour(upright(picture, turned), look)
            pixels = np.asarray(fitted(shown, look))
        except BadPicture:
            raise
        except MemoryError as error:
            raise BadPicture("not enough memory to decode it") from error
        except Exception as error:  # as in ``opened``
            raise BadPicture(reason(error)) from error
    traits |= change(facts, look)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(planes), facts, traits


def check_sums(source: Path | bytes) -> None:
    """Refuses a PNG of which a chunk has the wrong checksum. Pillow skips those of the pixels; other formats have none."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        size = file.seek(0, 2)
        position, kind = 8, b""
        while kind != b"IEND" and position + 12 <= size:
            file.seek(position)
            length = int.from_bytes(file.read(4), "big")
            if position + 12 + length > size:
                raise BadPicture("truncated")
            content = file.read(4 + length)
            kind = content[:4]
            if zlib.crc32(content) != int.from_bytes(file.read(4), "big"):
                raise BadPicture("damaged: a checksum differs")
            position += 12 + length
        if kind != b"IEND":
            raise BadPicture("truncated")


def relative_aspect(facts: Header, look: Look) -> float:
    """How many times as wide a picture is as the wanted shape, at equal height."""
    return (facts.width / facts.height) / (look.size[1] / look.size[0])


def change(facts: Header, look: Look) -> Trait:
    """What resizing does to a picture that is worth a word."""
    scales = (look.size[0] / facts.height, look.size[1] / facts.width)
    traits = Trait(0)
    if (max(scales) if look.fit == "crop" else min(scales)) > 1:
        traits |= Trait.ENLARGED
    if look.fit == "crop" and not 0.5 < relative_aspect(facts, look) < 2:
        traits |= Trait.CROPPED
    return traits


def refuse_odd(facts: Header, look: Look) -> None:
    """Refuses what would become a blur or a sliver."""
    height, width = look.size
    if min(facts.width, facts.height) < max(min(SMALLEST_SIDE, height, width), min(height, width) // 8):
        raise BadPicture(f"{facts.width}x{facts.height} is too small for {width}x{height}")
    aspect = relative_aspect(facts, look)
    if max(aspect, 1 / aspect) > LONGEST_ASPECT:
        raise BadPicture(f"{facts.width}x{facts.height} is too long for {width}x{height}, the limit is {LONGEST_ASPECT} to 1")


def upright(picture: Image, turned: int) -> Image:
    """Applies the EXIF orientation."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture if turned == 1 else picture.transpose(turns[turned])


def in_colour(picture: Image, look: Look) -> Image:
    """The picture in 8 bits and in the wanted mode, transparency composited on the background or kept."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        picture = eight_bit(picture)
    wanted = {1: "L", 3: "RGB", 4: "RGBA"}[look.channels]
    if picture.has_transparency_data and wanted != "RGBA":
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, (*look.background, 255)), layer)
    if picture.mode == wanted:
        return picture
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if wanted == "RGBA" else "L" if picture.mode == "1" else "RGB")
    return picture.convert(wanted)


def eight_bit(picture: Image) -> Image:
    """Rescales 16-bit and float pixels; a plain ``convert`` would clip nearly all of them to white."""
    from PIL import Image

    value: np.ndarray[Any, Any] = np.asarray(picture).astype(np.float32)
    if not np.isfinite(value).all():
        raise BadPicture("it has pixels that are not finite")
    low, high = float(value.min()), float(value.max())
    if picture.mode == "F":  # TIFF: 0..1 or 0..255, nothing else has a stated meaning
        scale = 255.0 if high <= 1 else 1.0
        limit = 255.0 / scale
    else:
        scale, limit = 255 / 65535, 65535.0
    if low < 0 or high > limit:
        raise BadPicture(f"its values run from {low:g} to {high:g}, of which the scale is not known")
    return Image.fromarray((value * scale).round().astype(np.uint8))


def fitted(picture: Image, look: Look) -> Image:
    """Crops, pads or stretches to the wanted size; pixels are untouched when the size is right already."""
    from PIL import Image

    height, width = look.size
    if picture.size == (width, height):
        return picture
    lanczos = Image.Resampling.LANCZOS
    if look.fit == "stretch":
        return picture.resize((width, height), lanczos)
    if look.fit == "crop":
        scale = min(picture.width / width, picture.height / height)
        left, top = (picture.width - width * scale) / 2, (picture.height - height * scale) / 2
        return picture.resize((width, height), lanczos, box=(left, top, left + width * scale, top + height * scale))
    scale = min(width / picture.width, height / picture.height)
    inner = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    colour = look.background if picture.mode != "L" else (round(np.dot(look.background, (0.299, 0.587, 0.114))),)
    canvas = Image.new(picture.mode, (width, height), (*colour, 0) if picture.mode == "RGBA" else colour)
    canvas.paste(picture.resize(inner, lanczos), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas
