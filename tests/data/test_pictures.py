"""Every kind of picture becomes the array that is expected of it, and every bad one a reason."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from picture_files import BAD, noise
from PIL import Image

from ganvas.data.pack import quiet_decoders
from ganvas.data.pictures import BadPicture, Look, Trait, decode, probe
from ganvas.errors import UsageError

GREY, RGB = Look((32, 32), 1), Look((32, 32), 3)


def saved(picture: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_get_a_reason_in_one_line(name: str, tmp_path: Path) -> None:
    content, says = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    if path.suffix in (".svg", ".gif", ".psd", ".eps", ".pdf"):
        return  # refused by suffix, in test_folder
    with quiet_decoders(), pytest.raises(BadPicture, match=says) as caught:
        decode(path, RGB)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_what_is_not_a_regular_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    places = [tmp_path / "folder.png", tmp_path / "loop.png", tmp_path / "gone.png", Path("/dev/zero")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        places.append(tmp_path / "pipe.png")
    for place in places:
        with pytest.raises(BadPicture, match=r"not a regular file|cannot be read"):
            decode(place, RGB)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_come_out_bit_for_bit(kind: str) -> None:
    picture = noise(1)
    settings: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    pixels, header, traits = decode(saved(picture, kind, **settings), RGB)
    assert np.array_equal(pixels, np.asarray(picture).transpose(2, 0, 1)) and pixels.dtype == np.uint8
    assert (header.width, header.height) == (32, 32) and traits == 0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_rescaled_not_clipped(kind: str) -> None:
    value = np.linspace(0, 65535, 32 * 32).round().astype(np.uint16).reshape(32, 32)
    pixels, _, traits = decode(saved(Image.fromarray(value), kind), GREY)
    assert np.array_equal(pixels[0], (value / 257).round().astype(np.uint8))
    assert Trait.SIXTEEN_BIT in traits and Trait.GREY in traits
    plain = np.asarray(Image.fromarray(value).convert("L"))
    assert (plain == 255).mean() > 0.9  # the trap that this is about


def test_float_pictures_need_a_known_scale() -> None:
    ramp = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    expected = (ramp * 255).round().astype(np.uint8)
    assert np.array_equal(decode(saved(Image.fromarray(ramp), "TIFF"), GREY)[0][0], expected)
    assert np.array_equal(decode(saved(Image.fromarray(ramp * 255), "TIFF"), GREY)[0][0], expected)
    for odd in (ramp * 1000, ramp - 1, ramp * np.nan):
        with pytest.raises(BadPicture, match=r"scale is not known|not finite"):
            decode(saved(Image.fromarray(odd), "TIFF"), GREY)


def test_cmyk_becomes_rgb() -> None:
    picture = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # magenta and yellow ink: red
    pixels, _, traits = decode(saved(picture, "TIFF"), RGB)
    assert Trait.CMYK in traits and pixels[:, 5, 5].tolist() == [255, 0, 0]
    pixels, _, _ = decode(saved(picture, "JPEG", quality=95), RGB)
    assert pixels[0].min() > 240 and pixels[1:].max() < 15


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (10, 200, 30)])
def test_transparency_lies_on_the_stated_background(background: tuple[int, int, int]) -> None:
    picture = Image.new("RGBA", (32, 32), (200, 0, 0, 0))
    picture.paste((0, 0, 200, 255), (0, 0, 16, 32))
    picture.paste((0, 100, 0, 128), (16, 0, 24, 32))
    pixels, _, traits = decode(saved(picture), Look((32, 32), 3, background=background))
    assert Trait.TRANSPARENT in traits
    assert pixels[:, 3, 3].tolist() == [0, 0, 200] and tuple(pixels[:, 3, 30].tolist()) == background
    mixed = [round(over * 128 / 255 + under * 127 / 255) for over, under in zip((0, 100, 0), background, strict=True)]
    assert np.abs(pixels[:, 3, 20].astype(int) - mixed).max() <= 1


def test_transparency_of_palette_and_grey_pictures_is_seen() -> None:
    palette = noise(0).quantize(4)
    pixels, _, traits = decode(saved(palette, transparency=bytes([0] * 4)), Look((32, 32), 3, background=(1, 2, 3)))
    assert Trait.TRANSPARENT in traits and pixels[:, 0, 0].tolist() == [1, 2, 3]
    layer = Image.merge("LA", [Image.new("L", (32, 32), 50), Image.new("L", (32, 32), 0)])
    assert decode(saved(layer), Look((32, 32), 1, background=(9, 9, 9)))[0].max() == 9


def test_alpha_is_kept_when_four_channels_are_wanted() -> None:
    picture = noise(3, mode="RGBA")
    pixels, _, _ = decode(saved(picture), Look((32, 32), 4))
    assert np.array_equal(pixels, np.asarray(picture).transpose(2, 0, 1))
    assert decode(saved(noise(3)), Look((32, 32), 4))[0][3].min() == 255


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_exif_orientation_is_applied_once(kind: str, turned: int) -> None:
    upright = noise(5, (48, 32), "RGB")
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[turned]
    stored = upright if back is None else upright.transpose(back)
    exif = Image.Exif()
    exif[0x0112] = turned
    settings: dict[str, object] = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    content = saved(stored, kind, exif=exif, **settings)
    header = probe(content)
    assert (header.width, header.height) == (48, 32)
    pixels, _, traits = decode(content, Look((32, 48), 3))
    assert np.abs(pixels.astype(int) - np.asarray(upright).transpose(2, 0, 1)).max() <= (6 if kind == "JPEG" else 0)
    assert (Trait.ROTATED in traits) is (turned != 1)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [noise(seed) for seed in range(3)]
    for kind in ("PNG", "WEBP", "TIFF"):
        content = saved(
            frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
        )
        pixels, _, traits = decode(content, RGB)
        assert Trait.ANIMATED in traits
        assert np.array_equal(pixels, np.asarray(frames[0]).transpose(2, 0, 1))


def test_crop_takes_the_centre_and_pad_and_stretch_the_whole() -> None:
    picture = Image.new("RGB", (96, 32), (255, 0, 0))
    picture.paste((0, 255, 0), (32, 0, 64, 32))
    content = saved(picture)
    crop, _, traits = decode(content, RGB)
    assert (crop[1] == 255).all() and Trait.CROPPED in traits
    stretch, _, traits = decode(content, Look((32, 32), 3, "stretch"))
    assert stretch[0, 5, 2] == 255 and stretch[1, 5, 16] == 255 and stretch[0, 5, 30] == 255 and not traits
    pad, _, _ = decode(content, Look((32, 32), 3, "pad", (0, 0, 255)))
    assert pad[:, 0, 0].tolist() == [0, 0, 255] and pad[1, 16, 16] == 255 and pad[0, 16, 1] == 255
    assert (pad[2, :, 5] == 255).sum() == 32 - round(32 / 3)


@pytest.mark.parametrize("size", [16, 20, 64])
def test_resizing_is_pillows_antialiased_lanczos(size: int) -> None:
    picture = noise(7, (57, 41))
    left, width = (57 - 41) / 2, 41
    expected = picture.resize((size, size), Image.Resampling.LANCZOS, box=(left, 0, left + width, 41))
    pixels, _, traits = decode(saved(picture), Look((size, size), 3))
    assert np.array_equal(pixels, np.asarray(expected).transpose(2, 0, 1))
    assert (Trait.ENLARGED in traits) is (size > 41)


def test_big_jpegs_are_decoded_small_and_look_the_same() -> None:
    big = noise(11, (2600, 1700))
    pixels, _, _ = decode(saved(big, "JPEG", quality=95), RGB)
    whole, _, _ = decode(saved(big), RGB)
    assert np.abs(pixels.astype(int) - whole).mean() < 2


def test_one_bit_and_palette_pictures() -> None:
    bit = noise(2, mode="L").convert("1")
    assert np.array_equal(decode(saved(bit), GREY)[0][0], np.asarray(bit) * np.uint8(255))
    palette = noise(2).quantize(16)
    assert np.array_equal(decode(saved(palette), RGB)[0], np.asarray(palette.convert("RGB")).transpose(2, 0, 1))


@pytest.mark.parametrize(
    "look",
    [
        {"size": (0, 8), "channels": 3},
        {"size": (8, 5000), "channels": 3},
        {"size": (8, 8), "channels": 2},
        {"size": (8, 8), "channels": 3, "fit": "squash"},
        {"size": (8, 8), "channels": 3, "background": (0, 0, 300)},
        {"size": (8, 8), "channels": 3, "background": (0, 0)},
    ],
)
def test_senseless_looks_are_refused(look: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Look(**look)  # type: ignore[arg-type]
