"""Our architectures against the packages whose numbers the literature quotes, on random weights, where these are installed.

They are no dependencies of development: pytorch-fid needs torchvision, and transformers is large.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.metrics.networks import clip as clip_network
from ganvas.metrics.networks import dinov2 as dino_network
from ganvas.metrics.networks import inception as inception_network
from ganvas.metrics.networks.weights import State

DINO_NAMES = {
    "embeddings.cls_token": "cls_token",
    "embeddings.mask_token": "mask_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer.": "blocks.",
    "layernorm.": "norm.",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
}


def random_weights(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator)
            scale = 0.05 if tensor.dim() == 4 else 0.1
            tensor.copy_(noise.abs() + 0.5 if name.endswith("running_var") else scale * noise)
            if name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "bn.weight")):
                tensor.add_(1)


@torch.no_grad()
def test_inception_is_that_of_pytorch_fid(monkeypatch: pytest.MonkeyPatch) -> None:
    fid = pytest.importorskip("pytorch_fid.inception")
    own = inception_network.Inception()
    random_weights(own)
    own.eval()
    state = {inception_network.published_name(name): tensor for name, tensor in own.state_dict().items()}
    monkeypatch.setattr(fid, "load_state_dict_from_url", lambda *_, **__: state)
    theirs = fid.InceptionV3([2, 3], resize_input=False, normalize_input=False).eval()
    image = torch.randn(2, 3, 299, 299, generator=torch.Generator().manual_seed(1))
    before, pooled = theirs(image)
    torch.testing.assert_close(own.levels(image)[3], before)
    torch.testing.assert_close(own.embed(image), pooled.flatten(1))


@torch.no_grad()
def test_clip_is_that_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    vision = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 3, "num_attention_heads": 2}
    vision |= {"image_size": 32, "patch_size": 8}
    text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50}
    theirs = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=40)).eval()
    random_weights(theirs)
    theirs.save_pretrained(tmp_path, safe_serialization=True)
    own = clip_network.clip(tmp_path / "model.safetensors").network
    image = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(own.embed(image), theirs.get_image_features(pixel_values=image))


@torch.no_grad()
def test_dinov2_is_that_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.Dinov2Config(
        hidden_size=128, num_hidden_layers=3, num_attention_heads=2, mlp_ratio=4, image_size=42, patch_size=14
    )
    theirs = transformers.Dinov2Model(config).eval()
    random_weights(theirs)
    tensors = {}
    for name, tensor in theirs.state_dict().items():
        for old, new in DINO_NAMES.items():
            name = name.replace(old, new)
        tensors[name] = tensor
    for index in range(3):
        for kind in ("weight", "bias"):
            parts = [f"blocks.{index}.attention.attention.{part}.{kind}" for part in ("query", "key", "value")]
            tensors[f"blocks.{index}.attn.qkv.{kind}"] = torch.cat([tensors.pop(part) for part in parts])
    own = dino_network.network_of(State(tensors, "", "converted"))
    image = torch.randn(3, 3, 42, 42, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(own.embed(image), theirs(pixel_values=image).pooler_output)
