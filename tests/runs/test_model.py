"""Models: what is written is what samples; what a stranger made is refused in one line and never executed."""

from __future__ import annotations

import json
import os
import pickle
import random
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

import ganvas.runs.model as module
from ganvas.data.batches import Spec
from ganvas.errors import Diverged, ModelError, UsageError
from ganvas.runs import Model, Run, load
from ganvas.runs.durable import sealed, unseal
from ganvas.runs.model import write_model
from tiny import SAMPLERS

FACTS = {"step": 1500, "images": 96000, "data": "mnist", "licence": "CC BY-SA 3.0", "seed": 7}


@pytest.fixture
def folder(tmp_path, small, weights_of) -> Path:
    method = small()
    return write_model(tmp_path / "model", method, weights_of(method), FACTS)


def edit(folder: Path, **changes: object) -> None:
    """Changes model.json as a forger would who knows the checksum."""
    description = unseal((folder / "model.json").read_bytes())
    (folder / "model.json").write_bytes(sealed(description | changes))


def replace_weights(folder: Path, data: bytes, *, honest: bool = True) -> None:
    """Puts other bytes in the place of the weights, with their checksum in model.json if ``honest``."""
    import hashlib

    (folder / "weights.safetensors").write_bytes(data)
    if honest:
        place = {"file": "weights.safetensors", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        edit(folder, weights=place)


def refused(path: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match) as error:
        load(path)
    assert "\n" not in str(error.value) and error.value.mend and error.value.exit_code == 4


@pytest.mark.parametrize(
    "spec", [Spec((1, 28, 28), tuple("0123456789")), Spec((2,), ("left", "right"))], ids=["digits", "points"]
)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_method_samples_the_same_from_its_folder(tmp_path, small, weights_of, name, spec):
    if not spec.is_image and name in {"dcgan", "sngan", "biggan", "stylegan"}:
        pytest.skip("convolutional")
    method = small(name, spec)
    with Run(tmp_path / "run") as run:
        run.start({})
        assert run.write_model(method, weights_of(method), FACTS) == run.path / "model"
    model = load(tmp_path / "run")
    assert model.method_name == name and model.spec == spec and model.facts == FACTS and model.config["width"] == 8
    latent = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    label = torch.arange(5) % len(spec.classes) if method.conditional else None
    with torch.no_grad():
        wanted = method.eval().sample(latent, label)
    torch.testing.assert_close(model.ready().sample(latent, label), wanted, atol=1e-5, rtol=1e-4)
    samples = model.sample(10, seed=4)
    assert samples.shape == (10, *spec.shape) and samples.dtype == torch.float32 and samples.is_contiguous()
    assert samples.isfinite().all() and samples.std() > 0


def test_nothing_of_the_critic_is_in_the_folder(folder):
    assert all(name.startswith("generator.") for name in load_file(folder / "weights.safetensors"))
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "weights.safetensors"]


def test_sample_i_is_the_same_whatever_the_count_and_batch(folder):
    model = load(folder)
    all_at_once = model.sample(150, seed=3)
    torch.testing.assert_close(model.sample(150, seed=3, batch_size=7), all_at_once, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.sample(66, seed=3), all_at_once[:66], atol=1e-5, rtol=0)
    assert torch.equal(model.sample(150, seed=3), all_at_once)
    assert (model.sample(150, seed=4) - all_at_once).abs().max() > 0.1


def test_labels_are_repeated_in_turn(folder):
    model = load(folder)
    turn = model.sample(7, labels=[3, 3, 7], batch_size=2)
    torch.testing.assert_close(turn, model.sample(7, labels=[3, 3, 7, 3, 3, 7, 3]), atol=1e-5, rtol=0)
    torch.testing.assert_close(model.sample(12), model.sample(12, labels=[*range(10)]), atol=1e-5, rtol=0)
    assert (model.sample(7, labels=[1]) - turn).abs().max() > 1e-3


@pytest.mark.parametrize(
    "arguments",
    [{"count": 0}, {"seed": -1}, {"batch_size": 0}, {"labels": [10]}, {"labels": [-1]}, {"labels": []}]
    + [{"truncation": psi} for psi in (0.0, -1.0, float("nan"), float("inf"))],
)
def test_arguments_out_of_range(folder, arguments):
    with pytest.raises(UsageError, match="out of range"):
        load(folder).sample(**{"count": 2} | arguments)


def test_an_unconditional_model_takes_no_labels(tmp_path, small, weights_of):
    method = small("wgan")
    with pytest.raises(UsageError, match="not conditional"):
        load(write_model(tmp_path / "m", method, weights_of(method), FACTS)).sample(2, labels=[1])


