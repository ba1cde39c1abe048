"""Picture files through apps: what is kept, what is refused, and that originals are never touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from known_translators import Planted
from PIL import Image
from torch import Tensor

from ganvas.apps import APPS, Options
from ganvas.apps.colourise import grey_level
from ganvas.apps.files import endings_of, performed, planned
from ganvas.apps.photographs import Photograph, read, write
from ganvas.apps.upscale import enlarged
from ganvas.errors import DataError, ResourceError, UsageError


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (40, 30), seed: int = 0) -> Path:
    channels = {"L": 1, "RGB": 3, "RGBA": 4, "LA": 2}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path)
    return path


def done(app: str, model: Planted, source: Path, out: Path, **options: object) -> Tensor:
    mask = options.pop("mask", None)
    assert mask is None or isinstance(mask, Path)
    tasks, _ = planned(APPS[app], source, out, mask=mask)
    (made,) = performed(APPS[app], model, tasks, Options(**options))  # type: ignore[arg-type]
    assert made.problem == ""
    return read(made.task.target, 3).pixels


def inverting(source: int = 3, target: int = 3, **options: object) -> Planted:
    return Planted(lambda x: -x[:, :1].expand(-1, target, -1, -1), source, target, **options)  # type: ignore[arg-type]


def identity(channels: int = 3, **options: object) -> Planted:
    return Planted(lambda x: x, channels, channels, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(40, 30), (1, 1), (3, 70), (600, 40)])
def test_every_pixel_arrives(tmp_path: Path, size: tuple[int, int]) -> None:
    model = identity()
    source = picture(tmp_path / "a.png", size=size)
    assert torch.equal(done("translate", model, source, tmp_path / "b.png", tile=64), read(source, 3).pixels)
    assert model.largest <= 136 * 136


def test_channels_may_change(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", "L")
    found = done("translate", inverting(1, 3), source, tmp_path / "b.png")
    assert torch.equal(found, 255 - read(source, 1).pixels.expand(3, -1, -1))
    done("translate", inverting(3, 1), source, tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as grey:
        assert grey.mode == "L"


def test_alpha_is_kept_and_exif_is_obeyed(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", "RGBA")
    done("translate", inverting(), source, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as made, Image.open(source) as original:
        assert made.getchannel("A").tobytes() == original.getchannel("A").tobytes()
    with Image.open(source) as original:
        exif = Image.Exif()
        exif[0x0112] = 6
        original.convert("RGB").save(tmp_path / "turned.png", exif=exif)
    done("translate", identity(), tmp_path / "turned.png", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as made, Image.open(source) as original:
        wanted = np.asarray(original.convert("RGB").transpose(Image.Transpose.ROTATE_270))
        assert np.array_equal(np.asarray(made), wanted)
        assert made.getexif().get(0x0112) is None


def test_sixteen_bits_become_eight_by_rescaling(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)).save(tmp_path / "a.png")
    found = done("translate", identity(1), tmp_path / "a.png", tmp_path / "b.png")
    assert found[0].tolist() == [[0, 1, 128, 255]]


def test_restore_keeps_known_pixels_to_the_bit_and_shows_holes_as_in_training(tmp_path: Path) -> None:
    shown: list[Tensor] = []

    def answer(x: Tensor) -> Tensor:
        shown.append(x)
        return torch.zeros_like(x[:, :3])

    source = picture(tmp_path / "a.png")
    hidden = np.zeros((30, 40), np.uint8)
    hidden[5:20, 10:30] = 255
    Image.fromarray(hidden).save(tmp_path / "mask.png")
    found = done("restore", Planted(answer, 4, 3, multiple=2), source, tmp_path / "b.png", mask=tmp_path / "mask.png")
    holes = torch.from_numpy(hidden > 127)
    original = read(source, 3).pixels
    assert torch.equal(found[:, ~holes], original[:, ~holes])
    assert (found[:, holes] == 128).all()
    assert torch.equal(shown[0][0, 3] > 0, holes)
    assert (shown[0][0, :3, holes] == (128 - 127.5) / 127.5).all()
    whole = done("restore", identity(), source, tmp_path / "c.png")
    assert torch.equal(whole, original)


def test_colourise_keeps_the_lightness_of_the_file(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", "L", (50, 50))
    model = Planted(lambda x: torch.cat([x + 0.5, x, x - 0.5], 1).clamp(-1, 1), 1, 3)
    found = done("colourise", model, source, tmp_path / "b.png")
    assert torch.equal(grey_level(found), read(source, 1).pixels)
    assert (found[0] != found[2]).float().mean() > 0.9


def test_upscale_shows_the_model_the_bicubic_picture(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png")
    found = done("upscale", identity(data="degraded:blur2:photos"), source, tmp_path / "b.png")
    assert torch.equal(found, enlarged(read(source, 3).pixels, 2))
    assert done("upscale", identity(), source, tmp_path / "c.png", times=3).shape == (3, 90, 120)
    doubling = Planted(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3), 3, 3, times=2)
    assert torch.equal(
        done("upscale", doubling, source, tmp_path / "d.png"),
        read(source, 3).pixels.repeat_interleave(2, 1).repeat_interleave(2, 2),
    )
    done("upscale", doubling, picture(tmp_path / "e.png", "RGBA"), tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as made:
        assert (made.mode, made.size) == ("RGBA", (80, 60))


def test_a_folder_keeps_its_tree_and_its_originals(tmp_path: Path) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "a.bmp", "deep/er/b.png", "deep/c.png"):
        picture(inside / name, seed=len(name))
    (inside / "broken.png").write_bytes(b"no picture")
    (inside / "notes.svg").write_text("<svg/>")
    before = {path: path.read_bytes() for path in inside.rglob("*.*")}
    tasks, problems = planned(APPS["translate"], inside, out)
    made = [*problems, *performed(APPS["translate"], inverting(), tasks, Options())]
    names = {str(path.relative_to(out)) for path in out.rglob("*.png")}
    assert names == {"a.png.png", "a.bmp.png", "deep/er/b.png", "deep/c.png"}
    assert {result.task.name for result in made if result.problem} == {"broken.png", "notes.svg"}
    assert {path: path.read_bytes() for path in inside.rglob("*.*")} == before


def test_masks_of_a_folder_go_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "in" / f"{name}.png", size=(20, 20))
    Image.new("L", (20, 20), 255).save(picture(tmp_path / "masks" / "a.bmp", "L"))
    tasks, problems = planned(APPS["restore"], tmp_path / "in", tmp_path / "out", mask=tmp_path / "masks")
    assert [task.name for task in tasks] == ["a.png"]
    assert "no mask of its name" in problems[0].problem


def refused(app: str, model: Planted, source: Path, out: Path, mask: Path | None = None, **options: object) -> str:
    with pytest.raises((UsageError, DataError, ResourceError)) as error:
        done(app, model, source, out, mask=mask, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_refusals(tmp_path: Path) -> None:
    source, out = picture(tmp_path / "a.png"), tmp_path / "b.png"
    assert "makes samples from noise" in refused("translate", identity(translates=False), source, out)
    assert "5 channels" in refused("translate", identity(5), source, out)
    assert "no colour" in refused("colourise", identity(1), source, out)
    assert "does not restore" in refused("restore", inverting(1, 3), source, out)
    assert "must know where" in refused("restore", Planted(lambda x: x[:, :3], 4, 3), source, out)
    assert "how much larger" in refused("upscale", identity(), source, out)
    assert "not 3" in refused("upscale", identity(times=2), source, out, times=3)
    assert "no use for --times" in refused("translate", identity(), source, out, times=2)
    assert "no use for --back" in refused("restore", identity(), source, out, back=True)
    assert "is the original" in refused("translate", identity(), source, source)
    mask = picture(tmp_path / "mask.png", "L", (41, 30))
    assert "the mask is 41x30, the picture 40x30" in refused("restore", identity(), source, out, mask=mask)
    (tmp_path / "v.mp4").write_bytes(b"0")
    assert "is a film" in refused("translate", identity(), tmp_path / "v.mp4", out)
    assert "there is no picture" in refused("translate", identity(), tmp_path / "none.png", out)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "bad.png" in refused("translate", identity(), tmp_path / "bad.png", out)
    assert not out.exists()


def test_output_inside_the_originals_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    for out in (tmp_path / "in", tmp_path / "in" / "out"):
        with pytest.raises(UsageError, match="folder of the originals"):
            planned(APPS["translate"], tmp_path / "in", out)


def test_a_result_beyond_memory_is_refused_before_it_is_made(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", size=(30, 30))
    model = identity()
    model.spec = type(model.spec)((3, 32 * 100_000, 32 * 100_000), source=(3, 32, 32), paired=True)
    assert "GiB" in refused("upscale", model, source, tmp_path / "b.png")


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".webp", ".jpg"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_files_hold_what_was_written(tmp_path: Path, ending: str, channels: int) -> None:
    pixels = torch.randint(1, 256, (channels, 12, 15), dtype=torch.uint8)
    if channels == 4:
        pixels[3] = 255
    write(tmp_path / f"a{ending}", Photograph(pixels))
    found = read(tmp_path / f"a{ending}", channels).pixels
    assert found.shape == pixels.shape
    if ending != ".jpg":
        assert torch.equal(found, pixels)


def test_exact_apps_write_no_lossy_files() -> None:
    assert ".jpg" in endings_of(APPS["translate"])
    assert not {".jpg", ".jpeg"} & endings_of(APPS["restore"])
    assert not {".jpg", ".jpeg"} & endings_of(APPS["colourise"])
