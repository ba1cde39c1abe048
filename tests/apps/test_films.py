"""Films frame by frame: every frame, its time and its sound arrive; one frame is held at a time; what cannot be is refused."""

from __future__ import annotations

import sys
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from known_translators import Planted, Told
from PIL import Image
from torch import Tensor

from ganvas.apps import APPS, Options
from ganvas.apps.animations import played
from ganvas.apps.files import performed, planned
from ganvas.apps.films import through_film, upright
from ganvas.data.batches import Spec
from ganvas.errors import DataError, UsageError

av = pytest.importorskip("av")
ROWS, COLUMNS, FRAMES = 32, 48, 7


def scene(number: int, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """A soft gradient whose colour moves with time, uint8 (rows, columns, 3)."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([60 + 2 * x, 70 + 3 * y, np.full_like(x, 50 + 20 * number)], -1).clip(0, 255).astype(np.uint8)


def shoot(
    path: Path, count: int = FRAMES, *, sound: bool = True, matrix: int = 2, size: tuple[int, int] = (ROWS, COLUMNS)
) -> Path:
    """A video of ``scene`` at 10 frames a second, the third of which is shown for as long as three; a tone beneath."""
    with av.open(str(path), "w") as made:
        video = made.add_stream("libx264", rate=10, options={"crf": "10"})
        video.height, video.width = size
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 100)
        video.codec_context.colorspace = matrix
        tone = made.add_stream("aac", rate=8000) if sound else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(scene(number, *size)).reformat(
                format="yuv420p", dst_colorspace="ITU709" if matrix == 1 else "ITU601"
            )
            frame.pts, frame.time_base = 10 * number + 20 * (number > 2), Fraction(1, 100)
            made.mux(video.encode(frame))
        made.mux(video.encode(None))
        if tone is not None:
            samples = (np.sin(np.arange(8192) / 5) * 0.5).astype(np.float32)[None]
            heard = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            heard.sample_rate, heard.pts = 8000, 0
            made.mux(tone.encode(heard))
            made.mux(tone.encode(None))
    return path


def seen(path: Path) -> tuple[list[np.ndarray], list[float], list[bytes]]:
    """Frames, their seconds, and the packets of sound."""
    with av.open(str(path)) as film:
        frames = [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        sound = [bytes(packet) for packet in film.demux(audio=0) if packet.size] if film.streams.audio else []
    return [frame for frame, _ in frames], [time for _, time in frames], sound


@pytest.mark.parametrize(("ending", "matrix", "exact"), [(".mp4", 1, False), (".mkv", 2, True), (".mov", 5, False)])
def test_every_frame_its_time_and_its_sound_arrive(tmp_path, ending, matrix, exact):
    source, target = shoot(tmp_path / "in.mp4", matrix=matrix), tmp_path / f"out{ending}"
    film = through_film(source, target, lambda pixels: 255 - pixels, exact=exact)
    assert film[:3] == (FRAMES, (ROWS, COLUMNS), (ROWS, COLUMNS))
    (before, times, sound), (after, new_times, new_sound) = seen(source), seen(target)
    start = new_times[0] - times[0]  # a container without negative times puts all later, pictures and sound alike
    assert [time - start for time in new_times] == pytest.approx(times, abs=0.002)
    assert sound and new_sound == sound
    for old, new in zip(before, after, strict=True):
        difference = np.abs((255 - old.astype(int)) - new.astype(int))
        assert difference.max() == 0 if exact else (difference.mean() < 2.5 and abs(difference.mean((0, 1))).max() < 4)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.mp4", f"out{ending}"]


def test_frames_may_grow_and_odd_sizes_stay(tmp_path):
    source = shoot(tmp_path / "in.mp4", 2, sound=False)
    larger = through_film(source, tmp_path / "large.mp4", lambda pixels: pixels.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert larger.after == (2 * ROWS, 2 * COLUMNS)
    odd = through_film(source, tmp_path / "odd.mp4", lambda pixels: pixels[:1, :31, :47])
    assert odd.after == (31, 47)
    assert seen(tmp_path / "odd.mp4")[0][0].shape == (31, 47, 3)


@pytest.mark.parametrize("ending", [".mp4", ".gif", ".webp"])
def test_one_frame_is_held_at_a_time(tmp_path, ending):
    """However long a film is: each frame is written before the next is made (encoders may look some frames ahead)."""
    source = tmp_path / f"in{'.mp4' if ending == '.mp4' else '.gif'}"
    if ending == ".mp4":
        shoot(source, 60, sound=False)
    else:
        pictures = [Image.fromarray(scene(number % 9)) for number in range(60)]
        pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=50, loop=0)
    import weakref

    alive: list[weakref.ref] = []
    most = 0

    def make(pixels: Tensor) -> Tensor:
        nonlocal most
        alive.append(weakref.ref(pixels))
        most = max(most, sum(reference() is not None for reference in alive))
        return pixels

    assert through_film(source, tmp_path / f"out{ending}", make).frames >= 55
    assert most <= 2


def test_animations_keep_transparency_durations_and_loops(tmp_path):
    pictures = []
    for number in range(3):
        layer = np.dstack([scene(number), np.full((ROWS, COLUMNS), 255, np.uint8)])
        layer[:8, :8, 3] = 0
        pictures.append(Image.fromarray(layer))
    pictures[0].save(
        tmp_path / "in.webp", save_all=True, append_images=pictures[1:], duration=[40, 80, 120], loop=3, lossless=True
    )
    for ending, tolerance in ((".webp", 0), (".gif", 12)):
        target = tmp_path / f"out{ending}"
        film = through_film(tmp_path / "in.webp", target, lambda pixels: 255 - pixels)
        assert film[:3] == (3, (ROWS, COLUMNS), (ROWS, COLUMNS))
        with played(target) as made:
            assert (made.count, made.loops) == (3, 3)
            for number, duration in enumerate((40, 80, 120)):
                pixels, alpha, milliseconds = made.frame(number)
                assert milliseconds == duration
                assert (alpha[0, :8, :8] == 0).all() and (alpha[0, 8:] == 255).all()
                wanted = 255 - torch.from_numpy(scene(number)).permute(2, 0, 1)
                assert (pixels.int() - wanted.int())[:, 8:].abs().float().mean() <= tolerance / 3


def test_frames_are_turned_upright():
    frame = av.VideoFrame.from_ndarray(scene(0))

    class Turned:
        rotation = -90

        def to_ndarray(self, format: str) -> np.ndarray:  # noqa: A002
            return frame.to_ndarray(format=format)

    found = upright(Turned())
    assert found.shape == (3, COLUMNS, ROWS)
    assert torch.equal(found, torch.from_numpy(np.rot90(scene(0), -1).transpose(2, 0, 1).copy()))  # by 90 degrees clockwise


def test_what_is_no_film_is_told_apart(tmp_path):
    (tmp_path / "words.mp4").write_text("no film at all, only words " * 50)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as tone:
        tone.setnchannels(1)
        tone.setsampwidth(2)
        tone.setframerate(8000)
        tone.writeframes(bytes(16000))
    (tmp_path / "tone.wav").rename(tmp_path / "tone.avi")
    whole = shoot(tmp_path / "in.mp4", sound=False).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "empty.gif").write_bytes(b"GIF89a")
    for name, said in (
        ("words.mp4", "cannot be decoded"),
        ("tone.avi", "only sound"),
        ("cut.mp4", "decoded"),
        ("empty.mp4", "decoded"),
    ):
        with pytest.raises(DataError, match=said):
            through_film(tmp_path / name, tmp_path / "out.mp4", lambda pixels: pixels)
    with pytest.raises(DataError, match=r"empty\.gif"):
        through_film(tmp_path / "empty.gif", tmp_path / "out.gif", lambda pixels: pixels)
    with av.open(str(tmp_path / "none.mkv"), "w", format="matroska") as made:
        made.add_stream("libx264", rate=10).width = 32
        made.streams[0].height = 32
        made.start_encoding()
    with pytest.raises(DataError, match=r"has no frames|cannot be decoded"):
        through_film(tmp_path / "none.mkv", tmp_path / "out.mp4", lambda pixels: pixels)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]


def test_a_frame_that_fails_leaves_nothing(tmp_path):
    source, seen_frames = shoot(tmp_path / "in.mp4", sound=False), []

    def make(pixels: Tensor) -> Tensor:
        seen_frames.append(1)
        return pixels if len(seen_frames) < 4 else pixels[:, :16]

    (tmp_path / "out.mp4").write_bytes(b"the one before")
    with pytest.raises(DataError, match="frame 4 is of another size"):
        through_film(source, tmp_path / "out.mp4", make)
    assert (tmp_path / "out.mp4").read_bytes() == b"the one before"
    assert len([*tmp_path.iterdir()]) == 2


def test_without_the_extra_it_says_how_to_get_it(tmp_path, monkeypatch):
    source = shoot(tmp_path / "in.mp4", 1, sound=False)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r'pip install "ganvas\[video\]"'):
        through_film(source, tmp_path / "out.mp4", lambda pixels: pixels)


def test_apps_take_films(tmp_path):
    source = shoot(tmp_path / "in.mp4", 3)
    model = Planted(lambda grey: grey.expand(-1, 3, -1, -1), 1, 3)
    (task,), _ = planned(APPS["colourise"], source, tmp_path / "out")
    assert task.target == tmp_path / "out" / "in.mkv"
    (made,) = performed(APPS["colourise"], model, [task], Options())
    assert (made.frames, made.before, made.after) == (3, (ROWS, COLUMNS), (ROWS, COLUMNS))
    told = Told(lambda source, label: source + 0.2 * label[1], Spec((3, 32, 32), ("a", "b")), torch.tensor([1.0, 0]))
    (task,), _ = planned(APPS["edit"], source, tmp_path / "b.mp4")
    (made,) = performed(APPS["edit"], told, [task], Options(to="b"))
    assert told.looked == 1  # at the first frame, for all of them
    difference = np.mean(
        [new.astype(float) - old for new, old in zip(seen(tmp_path / "b.mp4")[0], seen(source)[0], strict=True)]
    )
    assert difference == pytest.approx(0.1 * 255, abs=2)
    Image.fromarray(scene(0)).save(tmp_path / "still.png")
    Image.fromarray(scene(0)[:16]).save(tmp_path / "mask.png")
    for given, target, said in (
        (source, "x.png", "in.mp4 is a film"),
        (tmp_path / "still.png", "x.mp4", "still.png is a picture"),
        (source, "in.mp4", "never overwritten"),
    ):
        with pytest.raises(UsageError, match=said):
            planned(APPS["edit"], given, tmp_path / target)
    (task,), _ = planned(APPS["restore"], source, tmp_path / "r.mp4", mask=tmp_path / "mask.png")
    with pytest.raises(DataError, match="the mask is 48x16, the picture 48x32"):
        list(performed(APPS["restore"], Planted(lambda x: x, 3, 3), [task], Options()))
