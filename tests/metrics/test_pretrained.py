"""Networks with published weights: architecture by counts and reference blocks, loading by small files of the real formats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import gelu

from ganvas.data.download import Web
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.metrics.networks import clip as clip_network
from ganvas.metrics.networks import dinov2 as dino_network
from ganvas.metrics.networks import efficientnet as efficient_network
from ganvas.metrics.networks import feature_network
from ganvas.metrics.networks import inception as inception_network
from ganvas.metrics.networks.pretrained import Backbone, Pretrained
from ganvas.metrics.networks.transformer import Activation, Block, quick_gelu
from ganvas.metrics.networks.weights import Published, State, fill, published_state, read_state
from ganvas.metrics.resize import quantise, resize


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no network."""
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANVAS_OFFLINE", "1")
    return tmp_path / "cache"


def random_weights(network: nn.Module, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(noise.square() + 0.5 if name.endswith("running_var") else 0.1 * noise)


def published(network: nn.Module, name: Callable[[str], str]) -> dict[str, Tensor]:
    """The tensors as their authors' file names them."""
    return {name(own): tensor for own, tensor in network.state_dict().items() if "num_batches" not in own}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts_are_the_published_ones() -> None:
    with torch.device("meta"):
        assert parameters(inception_network.Inception()) == 21_785_568 + 1008 * 2049  # the usual trunk, another classifier
        assert parameters(efficient_network.EfficientNetLite0()) == 4_652_008
        assert parameters(dino_network.DinoV2(1024, 24)) == 304_368_640 - 1024  # its mask token is of no use here
        assert parameters(dino_network.DinoV2(768, 12)) == 86_580_480 - 768
        large = clip_network.Clip(1024, 24, 14, 24, 768)
        assert (parameters(large), large.side) == (304_293_888, 336)
        base = clip_network.Clip(768, 12, 32, 7, 512)
        assert (parameters(base), base.side) == (87_849_216, 224)


def test_names_are_the_published_ones() -> None:
    with torch.device("meta"):
        inception = published(inception_network.Inception(), inception_network.published_name)
    assert len(inception) == 94 * 5 + 2
    expected = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch5x5_2.bn.running_var": (64,),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6b.branch7x7dbl_4.conv.weight": (128, 128, 7, 1),
        "Mixed_6e.branch7x7_3.conv.weight": (192, 192, 7, 1),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7c.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch3x3dbl_3a.bn.bias": (384,),
        "fc.weight": (1008, 2048),
    }
    assert {name: tuple(inception[name].shape) for name in expected} == expected
    with torch.device("meta"):
        dino = published(dino_network.DinoV2(768, 1), dino_network.published_name)
    assert {
        *("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.norm1.weight", "blocks.0.attn.qkv.bias"),
        *("blocks.0.attn.proj.weight", "blocks.0.ls1.gamma", "blocks.0.mlp.fc1.weight", "norm.bias"),
    } <= set(dino)


