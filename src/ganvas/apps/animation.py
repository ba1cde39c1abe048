"""Pictures one after the other: as a GIF, a WebP, a video, or side by side as a PNG."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from torch import Tensor

from ganvas.apps.films import FORMATS, QUALITY, library
from ganvas.errors import UsageError
from ganvas.runs.durable import replace_file, write_through
from ganvas.runs.grids import grid, save_picture

ENDINGS = {".gif", ".webp", ".png", *FORMATS}
SHOWN = 12
"""Frames that a strip shows, evenly spaced with the first and the last; all would be too small to see."""
SMALLEST = 128
"""Pixels of an animation's shorter side below which it is enlarged by a whole number."""
DESCRIPTION = 0x010E  # EXIF ImageDescription


def animate(path: Path, frames: Tensor, *, fps: float = 15.0, facts: Mapping[str, object] | None = None) -> Path:
    """Writes frames as the path's ending says, whole or not at all, with ``facts`` in the file's metadata.

    Args:
        path: .gif (256 colours), .webp (without loss), .mp4 and other ``FORMATS`` (the extra ``video``; a little is lost), or
            .png: a strip of up to ``SHOWN`` frames.
        frames: (T, C, H, W) in [-1, 1], or (T, N, C, H, W): N pictures at once, as a grid.
        fps: frames a second; a GIF counts in hundredths of a second.

    Raises:
        UsageError: another ending, no frames, a rate out of range, or a video without the extra.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{path} is no animation", f"end its name in {', '.join(sorted(ENDINGS))}")
    if not len(frames) or not 0.1 <= fps <= 50:
        raise UsageError(f"{len(frames)} frames at {fps:g} a second cannot be shown", "use 1 or more at 0.1 to 50")
    if ending == ".png":
        return save_picture(path, strip(frames), facts)
    pictures = [enlarged(grid(frame if frame.dim() == 4 else frame[None])) for frame in frames]
    if ending in FORMATS:
        return filmed(path, pictures, fps, facts or {})
    buffer, told = io.BytesIO(), json.dumps(dict(facts or {}))
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "loop": 0, "duration": round(1000 / fps)}
    if ending == ".gif":
        pictures[0].save(buffer, "GIF", comment=told.encode(), **options)
    else:
        exif = Image.Exif()
        exif[DESCRIPTION] = told
        pictures[0].save(buffer, "WEBP", lossless=True, exif=exif, **options)
    replace_file(path, buffer.getvalue())
    return path


def filmed(path: Path, pictures: Sequence[Image.Image], fps: float, facts: Mapping[str, object]) -> Path:
    """Writes a video of pictures of one size, with a row or column more where a side is odd: few players take others."""
    av = library()
    container, codec = FORMATS[path.suffix.lower()]
    rate = Fraction(fps).limit_denominator(1000)

    def fill(file: BinaryIO) -> None:
        with av.open(file, "w", format=container) as film:
            film.metadata["comment"] = json.dumps(dict(facts))
            stream = film.add_stream(codec, rate=rate, options=QUALITY[codec])
            width, height = pictures[0].size
            stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
            for number, picture in enumerate(pictures):
                pixels = np.pad(np.asarray(picture.convert("RGB")), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = number, 1 / rate
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))

    write_through(path, fill)
    return path


def strip(frames: Tensor) -> Image.Image:
    """Up to ``SHOWN`` frames from left to right; of N pictures at once, a row each."""
    chosen = spaced(len(frames), SHOWN)
    shown = frames[chosen]
    if shown.dim() == 5:  # (T, N, C, H, W) -> a row a picture
        shown = shown.transpose(0, 1).flatten(0, 1)
    return grid(shown, columns=len(chosen))


def spaced(count: int, most: int) -> Sequence[int]:
    """At most ``most`` of ``count`` places, evenly spaced, the first and the last among them."""
    if count <= most:
        return range(count)
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def enlarged(picture: Image.Image) -> Image.Image:
    """The picture at least ``SMALLEST`` pixels high and wide, magnified by a whole number."""
    factor = -(-SMALLEST // min(picture.size))
    return (
        picture if factor <= 1 else picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    )
