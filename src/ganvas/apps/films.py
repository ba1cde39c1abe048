"""Films through an app, frame by frame: video files by PyAV (the extra ``video``), animated GIF and WebP by Pillow.

One frame is in memory at a time, whatever the film's length. Sound is copied as it is where the new file can hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.apps.animations import ANIMATIONS, animated, through_animation
from ganvas.errors import DataError, UsageError
from ganvas.runs.durable import write_through

VIDEOS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".ogv", ".ts", ".flv", ".3gp"}
"""Endings of files that are taken for videos."""
FORMATS = {
    ".mp4": ("mp4", "libx264"), ".m4v": ("mp4", "libx264"), ".mov": ("mov", "libx264"), ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}  # fmt: skip
"""Containers and codecs of the endings that can be written; without loss, .mkv takes FFV1."""
ENDINGS = {*FORMATS, *ANIMATIONS}
QUALITY = {"libx264": {"crf": "17", "preset": "medium"}, "libvpx-vp9": {"crf": "24", "b": "0"}, "ffv1": {"level": "3"}}
BT709 = 1
"""FFmpeg's number for that matrix between RGB and YUV."""
Frame = Callable[[Tensor], Tensor]
"""uint8 (C, H, W) -> uint8 (C', k H, k W)."""


class Film(NamedTuple):
    """What was made: its frames, the size (rows, columns) of each before and after, and what a user should know."""

    frames: int
    before: tuple[int, int]
    after: tuple[int, int]
    remark: str = ""


def is_film(path: Path) -> bool:
    """Whether a file moves: a video or a GIF by its ending, a WebP or PNG when it holds several frames."""
    return path.suffix.lower() in VIDEOS | {".gif"} or animated(path)


def through_film(source: Path, target: Path, make: Frame, *, exact: bool = False) -> Film:
    """Sends each frame of ``source`` through ``make`` into ``target``, which is there whole or not at all.

    Args:
        source: a video, or an animated GIF, WebP or PNG.
        target: ends in one of ``ENDINGS``.
        make: from a frame to its successor, RGB or grey; all of one size.
        exact: write without loss where the ending allows it (.mkv: FFV1; .webp).

    Raises:
        UsageError: the extra ``video`` is not installed, or an ending that does not fit.
        DataError: no frames, or some that cannot be decoded. ResourceError: the disk is full.
    """
    if animated(source) or source.suffix.lower() == ".gif":
        if target.suffix.lower() not in ANIMATIONS:
            raise UsageError(
                f"{source} is an animation, {target} is none", f"end its name in {' or '.join(sorted(ANIMATIONS))}"
            )
        frames, before, after = through_animation(source, target, make)
        return Film(frames, before, after)
    if target.suffix.lower() not in FORMATS:
        raise UsageError(f"{source} is a video, {target} is none", f"end its name in {', '.join(FORMATS)}")
    return through_video(source, target, make, exact=exact)


