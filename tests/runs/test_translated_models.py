"""Trained translators: pictures of any size and channels through the model folder, with noise or without, and through ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganvas.data.batches import Pairs, Spec
from ganvas.errors import UsageError
from ganvas.methods import METHODS
from ganvas.runs import Model, load
from ganvas.runs.export import export
from ganvas.runs.memory import MOST, at_once, free_bytes
from ganvas.runs.model import write_model
from tiny import TRANSLATORS

FACTS = {"step": 3, "data": "pairs"}


@pytest.fixture
def make(tmp_path, small, weights_of) -> Callable[..., Model]:
    def made(name: str, source: int = 1, target: int = 3, size: tuple[int, int] = (20, 28)) -> Model:
        spec = Spec((target, *size), source=(source, *size), paired=METHODS[name].batch is Pairs)
        settings = {"width": 4} | ({"blocks": 2} if name == "cyclegan" else {})
        method = small(name, spec, **settings)
        return load(write_model(tmp_path / "model", method, weights_of(method), FACTS))

    return made


def sources(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(5)) * 2 - 1


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize(("source", "target"), [(1, 3), (3, 1)])
@pytest.mark.parametrize("size", [(20, 28), (13, 37), (64, 5)])
def test_pictures_of_any_size_keep_it(make, name, source, target, size):
    model = make(name, source, target)
    pictures = sources(3, source, *size)
    translated = model.translate(pictures)
    assert translated.shape == (3, target, *size) and translated.dtype == torch.float32 and translated.is_contiguous()
    assert -1 <= float(translated.min()) < float(translated.max()) <= 1
    torch.testing.assert_close(model.translate(pictures, batch_size=1), translated, atol=1e-5, rtol=0)
    assert torch.equal(model.translate(pictures), translated)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_the_folder_translates_as_the_method_does(tmp_path, small, weights_of, name):
    spec = Spec((3, 20, 28), source=(1, 20, 28), paired=METHODS[name].batch is Pairs)
    method = small(name, spec, width=4)
    model = load(write_model(tmp_path / "model", method, weights_of(method), FACTS))
    assert model.spec == spec and repr(model).startswith(f"Model({name}, 1x20x28 to 3x20x28, step 3, trained on pairs, ")
    assert model._repr_png_() is None
    with torch.no_grad():
        wanted = method.translate(sources(2, 1, 20, 28))
    torch.testing.assert_close(model.translate(sources(2, 1, 20, 28)), wanted, atol=1e-4, rtol=1e-4)


def test_noise_is_a_function_of_the_seed_and_the_pictures_place(make):
    model, state = make("pix2pix"), torch.get_rng_state()
    pictures = sources(3, 1, 32, 32)
    plain, noisy = model.translate(pictures), model.translate(pictures, noise=1)
    assert torch.equal(model.translate(pictures, noise=1), noisy) and torch.equal(
        model.translate(pictures[:2], noise=1), noisy[:2]
    )
    assert (model.translate(pictures, noise=2) - noisy).abs().max() > 0.01 and (plain - noisy).abs().max() > 0.01
    same = model.translate(pictures[:1].expand(2, -1, -1, -1), noise=1)
    assert (same[0] - same[1]).abs().max() > 0.01
    assert torch.equal(model.translate(pictures), plain) and torch.equal(torch.get_rng_state(), state)


def test_cyclegan_goes_both_ways(make):
    model = make("cyclegan")
    there = model.translate(sources(2, 1, 17, 20))
    assert there.shape == (2, 3, 17, 20) and model.translate(there, back=True).shape == (2, 1, 17, 20)
    assert (model.translate(there, back=True)[:, :, 1:] - there[:, :1, 1:]).abs().max() > 1e-3
    with pytest.raises(UsageError, match="pix2pix does not translate back"):
        make("pix2pix").translate(there, back=True)
    with pytest.raises(UsageError, match="cyclegan has no noise"):
        model.translate(sources(2, 1, 16, 16), noise=1)


@pytest.mark.parametrize(
    ("pictures", "match"),
    [
        (torch.zeros(2, 3, 16, 16), r"shape \(2, 3, 16, 16\): the model takes \(N, 1, H, W\)"),
        (torch.zeros(1, 16, 16), "the model takes"),
        (torch.zeros(0, 1, 16, 16), "the model takes"),
        (torch.full((1, 1, 16, 16), 255.0), "from 255 to 255: scale them"),
        (torch.full((1, 1, 16, 16), float("nan")), "from nan to nan"),
    ],
)
def test_strange_pictures_are_refused(make, pictures, match):
    with pytest.raises(UsageError, match=match):
        make("pix2pix").translate(pictures)


def test_translators_do_not_sample_and_samplers_do_not_translate(make, tmp_path, small, weights_of):
    model = make("pix2pix")
    with pytest.raises(UsageError, match="pix2pix makes no samples from noise"):
        model.sample(4)
    with pytest.raises(UsageError, match="batch_size=0 is out of range"):
        model.translate(sources(1, 1, 16, 16), batch_size=0)
    with pytest.raises(UsageError, match="noise=-1 is out of range"):
        model.translate(sources(1, 1, 16, 16), noise=-1)
    method = small("wgan")
    sampler = load(write_model(tmp_path / "sampler", method, weights_of(method), FACTS))
    with pytest.raises(UsageError, match="wgan makes samples from noise, it translates none"):
        sampler.translate(sources(1, 1, 28, 28))


def test_batches_go_by_the_free_memory(monkeypatch):
    cpu = torch.device("cpu")
    assert free_bytes(cpu) > 1e6
    monkeypatch.setattr("ganvas.runs.memory.free_bytes", lambda device: 2 << 30)
    assert [at_once(64, side, side, cpu) for side in (64, 256, 512, 5500)] == [MOST, 10, 2, 1]


@pytest.mark.parametrize("name", TRANSLATORS)
def test_onnx_translates_at_sizes_it_was_not_traced_with(make, tmp_path: Path, name):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = make(name)
    export(model, tmp_path / "m.onnx", "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    step = int(session.get_modelmeta().custom_metadata_map["ganvas.multiple"])
    for count, rows, columns in ((1, 1, 1), (2, 3, 5), (5, 2, 1)):
        pictures = sources(count, 1, rows * step, columns * step)
        (found,) = session.run(["target"], {"source": pictures.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), model.translate(pictures), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_safetensors_is_the_whole_translator(make, tmp_path, name):
    model = make(name)
    again = load(export(model, tmp_path / "m.safetensors"))
    assert torch.equal(again.translate(sources(1, 1, 16, 24)), model.translate(sources(1, 1, 16, 24)))
