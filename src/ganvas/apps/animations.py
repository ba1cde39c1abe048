"""Animated GIF, WebP and PNG through a function, frame by frame; with transparency, durations and loops kept."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from ganvas.data.pictures import PIXEL_LIMIT, BadPicture, check_readable, reason
from ganvas.errors import DataError
from ganvas.runs.durable import write_through

if TYPE_CHECKING:
    from PIL.Image import Image

ANIMATIONS = {".gif", ".webp"}
"""Endings of what can be written."""
PALETTE = 255
"""Colours of a GIF's frame; one more stands for transparency."""
DEFAULT_MILLISECONDS = 100


class Played:
    """The frames of an animation as uint8 (3, H, W) with alpha (1, H, W), how long each is shown, and how often all of it.

    ``loops`` counts repetitions, 0 for ever; None shows it once.
    """

    def __init__(self, source: Path, picture: Any) -> None:
        self.source, self.picture = source, picture
        self.count = int(getattr(picture, "n_frames", 1))
        self.loops: int | None = picture.info.get("loop")

    def frame(self, number: int) -> tuple[Tensor, Tensor, int]:
        """Frame ``number``, its alpha, its milliseconds; they are to be asked for in order.

        Raises:
            DataError: it cannot be decoded.
        """
        try:
            self.picture.seek(number)
            layers = torch.from_numpy(np.array(self.picture.convert("RGBA"))).permute(2, 0, 1)
        except Exception as error:  # a damaged or hostile file may make a decoder raise anything
            cause = f"{self.source}: frame {number + 1} {reason(error)}"
            raise DataError(cause, "give an animation that other programs play to its end") from error
        duration = self.picture.info.get("duration") or DEFAULT_MILLISECONDS
        return layers[:3].contiguous(), layers[3:].contiguous(), int(duration)


@contextmanager
def played(source: Path) -> Iterator[Played]:
    """The animation in a file.

    Raises:
        DataError: it is none, or too large.
    """
    from PIL import Image

    try:
        check_readable(source)
        picture = Image.open(source, formats=("GIF", "WEBP", "PNG"))
    except BadPicture as error:
        raise DataError(f"{source}: {error}", "give an animation that other programs play") from None
    except Exception as error:  # as above
        raise DataError(f"{source}: {reason(error)}", "give an animation that other programs play") from None
    with picture:
        if picture.width * picture.height > PIXEL_LIMIT:
            raise DataError(f"{source} is {picture.width}x{picture.height}", "make it smaller")
        yield Played(source, picture)


def animated(path: Path) -> bool:
    """Whether a WebP or PNG file holds several frames."""
    if path.suffix.lower() not in {".webp", ".png", ".apng"}:
        return False
    try:
        with played(path) as film:
            return film.count > 1
    except DataError:
        return False


def through_animation(
    source: Path, target: Path, make: Callable[[Tensor], Tensor]
) -> tuple[int, tuple[int, int], tuple[int, int]]:
    """Sends each frame through ``make``, uint8 (3, H, W) -> uint8 (C, k H, k W).

    Returns how many frames there were, and (rows, columns) before and after.

    Raises:
        DataError: a frame cannot be decoded. ResourceError: the disk is full.
    """
    sizes: list[tuple[int, int]] = []
    with played(source) as film:

        def made(number: int) -> tuple[Image, int]:
            from PIL import Image

            pixels, alpha, duration = film.frame(number)
            result = make(pixels)
            if not sizes:
                sizes.extend([(pixels.shape[1], pixels.shape[2]), (result.shape[1], result.shape[2])])
            result = result.expand(3, -1, -1) if len(result) == 1 else result[:3]
            times = result.shape[1] // alpha.shape[1]
            alpha = alpha.repeat_interleave(times, 1).repeat_interleave(times, 2)
            return Image.fromarray(torch.cat([result, alpha]).permute(1, 2, 0).contiguous().numpy()), duration

        def fill(file: BinaryIO) -> None:
            if target.suffix.lower() == ".gif":
                write_gif(file, (made(number) for number in range(film.count)), film.loops)
            else:
                write_webp(file, made, film.count, film.loops)

        write_through(target, fill)
        return film.count, sizes[0], sizes[1]


def write_gif(file: BinaryIO, frames: Iterator[tuple[Image, int]], loops: int | None) -> None:
    """A GIF, each frame whole and with its own palette, written as it comes: Pillow's own way keeps all of them in memory."""
    from PIL import GifImagePlugin, Image

    for number, (frame, duration) in enumerate(frames):
        if not number:
            # Logical screen without a global palette; the extension that repeats, 0 for ever (GIF89a, sections 18 and 26).
            file.write(b"GIF89a" + struct.pack("<HHBBB", *frame.size, 0x70, 0, 0))
            if loops is not None:
                file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loops, 0))
        clear = np.asarray(frame)[..., 3] < 128
        coloured = frame.convert("RGB").quantize(PALETTE, dither=Image.Dither.FLOYDSTEINBERG)
        settings: dict[str, Any] = {"duration": duration, "disposal": 2, "include_color_table": True}
        if clear.any():
            palette = (coloured.getpalette() or [])[: 3 * PALETTE]
            indices = np.array(coloured)
            indices[clear] = PALETTE
            coloured = Image.fromarray(indices, "P")
            coloured.putpalette(palette + [0] * (3 * 256 - len(palette)))
            settings["transparency"] = PALETTE
        for block in GifImagePlugin.getdata(coloured, **settings):
            file.write(block)
    file.write(b";")


def write_webp(file: BinaryIO, made: Callable[[int], tuple[Image, int]], count: int, loops: int | None) -> None:
    """A WebP without loss; its encoder asks for one frame after the other."""
    from PIL import Image

    durations: list[int] = []

    class Reel(Image.Image):
        """A picture that becomes its next frame when it is sought."""

        n_frames = count

        def seek(self, number: int) -> None:
            if number == len(durations):  # the encoder goes back to where it began, at the end
                picture, duration = made(number)
                self.im, self._mode, self._size = picture.im, picture.mode, picture.size
                durations.append(duration)

        def tell(self) -> int:
            return 0

    reel = Reel()
    reel.seek(0)
    reel.save(file, "WEBP", save_all=True, lossless=True, duration=durations, loop=1 if loops is None else loops)