@pytest.mark.parametrize(("activation", "epsilon"), [(gelu, 1e-6), (quick_gelu, 1e-5)])
def test_the_block_is_torch_s_own(activation: Activation, epsilon: float) -> None:
    torch.manual_seed(0)
    block = Block(32, 4, activation, epsilon=epsilon)
    random_weights(block)
    theirs = nn.TransformerEncoderLayer(
        32, 4, 128, dropout=0, activation=activation, layer_norm_eps=epsilon, batch_first=True, norm_first=True
    )
    names = {"self_attn.in_proj_": "qkv.", "self_attn.out_proj.": "proj.", "linear1.": "fc1.", "linear2.": "fc2."}
    own = block.state_dict()
    for name, tensor in theirs.state_dict().items():
        for old, new in names.items():
            name = name.replace(old, new)
        tensor.copy_(own[name])
    x = torch.randn(3, 7, 32)
    with torch.no_grad():
        torch.testing.assert_close(block(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_layer_scale_scales_what_is_added() -> None:
    block = Block(16, 2, gelu, epsilon=1e-6, scaled=True)
    random_weights(block)
    assert block.scale1 is not None and block.scale2 is not None
    x = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        block.scale1.zero_()
        block.scale2.zero_()
        assert torch.equal(block(x), x)
        block.scale1.fill_(2.0)
        torch.testing.assert_close(block(x), x + 2 * block.attention(block.norm1(x)))


def test_positions_are_scaled_as_in_the_published_code() -> None:
    network = dino_network.DinoV2(8, 1, grid=4)
    random_weights(network)
    with torch.no_grad():
        assert torch.equal(network.positions(4), network.pos_embed)
        network.pos_embed[:, 1:] = torch.arange(4.0).repeat_interleave(4).view(1, 16, 1)  # a ramp down the rows
        scaled = network.positions(2)
    assert scaled.shape == (1, 5, 8) and torch.equal(scaled[:, 0], network.pos_embed[:, 0])
    # Row i is read at (i + 1/2) 4 / 2.1 - 1/2, by the cubic of a = -3/4, which keeps a ramp only inside.
    rows = scaled[0, 1:, 0].view(2, 2)
    torch.testing.assert_close(rows[:, 0], rows[:, 1])
    x = 0.5 * 4 / 2.1 - 0.5
    a, near, far = -0.75, x, 1 - x
    weights = [a * ((d**3) - 5 * d**2 + 8 * d - 4) for d in (1 + x, 1 + far)]
    inner = [(a + 2) * d**3 - (a + 3) * d**2 + 1 for d in (near, far)]
    assert float(rows[0, 0]) == pytest.approx(inner[1] * 1 + weights[1] * 2, abs=1e-5)  # row -1 is row 0, whose value is 0


def test_pools_of_the_frechet_network() -> None:
    """At a corner an average over four pixels inside, not nine; the last block takes the maximum."""
    network = inception_network.Inception(narrow=16)
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 0, 0] = 9.0
    pools = {name: network.get_submodule(f"Mixed_{name}.branch_pool.0") for name in ("5b", "5d", "6b", "6e", "7b", "7c")}
    corner = {name: float(pool(x)[0, 0, 0, 0]) for name, pool in pools.items()}
    assert corner == {"5b": 2.25, "5d": 2.25, "6b": 2.25, "6e": 2.25, "7b": 2.25, "7c": 9.0}
    assert float(pools["7b"](-torch.ones(1, 1, 3, 3)).max()) == -1.0


def test_inception_shapes_and_classes() -> None:
    network = inception_network.Inception(narrow=16)
    random_weights(network)
    used = Pretrained(network.eval().requires_grad_(False), "narrow", "", "FID")
    image = torch.rand(2, 3, 40, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = used.features(image)
    assert features.shape == (2, 128)
    probabilities = used.probabilities(image)
    assert probabilities is not None and probabilities.shape == (2, 1008)
    torch.testing.assert_close(probabilities, (features @ network.fc.weight.T).softmax(1))  # no bias
    sizes = [(stage.shape[1] * 16, stage.shape[-1]) for stage in used.stages(image)]
    assert sizes == [(64, 147), (192, 71), (288, 35), (768, 17), (2048, 8)]


def test_same_padding_is_tensorflow_s() -> None:
    x = torch.ones(1, 1, 6, 5)
    padded = efficient_network.pad_same(x, 3, 2)
    assert padded.shape == (1, 1, 7, 7)  # rows: one at the end; columns: one on either side
    assert padded[0, 0, 0, 1] == 1 and padded[0, 0, 6].sum() == 0 and padded[0, 0, :, 0].sum() == 0
    assert efficient_network.pad_same(x, 5, 1).shape == (1, 1, 10, 9)


class Mean(Backbone):
    """Features: the mean colour."""

    side = 8
    mean = (0.0,) * 3
    deviation = (1.0,) * 3

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def embed(self, picture: Tensor) -> Tensor:
        assert picture.shape[1:] == (3, 8, 8)
        return picture.mean((2, 3))


def test_pictures_are_prepared_by_the_rule() -> None:
    network = Pretrained(Mean(), "mean", "", "FD-mean")
    image = torch.rand(3, 3, 13, 21, generator=torch.Generator().manual_seed(0)) * 2 - 1
    expected = resize(quantise(image), 8, 8, quantised=False)
    torch.testing.assert_close(network.prepared(image), expected, rtol=0, atol=0)
    torch.testing.assert_close(network.features(image[:, :1], 2), expected[:, :1].mean((2, 3)).expand(-1, 3), rtol=1e-6, atol=0)
    assert network.features(torch.full((1, 1, 8, 8), 0.5)).tolist() == [[191.0] * 3]  # a byte, and not 191.25
    assert network.probabilities(image) is None
    assert "clean-fid" in network.resizer and "8" in network.resizer


@pytest.mark.parametrize(
    "image", [torch.zeros(2, 4, 8, 8), torch.zeros(2, 2, 8, 8), torch.zeros(5, 2), torch.full((2, 3, 8, 8), torch.nan)]
)
def test_what_is_no_picture_is_refused(image: Tensor) -> None:
    with pytest.raises(UsageError, match=r"transparent|NaN"):
        Pretrained(Mean(), "mean", "", "FD-mean").features(image)
    with pytest.raises(UsageError, match="no activations"):
        Pretrained(Mean(), "mean", "", "FD-mean").stages(torch.zeros(1, 3, 8, 8))


def dino_file(path: Path) -> tuple[dino_network.DinoV2, dict[str, Tensor]]:
    network = dino_network.DinoV2(16, 2, grid=3)
    random_weights(network)
    tensors = published(network, dino_network.published_name) | {"mask_token": torch.zeros(1, 16)}
    save_file(tensors, path)
    return network.eval(), tensors


def test_dinov2_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "dino.safetensors"
    network, _ = dino_file(path)
    found = dino_network.dinov2(path)
    assert found.weights == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.score_name, found.probabilities(torch.zeros(1, 3, 30, 30))) == ("FD-DINOv2", None)
    image = torch.rand(2, 3, 30, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = network.embed(found.prepared(image))
    torch.testing.assert_close(found.features(image), expected)
    assert found.features(image).shape == (2, 16)


def clip_file(path: Path, *, patch: int = 8) -> tuple[clip_network.Clip, dict[str, Tensor]]:
    """In Hugging Face's names: queries, keys and values apart, the text half beside."""
    network = clip_network.Clip(16, 2, patch, 3, 5)
    random_weights(network)
    tensors = published(network, clip_network.published_name)
    for name in [name for name in tensors if ".qkv." in name]:
        for letter, part in zip("qkv", tensors.pop(name).chunk(3), strict=True):
            tensors[name.replace("qkv", f"{letter}_proj")] = part.contiguous()
    tensors["vision_model.embeddings.position_ids"] = torch.arange(10)
    tensors["text_model.embeddings.token_embedding.weight"] = torch.zeros(3, 4)
    save_file(tensors, path)
    return network.eval(), tensors


def test_clip_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.safetensors"
    network, tensors = clip_file(path)
    assert "vision_model.encoder.layers.1.self_attn.k_proj.weight" in tensors
    assert "vision_model.pre_layrnorm.weight" in tensors and "visual_projection.weight" in tensors
    found = clip_network.clip(path)
    image = torch.rand(2, 1, 30, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = network.embed(found.prepared(image))
    torch.testing.assert_close(found.features(image), expected)
    assert found.features(image).shape == (2, 5) and found.score_name == "FD-CLIP"
    by_word = feature_network(f"clip:{path}", None)
    torch.testing.assert_close(by_word.features(image), expected)
    assert by_word.name == "CLIP ViT of width 16/8 at 24, 5-d embedding" and by_word.probabilities(image) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("blocks.1.ls2.gamma"), "no blocks.1.ls2.gamma"),
        (lambda tensors: tensors.pop("cls_token"), "no cls_token"),
        (lambda tensors: tensors.update({"norm.bias": torch.zeros(3)}), r"norm.bias .*\(3,\), not \(16,\)"),
        (lambda tensors: tensors.update({"norm.bias": torch.full((16,), torch.nan)}), "norm.bias .*NaN"),
        (lambda tensors: tensors.update({"register_tokens": torch.zeros(1, 4, 16)}), "register_tokens"),
    ],
)
def test_wrong_weights_are_refused_by_name(tmp_path: Path, change: Callable[[dict[str, Tensor]], object], message: str) -> None:
    path = tmp_path / "dino.safetensors"
    _, tensors = dino_file(path)
    change(tensors)
    save_file(tensors, path)
    with pytest.raises(ModelError, match=message):
        dino_network.dinov2(path)


