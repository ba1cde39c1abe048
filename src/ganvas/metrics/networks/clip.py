"""The picture half of CLIP (Radford et al. 2021): the embeddings of CMMD (Jayasumana et al. 2024)."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from ganvas.data.download import Web
from ganvas.errors import ModelError
from ganvas.metrics.networks.pretrained import Backbone, Pretrained
from ganvas.metrics.networks.transformer import Block, quick_gelu
from ganvas.metrics.networks.weights import Published, Report, State, fill, published_state, read_state, tensor_of

HUB = "https://huggingface.co/openai/"
LARGE = Published(
    title="CLIP ViT-L/14 at 336 pixels",
    file="clip-vit-large-patch14-336.bin",
    sha256="c6032c2e0caae3dc2d4fba35535fa6307dbb49df59c7e182b1bc4b3329b81801",
    size="1.7 GB",
    source=Web(
        f"{HUB}clip-vit-large-patch14-336/resolve/ce19dc912ca5cd21c8a653c79e251e808ccabcd1/",
        ("pytorch_model.bin",),
        limit=1 << 31,
    ),
)
BASE = Published(
    title="CLIP ViT-B/32",
    file="clip-vit-base-patch32.bin",
    sha256="a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
    size="0.6 GB",
    source=Web(
        f"{HUB}clip-vit-base-patch32/resolve/3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268/",
        ("pytorch_model.bin",),
        limit=1 << 31,
    ),
)
HEAD_SIZE = 64
TOWER = "vision_model."
USED = (TOWER, "visual_projection.")
"""How the names of the picture half's tensors start; the other half reads text."""


class Clip(Backbone):
    """(N, 3, side, side) -> (N, d), the class token after the last norm, projected into the space shared with text.

    Args:
        width: 768 for ViT-B, 1024 for ViT-L.
        depth: blocks, 12 or 24.
        patch: pixels of a patch's side.
        grid: patches a side.
        features: d.
    """

    mean = (122.7709383, 116.7460125, 104.09373615)
    deviation = (68.5005327, 66.6321579, 70.32316304)

    def __init__(self, width: int, depth: int, patch: int, grid: int, features: int) -> None:
        super().__init__()
        self.side = patch * grid
        self.cls_token = nn.Parameter(torch.zeros(width))
        self.positions = nn.Parameter(torch.zeros(1 + grid * grid, width))
        self.patch = nn.Conv2d(3, width, patch, patch, bias=False)
        self.norm_before = nn.LayerNorm(width, eps=1e-5)
        heads = max(1, width // HEAD_SIZE)
        self.blocks = nn.ModuleList(Block(width, heads, quick_gelu, epsilon=1e-5) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.projection = nn.Linear(width, features, bias=False)

    def embed(self, picture: Tensor) -> Tensor:
        patches = self.patch(picture).flatten(2).transpose(1, 2)  # (N, grid^2, width)
        x = torch.cat([self.cls_token.expand(len(picture), 1, -1), patches], 1) + self.positions
        x = self.norm_before(x)
        for block in self.blocks:
            x = block(x)
        embedding: Tensor = self.projection(self.norm(x[:, 0]))
        return embedding


PUBLISHED_NAMES = {
    "cls_token": f"{TOWER}embeddings.class_embedding",
    "positions": f"{TOWER}embeddings.position_embedding.weight",
    "patch": f"{TOWER}embeddings.patch_embedding",
    "norm_before": f"{TOWER}pre_layrnorm",  # sic
    "norm": f"{TOWER}post_layernorm",
    "projection": "visual_projection",
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "qkv": "self_attn.qkv",
    "proj": "self_attn.out_proj",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}


def published_name(name: str) -> str:
    """From "blocks.3.fc1.weight" to "vision_model.encoder.layers.3.mlp.fc1.weight", and so on."""
    if name in PUBLISHED_NAMES:
        return PUBLISHED_NAMES[name]
    head, tensor = name.rsplit(".", 1)
    if head.startswith("blocks."):
        _, index, layer = head.split(".")
        return f"{TOWER}encoder.layers.{index}.{PUBLISHED_NAMES[layer]}.{tensor}"
    return f"{PUBLISHED_NAMES[head]}.{tensor}"


def tower_of(state: State) -> State:
    """The tensors of the picture half, queries, keys and values of a block joined as ``Block`` has them."""
    kept = dict(state.tensors)
    kept.pop(f"{TOWER}embeddings.position_ids", None)  # 0, 1, 2, ...
    for query in [name for name in kept if ".self_attn.q_proj." in name]:
        names = [query.replace("q_proj", f"{part}_proj") for part in "qkv"]
        parts = [tensor_of(state, name) for name in names]
        if any(part.shape != parts[0].shape for part in parts):
            shapes = ", ".join(str(tuple(part.shape)) for part in parts)
            raise ModelError(f"{query} of {state.file} and its keys and values have shapes {shapes}", "name CLIP's weights")
        kept[query.replace("q_proj", "qkv")] = torch.cat(parts)
        for name in names:
            del kept[name]
    return State(kept, state.sha256, state.file)


def network_of(state: State) -> Clip:
    """The architecture that the shapes in a file tell of."""
    patch = tensor_of(state, f"{TOWER}embeddings.patch_embedding.weight").shape
    places = tensor_of(state, f"{TOWER}embeddings.position_embedding.weight").shape
    features = tensor_of(state, "visual_projection.weight").shape[0]
    marks = f"{TOWER}encoder.layers."
    depth = len({name.removeprefix(marks).split(".")[0] for name in state.tensors if name.startswith(marks)})
    grid = math.isqrt(max(0, places[0] - 1))
    if len(patch) != 4 or not depth or not grid or patch[0] % max(1, patch[0] // HEAD_SIZE):
        raise ModelError(
            f"{state.file} is no CLIP: patches {tuple(patch)}, {depth} blocks, {places[0]} places", "name CLIP's weights"
        )
    with torch.device("meta"):
        network = Clip(patch[0], depth, patch[-1], grid, features)
    network.to_empty(device="cpu")
    fill(network, tower_of(state), published_name)
    return network


def clip(path: Path | None = None, *, report: Report | None = None) -> Pretrained:
    """CLIP ViT-L/14 at 336 pixels, or what ``path`` holds (in the names of Hugging Face, as .bin if published, or safetensors).

    Raises:
        DataError: the weights cannot be fetched, or ``path`` is no file.
        ModelError: the weights are damaged or another network's.
    """
    state = read_state(path, [LARGE, BASE], USED) if path else published_state(LARGE, "clip", report, USED)
    network = network_of(state)
    width, features = network.projection.weight.shape[::-1]
    size = {1024: "ViT-L", 768: "ViT-B"}.get(width, f"ViT of width {width}")
    name = f"CLIP {size}/{network.patch.kernel_size[0]} at {network.side}, {features}-d embedding"
    return Pretrained(network, name, state.sha256, "FD-CLIP")
