"""Export: what is written computes what the model computes, or it is not written."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import ganvas.runs.export as module
from ganvas.data.batches import Spec
from ganvas.errors import GanvasError, UsageError
from ganvas.runs import load
from ganvas.runs.export import export
from ganvas.runs.model import write_model

FACTS = {"step": 3, "data": "mnist"}


@pytest.fixture
def make(tmp_path, small, weights_of):
    def loaded(name="cgan", spec=None):
        method = small(name, spec)
        return load(write_model(tmp_path / "model", method, weights_of(method), FACTS))

    return loaded


def test_safetensors_is_the_whole_model(make, tmp_path):
    model = make()
    assert export(model, tmp_path / "m.safetensors") == tmp_path / "m.safetensors"
    again = load(tmp_path / "m.safetensors")
    assert torch.equal(again.sample(5, seed=2), model.sample(5, seed=2))
    assert again.facts == FACTS and again.hash == model.hash and again.spec == model.spec


@pytest.mark.parametrize("name", ["gan", "cgan", "r3gan", "sngan", "biggan"])  # one of each kind of generator
def test_onnx_equals_the_model_at_batches_it_was_not_traced_with(make, tmp_path, name):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = make(name)
    export(model, tmp_path / "m.onnx", "onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.onnx", "model"]
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 5, 40):
        batch = module.inputs(model, count)
        (found,) = session.run(["samples"], {key: value.numpy() for key, value in batch.items()})
        wanted = model.ready().sample(batch["latent"], batch.get("label")).clamp(-1, 1)
        torch.testing.assert_close(torch.from_numpy(found), wanted, atol=2e-4, rtol=0)
    assert session.get_modelmeta().custom_metadata_map["ganvas.fingerprint"] == model.hash


def test_onnx_of_points(make, tmp_path):
    pytest.importorskip("onnxruntime")
    export(make("wgan-gp", Spec((2,))), tmp_path / "m.onnx", "onnx")
    assert (tmp_path / "m.onnx").stat().st_size > 100


def test_an_export_that_differs_is_not_written(make, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    model, real = make(), module.Sampler.forward
    # The exporter sees another function than the comparison does.
    monkeypatch.setattr(
        module.Sampler,
        "forward",
        lambda self, latent, label: real(self, latent, label) * (1.01 if torch.compiler.is_exporting() else 1),
    )
    with pytest.raises(GanvasError, match="differs from the original by"):
        export(model, tmp_path / "m.onnx", "onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_without_the_extra_the_mend_is_the_pip_command(make, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'needs onnx, onnxscript, onnxruntime: pip install "ganvas\[onnx\]"'):
        export(make(), tmp_path / "m.onnx", "onnx")
    with pytest.raises(UsageError, match="format 'pickle' is unknown"):
        export(make(), tmp_path / "m.pkl", "pickle")


def test_onnx_is_imported_only_for_onnx():
    heavy = "{'onnx', 'onnxscript', 'onnxruntime', 'matplotlib'}"
    code = f"import ganvas.runs.export, sys; print([*{heavy}.intersection(sys.modules)])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