def test_wrong_clip_weights_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "clip.safetensors"
    _, tensors = clip_file(path)
    del tensors["vision_model.encoder.layers.0.self_attn.v_proj.bias"]
    save_file(tensors, path)
    with pytest.raises(ModelError, match=r"layers\.0\.self_attn\.v_proj\.bias"):
        clip_network.clip(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="patch_embedding"):
        clip_network.clip(path)


@pytest.mark.parametrize(
    "load", [dino_network.dinov2, clip_network.clip, inception_network.inception, efficient_network.efficientnet]
)
def test_a_pickle_of_unknown_hash_is_never_opened(
    load: Callable[[Path], Pretrained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(2)}, path)

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(torch, "load", opened)
    with pytest.raises(ModelError, match=f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"):
        load(path)
    with pytest.raises(DataError, match="no file"):
        load(tmp_path / "missing.pth")


def known(path: Path, address: str = "https://nowhere.invalid/") -> Published:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Published("a small network", "small.pth", sha256, "1 kB", Web(address, (path.name,)))


def test_a_pickle_of_known_hash_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(2, 3), "bias": torch.ones(2), "text": torch.ones(1)}, path)
    state = read_state(path, [known(path)], only=("weight", "bias"))
    network = nn.Linear(3, 2)
    fill(network, state, lambda name: name)
    assert float(network.weight.sum()) == 6 and not network.training and not network.weight.requires_grad
    for wrong in ([1, 2], {"a": 1}):
        torch.save(wrong, path)
        with pytest.raises(ModelError, match="no table"):
            read_state(path, [known(path)])
    path.write_bytes(b"not a pickle")
    with pytest.raises(ModelError, match="cannot be read"):
        read_state(path, [known(path)])