def test_the_repr_says_what_it_is_and_the_notebook_gets_a_png(folder):
    model = load(folder)
    assert repr(model).startswith("Model(cgan, 1x28x28, latent 6, 10 classes, step 1,500, trained on mnist, ")
    assert model._repr_png_().startswith(b"\x89PNG")


def test_one_file_holds_the_model_too(folder, tmp_path):
    model = load(folder)
    file = tmp_path / "digits.safetensors"
    save_file(model.weights, file, metadata=module.embedded(model))
    again = load(file)
    assert torch.equal(again.sample(4), model.sample(4)) and again.hash == model.hash
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    refused(file, "does not match its sha256")
    save_file(model.weights, file)
    refused(file, "does not say of which network")


def test_a_new_model_takes_the_place_of_the_old(folder, small, weights_of):
    method = small()
    weights = weights_of(method)
    weights["generator.embedding.weight"] = weights["generator.embedding.weight"] + 1
    write_model(folder, method, weights, FACTS | {"step": 1600})
    model = load(folder)
    assert model.facts["step"] == 1600
    assert torch.equal(model.weights["generator.embedding.weight"], weights["generator.embedding.weight"])
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_diverged_model_is_not_written(folder, small, weights_of):
    method = small()
    before = (folder / "model.json").read_bytes()
    weights = weights_of(method)
    weights["generator.embedding.weight"] = weights["generator.embedding.weight"] * float("nan")
    with pytest.raises(Diverged, match=r"generator\.embedding\.weight is not finite"):
        write_model(folder, method, weights, FACTS)
    assert (folder / "model.json").read_bytes() == before
    with pytest.raises(ValueError, match="the weights of cgan are"):
        write_model(folder, method, {}, FACTS)


# -- which model a run gives -------------------------------------------------------------------------------------------


def test_the_best_snapshot_comes_first_and_a_damaged_one_is_passed_over(tmp_path, small, weights_of):
    method = small()
    run = Run(tmp_path / "run")
    run.start({})
    refused(run.path, "holds no model yet")
    run.write_model(method, weights_of(method), FACTS)
    run.write_model(method, weights_of(method), FACTS | {"step": 900}, name="model-best")
    assert load(run.path).facts["step"] == 900
    file = run.path / "model-best" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="is cut short"):
        assert load(run.path).facts["step"] == 1500
    (run.path / "model" / "model.json").write_bytes(b"{}")
    refused(run.path, "is cut short")


def test_a_model_between_its_two_names_is_found(tmp_path, small, weights_of):
    method = small()
    write_model(tmp_path / "model", method, weights_of(method), FACTS)
    (tmp_path / "model").rename(tmp_path / "model.retired")
    assert load(tmp_path).facts == FACTS


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(folder, small, weights_of, monkeypatch):
    method = small()
    newer = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in weights_of(method).items()}
    real, calls = module.read_weights, []

    def slow(*arguments):
        if not calls:
            write_model(folder, method, newer, FACTS | {"step": 1700})
        calls.append(1)
        return real(*arguments)

    monkeypatch.setattr(module, "read_weights", slow)
    assert load(folder).facts["step"] == 1700 and len(calls) == 2


def test_what_holds_no_model(tmp_path):
    refused(tmp_path, "holds no model")
    refused(tmp_path / "nowhere", "does not exist")


# -- what a stranger made ----------------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self):
        return (os.system, ("touch " + os.environ["GANVAS_TEST_BOMB"],))


@pytest.fixture
def bomb(tmp_path, monkeypatch):
    """Pickles a call that leaves a file behind; afterwards there must be none."""
    monkeypatch.setenv("GANVAS_TEST_BOMB", str(tmp_path / "executed"))
    yield Bomb()
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle(folder, bomb, protocol):
    data = pickle.dumps(bomb, protocol=protocol)
    file = folder / "weights.pkl"
    file.write_bytes(data)
    refused(file, "is a pickle, which can run code")
    replace_weights(folder, data)
    refused(folder, "is a pickle, which can run code")


def test_a_pickle_of_protocol_0(folder, bomb):
    replace_weights(folder, pickle.dumps(bomb, protocol=0))
    refused(folder, "is not a safetensors file")


def test_a_torch_archive(folder, bomb):
    torch.save({"generator": bomb}, folder / "weights.pt")
    refused(folder / "weights.pt", r"is a PyTorch archive \(pickle\), which can run code")
    replace_weights(folder, (folder / "weights.pt").read_bytes())
    refused(folder, r"is a PyTorch archive \(pickle\), which can run code")