def library() -> Any:
    """PyAV.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise UsageError("videos need av, which is not installed", 'pip install "ganvas[video]"') from None
    av.logging.set_level(av.logging.PANIC)  # a damaged film is told once, by us
    return av


def through_video(source: Path, target: Path, make: Frame, *, exact: bool) -> Film:
    """As ``through_film``, of a video."""
    av = library()
    made: list[Film] = []

    def fill(file: BinaryIO) -> None:
        with opened(av, source) as given:
            try:
                made.append(Recoding(av, given, source, target, make, exact=exact).run(file))
            except av.FFmpegError as error:
                if isinstance(error, OSError):
                    raise
                raise UsageError(
                    f"{target} cannot hold this film ({words(error)})", "choose another ending, such as .mkv"
                ) from None

    write_through(target, fill)
    return made[0]


@contextmanager
def opened(av: Any, source: Path) -> Iterator[Any]:
    """The video's container.

    Raises:
        DataError: it cannot be decoded, or holds no pictures.
    """
    try:
        container = av.open(str(source))
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"{source} cannot be decoded ({words(error)})", "give a video that other programs play") from None
    with container:
        if not container.streams.video:
            raise DataError(f"{source} holds no pictures, only sound", "give a video")
        yield container


def words(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120]


class Recoding:
    """One video on its way from a container to another.

    Packets of sound wait until the first frame has said how large the new pictures are: only then can the file begin.
    """

    def __init__(self, av: Any, given: Any, source: Path, target: Path, make: Frame, *, exact: bool) -> None:
        self.av, self.given, self.source, self.make = av, given, source, make
        self.format, self.codec = FORMATS[target.suffix.lower()]
        if exact and self.codec == "libx264" and self.format == "matroska":
            self.codec = "ffv1"
        self.video = given.streams.video[0]
        self.video.thread_type = "AUTO"
        self.sound = given.streams.audio[0] if given.streams.audio else None
        self.rate = self.video.average_rate or self.video.guessed_rate or Fraction(25)
        self.count, self.before, self.after = 0, (0, 0), (0, 0)
        self.remark = (
            "" if self.codec == "ffv1" or not exact else f"written as {self.codec}, which loses a little; .mkv does not"
        )

    def run(self, file: BinaryIO) -> Film:
        """Reads, makes and writes everything."""
        streams = [self.video] if self.sound is None else [self.video, self.sound]
        waiting: list[Any] = []
        with self.av.open(file, "w", format=self.format) as made:
            for packet in self.packets(streams):
                if packet.stream is self.sound:
                    waiting.append(packet)
                else:
                    for frame in self.decoded(packet):
                        self.write(made, frame)
                if self.count:
                    self.copy_sound(made, waiting)
                    waiting.clear()
            if not self.count:
                raise DataError(f"{self.source} has no frames", "give a video that other programs play")
            made.mux(self.stream.encode(None))
        return Film(self.count, self.before, self.after, self.remark)

    def packets(self, streams: list[Any]) -> Iterator[Any]:
        try:
            yield from self.given.demux(streams)
        except self.av.FFmpegError as error:
            raise self.broken(error) from None

    def decoded(self, packet: Any) -> Iterator[Any]:
        try:
            yield from packet.decode()
        except self.av.FFmpegError as error:
            raise self.broken(error) from None

    def broken(self, error: Exception) -> DataError:
        cause = f"{self.source}: frame {self.count + 1} cannot be decoded ({words(error)})"
        return DataError(cause, "give a video that other programs play to its end")

    def write(self, made: Any, frame: Any) -> None:
        """One frame, made and encoded; the first one opens the streams."""
        pixels = upright(frame)
        result = self.make(pixels)
        size = (result.shape[1], result.shape[2])
        if not self.count:
            self.before, self.after = (pixels.shape[1], pixels.shape[2]), size
            self.begin(made, frame)
        elif size != self.after:
            raise DataError(f"{self.source}: frame {self.count + 1} is of another size", "cut the film there")
        planes = result.expand(3, -1, -1) if len(result) == 1 else result[:3]
        array = np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
        picture = self.av.VideoFrame.from_ndarray(array, format="rgb24")
        matrix = {} if self.codec == "ffv1" else {"dst_colorspace": "ITU709" if frame.colorspace == BT709 else "ITU601"}
        picture = picture.reformat(format=self.stream.pix_fmt, **matrix)
        if frame.pts is not None and frame.time_base:
            picture.pts, picture.time_base = frame.pts, frame.time_base
        else:
            picture.pts, picture.time_base = self.count, 1 / self.rate
        self.count += 1
        made.mux(self.stream.encode(picture))

    def begin(self, made: Any, frame: Any) -> None:
        """The new file's streams."""
        self.stream = made.add_stream(self.codec, rate=self.rate, options=QUALITY[self.codec])
        self.stream.height, self.stream.width = self.after
        even = self.after[0] % 2 == 0 and self.after[1] % 2 == 0
        self.stream.pix_fmt = "bgr0" if self.codec == "ffv1" else "yuv420p" if even else "yuv444p"
        context = self.stream.codec_context
        context.time_base = frame.time_base or 1 / self.rate
        if self.codec != "ffv1" and frame.colorspace == BT709:
            context.colorspace = context.color_primaries = context.color_trc = BT709
        self.kept = None
        if self.sound is not None:
            try:
                self.kept = made.add_stream_from_template(self.sound)
            except (ValueError, self.av.FFmpegError):
                self.remark = f"the sound was left out: {self.format} holds no {self.sound.codec_context.name}"

    def copy_sound(self, made: Any, packets: list[Any]) -> None:
        if self.kept is None:
            return
        for packet in packets:
            if packet.dts is not None:
                packet.stream = self.kept
                made.mux(packet)


def upright(frame: Any) -> Tensor:
    """A decoded frame as uint8 (3, H, W), turned as its display matrix says."""
    array: Any = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return torch.from_numpy(np.ascontiguousarray(np.rot90(array, turns).transpose(2, 0, 1)))