def test_a_damaged_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dino.safetensors"
    dino_file(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match="cannot be read"):
        dino_network.dinov2(path)


def test_published_weights_are_fetched_once_and_mended(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("GANVAS_OFFLINE")
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    torch.save({"weight": torch.ones(2)}, shelf / "served.pth")
    file = known(shelf / "served.pth", shelf.as_uri() + "/")
    words: list[str] = []
    assert list(published_state(file, "small", words.append).tensors) == ["weight"]
    assert len(words) == 1 and "1 kB" in words[0]
    kept = cache / "networks" / "small.pth"
    assert [path.name for path in kept.parent.iterdir()] == ["small.pth"]
    published_state(file, "small", words.append)
    assert len(words) == 1
    kept.write_bytes(b"damaged")
    published_state(file, "small", words.append)
    assert len(words) == 2 and "damaged" in caplog.text
    kept.unlink()
    with pytest.raises(DataError, match="sha256") as caught:
        published_state(replace(file, sha256="0" * 64), "small")
    assert str(kept) in str(caught.value) or str(kept.parent) in str(caught.value)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("load", "file"),
    [
        (inception_network.inception, inception_network.PUBLISHED.file),
        (dino_network.dinov2, dino_network.LARGE.file),
        (clip_network.clip, clip_network.LARGE.file),
        (efficient_network.efficientnet, efficient_network.PUBLISHED.file),
    ],
)
def test_offline_the_error_names_the_file_and_its_place(load: Callable[[], Pretrained], file: str, cache: Path) -> None:
    with pytest.raises(DataError) as caught:
        load()
    message = str(caught.value)
    assert file in message and str(cache / "networks") in message and ":PATH" in message and "\n" not in message


def test_fill_names_what_is_missing() -> None:
    with pytest.raises(ModelError, match=r"x\.pth has no their\.bias"):
        fill(nn.Linear(1, 1), State({"their.weight": torch.zeros(1, 1)}, "", "x.pth"), lambda name: f"their.{name}")
