"""Paths, walks, mixtures and files of latents against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from known_generators import linear, model_of, plain, with_styles
from PIL import Image
from torch import nn

from ganvas.apps.animation import animate
from ganvas.apps.directions import ganspace, sefa
from ganvas.apps.interpolate import interpolate
from ganvas.apps.invert import invert
from ganvas.apps.latent import Codes, drawn, pictures, read_codes, save_codes
from ganvas.apps.mix import crossed, mix
from ganvas.apps.walk import walk
from ganvas.errors import DataError, UsageError
from ganvas.methods import METHODS
from tiny import SAMPLERS, config_for, data_for


def test_samples_have_the_numbers_that_sampling_gives_them() -> None:
    for model in (linear(), linear(classes=3), linear(prior="uniform")):
        wanted = model.sample(80, seed=5, truncation=0.7)[[3, 70, 3]]
        assert torch.allclose(pictures(model, drawn(model, [3, 70, 3], seed=5, truncation=0.7)), wanted, atol=1e-6)
    styled = with_styles()
    assert drawn(styled, [1]).space == "w"
    assert torch.allclose(pictures(styled, drawn(styled, [4])), pictures(styled, drawn(styled, [4], space="z")), atol=1e-6)
    assert not drawn(styled, [0, 1], truncation=0.0).value.any()
    assert torch.allclose(drawn(styled, [2], truncation=0.5).value, drawn(styled, [2]).value / 2)


def test_slerp_is_the_arc_and_linear_the_chord() -> None:
    model = linear(2)
    keys = Codes("z", torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0]]))
    path = interpolate(model, keys, 6)
    assert len(path) == 13
    angle = torch.arange(13) / 12 * math.pi
    assert torch.allclose(path.value, 3 * torch.stack([angle.cos(), angle.sin()], 1), atol=1e-5)
    straight = interpolate(model, keys.at([0, 1]), 4, path="linear").value
    assert torch.allclose(straight, 3 * torch.stack([1 - torch.arange(5) / 4, torch.arange(5) / 4], 1))
    closed = interpolate(model, keys, 5, closed=True)
    assert len(closed) == 16 and torch.equal(closed.value[-1], keys.value[0])
    cube = linear(2, prior="uniform")
    arc = interpolate(cube, Codes("z", torch.tensor([[0.9, -0.9], [-0.8, 0.2]])), 8).value
    assert arc.abs().max() <= 1 and torch.allclose(arc[0], torch.tensor([0.9, -0.9]), atol=1e-5)
    styled = with_styles()
    ends = drawn(styled, [0, 1])
    assert torch.allclose(interpolate(styled, ends, 2).value[1], ends.value.mean(0))


def test_a_walk_closes_and_has_the_covariance_that_it_promises() -> None:
    model = plain(nn.Linear(1, 1), 20_000, (1, 4, 4))  # only its latent counts
    frames, bends = 12, 3
    value = walk(model, frames, seed=1, bends=bends).value.double()
    apart = (torch.arange(frames)[:, None] - torch.arange(frames)) / frames
    wanted = torch.stack([(2 * math.pi * k * apart).cos() for k in range(1, bends + 1)]).mean(0)
    assert ((value @ value.T) / 20_000 - wanted).abs().max() < 0.04
    fine = walk(linear(), 200, bends=1).value
    steps = (fine - fine.roll(1, 0)).norm(dim=1)
    assert steps.max() < 0.15 and torch.equal(walk(linear(), 100, bends=1).value, fine[::2])
    assert walk(linear(), 50, truncation=0.5).value.abs().max() <= 0.5
    assert walk(linear(classes=2), 5, label=1).label.tolist() == [1] * 5  # type: ignore[union-attr]


def test_layers_come_from_one_and_the_rest_from_the_other() -> None:
    model = with_styles()
    a, b = drawn(model, [0, 1]), drawn(model, [2, 3, 4])
    sheet = crossed(model, a, b, layers=[1])
    assert torch.equal(sheet.value[:, 0], a.value[:, 0].repeat_interleave(3, 0))
    assert torch.equal(sheet.value[:, 1], b.value[:, 1].repeat(2, 1))
    half = mix(model, a, b.at([0, 1]), layers=[0], share=0.5).value
    assert torch.allclose(half[:, 0], (a.value[:, 0] + b.value[:2, 0]) / 2) and torch.equal(half[:, 1], a.value[:, 1])
    z = linear(2)
    ends = Codes("z", torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    between = mix(z, ends.at([0]), ends.at([1])).value
    assert torch.allclose(between, torch.full((1, 2), 2**0.5), atol=1e-5)


def test_codes_come_back_from_their_file_and_from_no_other(tmp_path: Path) -> None:
    for number, model in enumerate((linear(classes=3), with_styles())):
        codes = drawn(model, [5, 1, 2])
        path = save_codes(tmp_path / f"{number}.safetensors", model, codes, {"pictures": ["a"]})
        back = read_codes(path, model)
        assert back.space == codes.space and torch.equal(back.value, codes.value)
        assert (back.label is None) == (codes.label is None)
    for wrong, said in ((linear(9), "no latents"), (linear(), "no latents")):
        with pytest.raises(DataError, match=said):
            read_codes(tmp_path / "0.safetensors", wrong)
    other = linear(classes=3)
    other.hash = "1" * 64
    with pytest.raises(UsageError, match="not of 1111"):
        read_codes(tmp_path / "0.safetensors", other)
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04 a pickle")
    for name in ("x.safetensors", "none.safetensors"):
        with pytest.raises(DataError):
            read_codes(tmp_path / name, other)


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_an_animation_shows_every_frame_and_says_what_it_is(tmp_path: Path, ending: str) -> None:
    frames = torch.linspace(-1, 1, 5).view(5, 1, 1, 1, 1).expand(5, 2, 1, 4, 4)
    path = animate(tmp_path / f"a{ending}", frames, fps=10, facts={"seed": 7})
    with Image.open(path) as picture:
        if ending == ".png":
            assert picture.info["ganvas.seed"] == "7"
            return
        assert picture.n_frames == 5 and min(picture.size) >= 128  # type: ignore[attr-defined]
        told = picture.info["comment"].decode() if ending == ".gif" else picture.getexif()[0x010E]
        assert told == '{"seed": 7}'
        levels = []
        for frame in range(5):
            picture.seek(frame)
            picture.load()
            assert picture.info["duration"] == 100
            levels.append(picture.convert("L").getpixel((picture.width // 4, picture.height // 2)))
        assert levels == [0, 64, 128, 191, 255]


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
@pytest.mark.parametrize("side", [4, 129])
def test_a_video_of_a_path_plays_every_frame(tmp_path: Path, ending: str, side: int) -> None:
    av = pytest.importorskip("av")
    frames = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 3, side, side)
    path = animate(tmp_path / f"a{ending}", frames, fps=12.5, facts={"seed": 7})
    with av.open(str(path)) as film:
        told = {key.lower(): value for key, value in film.metadata.items()}
        assert told["comment"] == '{"seed": 7}' and film.streams.video[0].average_rate == 12.5
        played = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(played) == 5 and all(n % 2 == 0 and n >= 128 for n in played[0].shape[:2])
    middle = [float(frame[60, 60].mean()) for frame in played]
    assert middle == pytest.approx([0, 64, 128, 191, 255], abs=6)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    z, classed, w = linear(), linear(classes=3), with_styles()
    two = drawn(w, [0, 1])
    for refused in (
        lambda: drawn(z, [-1]), lambda: drawn(z, []), lambda: drawn(z, [0], space="w"), lambda: drawn(z, [0], labels=[0]),
        lambda: drawn(classed, [0], labels=[3]), lambda: drawn(w, [0], truncation=1.5), lambda: drawn(z, [0], truncation=0.0),
        lambda: interpolate(z, drawn(z, [0]), 3), lambda: interpolate(z, drawn(z, [0, 1]), 0),
        lambda: interpolate(w, two, 3, path="slerp"), lambda: interpolate(classed, drawn(classed, [0, 1]), 3),
        lambda: walk(z, 1), lambda: walk(z, 5, bends=0), lambda: walk(w, 5, truncation=2.0), lambda: walk(z, 5, label=1),
        lambda: mix(z, drawn(z, [0]), drawn(z, [1]), layers=[0]), lambda: mix(w, two, two, layers=[2]),
        lambda: mix(w, two, two, share=1.5), lambda: mix(w, two, two.at([0])),
        lambda: mix(classed, drawn(classed, [0]), drawn(classed, [1])),
        lambda: animate(tmp_path / "a.txt", torch.zeros(2, 1, 4, 4)),
        lambda: animate(tmp_path / "a.gif", torch.zeros(0, 1, 4, 4)),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            refused()


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_method_has_a_latent_space_to_walk_read_and_descend_in(name: str) -> None:
    torch.manual_seed(0)
    kind = METHODS[name]
    method = kind(config_for(name), data_for(name).spec)  # type: ignore[call-arg]
    model = model_of(method)
    codes = walk(model, 3, seed=1)
    shown = pictures(model, codes)
    assert shown.shape == (3, *model.spec.shape) and not torch.equal(shown[0], shown[1])
    found = sefa(model, 2)
    assert len(found) == 2 and torch.isfinite(found.vectors).all() and found.strength[0] > 0
    assert len(ganspace(model, 2, samples=50)) == 2
    inverted = invert(model, shown[:1], steps=2)
    assert not torch.equal(inverted.codes.value, drawn(model, [0]).value) and inverted.codes.space == codes.space