def test_a_torchscript_archive(folder):
    import zipfile

    path = folder / "scripted.pt"  # as torch.jit.save lays it out; torch warns when one is made
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("scripted/data.pkl", b"\x80\x02c__torch__\n")
        archive.writestr("scripted/code/__torch__.py", b"x")
        archive.writestr("scripted/constants.pkl", b"\x80\x02).")
    refused(path, "is a TorchScript archive, which can run code")
    replace_weights(folder, path.read_bytes())
    refused(folder, "is a TorchScript archive, which can run code")


def test_onnx_is_written_but_not_read(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    outside = tmp_path / "secret"
    outside.write_bytes(b"secret")
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    graph = helper.make_graph([], "g", [], [], initializer=[tensor])
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    assert onnx.__version__
    refused(tmp_path / "m.onnx", "is an ONNX file")


def safetensors_bytes(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

UNSOUND = "is not a sound safetensors file"

CRAFTED = {
    "2^40-byte header": (safetensors_bytes({"w": F32}, bytes(8), length=2**40), "declares a header of 1,099,511,627,776 bytes"),
    "header past the end": (safetensors_bytes({"w": F32}, length=5000), "is cut short inside its header"),
    "empty": (b"", "is not a safetensors file"),
    "HTML": (b"<!doctype html><title>404</title>", "is not a safetensors file"),
    "header is no JSON": (safetensors_bytes(b"{" + b"[" * 5000), UNSOUND),
    "header is no UTF-8": (safetensors_bytes(b'{"\xff": 1}'), UNSOUND),
    "overlapping offsets": (
        safetensors_bytes({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}, bytes(12)),
        UNSOUND,
    ),
    "twice the same bytes": (safetensors_bytes({"a": F32, "b": F32}, bytes(8)), UNSOUND),
    "a hole": (safetensors_bytes({"a": F32, "b": F32 | {"data_offsets": [16, 24]}}, bytes(24)), UNSOUND),
    "offsets past the end": (safetensors_bytes({"a": F32 | {"data_offsets": [0, 800]}}, bytes(8)), UNSOUND),
    "offsets backwards": (safetensors_bytes({"a": F32 | {"data_offsets": [8, 0]}}, bytes(8)), UNSOUND),
    "negative shape": (safetensors_bytes({"a": F32 | {"shape": [-2]}}, bytes(8)), UNSOUND),
    "shape that overflows": (safetensors_bytes({"a": F32 | {"shape": [2**62, 2**62]}}, bytes(8)), UNSOUND),
    "unknown dtype": (safetensors_bytes({"a": F32 | {"dtype": "PICKLE"}}, bytes(8)), UNSOUND),
    "declared 100 GB": (
        safetensors_bytes({"generator.embedding.weight": F32 | {"shape": [25 * 10**9], "data_offsets": [0, 10**11]}}, bytes(8)),
        UNSOUND,
    ),
    "repeated key": (
        safetensors_bytes(b"{" + b",".join([b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'] * 2) + b"}", bytes(8)),
        "sound|lacks",
    ),
}


@pytest.mark.parametrize("case", CRAFTED)
def test_crafted_safetensors(folder, case):
    data, message = CRAFTED[case]
    replace_weights(folder, data)
    refused(folder, message)


def test_headers_at_random_are_refused_or_right(folder):
    """A forger's file passes the checksum; whatever its header says, it is a ModelError or these very tensors."""
    data, source = (folder / "weights.safetensors").read_bytes(), random.Random(0)
    wanted, end = load(folder).weights, 8 + int.from_bytes(data[:8], "little")
    refusals = 0
    for _ in range(100):
        forged = bytearray(data)
        for _ in range(source.choice([1, 1, 2, 8])):
            forged[source.randrange(end)] = source.choice(b'0123456789[]{},:"abF \x00\xff')
        replace_weights(folder, bytes(forged))
        try:
            found = load(folder).weights
        except ModelError as error:
            assert "\n" not in str(error)
            refusals += 1
        else:
            assert found.keys() == wanted.keys() and all(found[name].shape == wanted[name].shape for name in wanted)
    assert refusals > 60


def test_100_gigabytes_that_are_really_there_are_not_read(folder):
    file = folder / "weights.safetensors"
    header = safetensors_bytes({"generator.embedding.weight": F32 | {"shape": [25 * 10**9], "data_offsets": [0, 10**11]}})
    with open(file, "wb") as sparse:
        sparse.write(header)
        try:
            sparse.truncate(len(header) + 10**11)
        except OSError:
            pytest.skip("this file system has no sparse files")
    edit(folder, weights={"file": "weights.safetensors", "sha256": "0" * 64, "size": len(header) + 10**11})
    refused(folder, r"generator.embedding.weight has shape \[25000000000\], the network needs \[10, 32\]")


def test_settings_that_would_need_100_gigabytes_allocate_nothing(folder):
    description = unseal((folder / "model.json").read_bytes())
    edit(folder, config=description["config"] | {"width": 50_000, "latent_size": 100_000})
    refused(folder, "has shape .*, the network needs")


def test_truncated_and_flipped_weights(folder):
    data = (folder / "weights.safetensors").read_bytes()
    generator = torch.Generator().manual_seed(0)
    for cut in (0, 1, 8, 9, 500, len(data) // 2, len(data) - 1):
        replace_weights(folder, data[:cut], honest=False)
        refused(folder, "is cut short|is not a safetensors file")
    for _ in range(50):
        bit = int(torch.randint(len(data) * 8, (), generator=generator))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        replace_weights(folder, bytes(flipped), honest=False)
        refused(folder, "sha256|header|safetensors|pickle|weights where")
    replace_weights(folder, data, honest=False)
    assert isinstance(load(folder), Model)


def test_other_architectures_name_key_and_shapes(folder, small, weights_of, tmp_path):
    other = weights_of(small(width=16))
    replace_weights(folder, save(other))
    refused(folder, r"generator\.network\..* has shape \[.*\], the network needs \[")
    other = weights_of(small("wgan-gp"))
    replace_weights(folder, save(other))
    refused(folder, r"lacks generator\.embedding\.weight, of shape \[10, 32\]")
    good = weights_of(small())
    replace_weights(folder, save(good | {"generator.embedding.weight": good["generator.embedding.weight"].half()}))
    refused(folder, r"generator\.embedding\.weight is torch.float16, the network needs torch.float32")
    replace_weights(folder, save(good | {"extra\n\x1b[31m": torch.zeros(0)}))
    refused(folder, r"holds extra\\n\\x1b\[31m, which the network does not have")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(folder, small, weights_of, bad):
    weights = weights_of(small())
    weights["generator.embedding.weight"] = weights["generator.embedding.weight"].clone()
    weights["generator.embedding.weight"][3, 4] = bad
    replace_weights(folder, save(weights))
    refused(folder, r"generator\.embedding\.weight holds NaN or infinity")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2, "ganvas": "4.0.0"}, r"needs Ganvas version 4\.0\.0 or newer \(schema 2, this one reads 1\)"),
        ({"method": "stylegan9"}, "method stylegan9, which this version does not know"),
        ({"method": "../../evil\n"}, r"method \.\./\.\./evil\\n, which"),
        ({"config": {"width": 8, "colour": 1}}, "cannot be built .*colour"),
        ({"config": {"latent_size": -1}}, "cannot be built .*latent_size"),
        ({"config": {"latent_size": "__import__('os')"}}, "cannot be built"),
        ({"spec": {"shape": [1, "x"]}}, "cannot be built"),
        ({"spec": {"shape": [1, 10**30, 7], "classes": []}}, "cannot be built"),
        ({"facts": None}, "lacks 'facts'"),
        ({"weights": {"file": "../../../etc/passwd"}}, "does not say what its weights are"),
    ],
)
def test_descriptions_of_something_else(folder, changes, message):
    edit(folder, **changes)
    refused(folder, message)


def test_the_file_name_in_the_description_is_not_followed(folder):
    description = unseal((folder / "model.json").read_bytes())
    edit(folder, weights=description["weights"] | {"file": "../../../etc/passwd"})
    assert isinstance(load(folder), Model)


@pytest.mark.parametrize("data", [b"", b"[1]", b"null", b"[" * 200_000, b"\xff\xfe", b'{"schema": 99'])
def test_descriptions_of_nonsense(folder, data):
    (folder / "model.json").write_bytes(data)
    refused(folder, "is damaged or was edited")


def test_an_endless_description_is_not_read(folder):
    with open(folder / "model.json", "wb") as file:
        file.truncate(10**10)
    refused(folder, "has 10,000,000,000 bytes")


def test_every_bit_of_the_description_counts(folder):
    data = (folder / "model.json").read_bytes()
    for bit in range(0, len(data) * 8, 37):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        (folder / "model.json").write_bytes(flipped)
        refused(folder, "is damaged or was edited|needs Ganvas version")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_the_weights(folder):
    (folder / "weights.safetensors").unlink()
    os.mkfifo(folder / "weights.safetensors")
    refused(folder, "is missing")
