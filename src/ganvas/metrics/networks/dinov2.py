"""DINOv2 (Oquab et al. 2024): features of a vision transformer trained without labels, for FD-DINOv2 (Stein et al. 2023)."""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate

from ganvas.data.download import Web
from ganvas.errors import ModelError
from ganvas.metrics.networks.pretrained import Backbone, Pretrained
from ganvas.metrics.networks.transformer import Block
from ganvas.metrics.networks.weights import Published, Report, State, fill, published_state, read_state, tensor_of

LARGE = Published(
    title="DINOv2 ViT-L/14",
    file="dinov2_vitl14_pretrain.pth",
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    size="1.2 GB",
    source=Web("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/", ("dinov2_vitl14_pretrain.pth",), limit=1 << 31),
)
BASE = Published(
    title="DINOv2 ViT-B/14",
    file="dinov2_vitb14_pretrain.pth",
    sha256="0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
    size="0.3 GB",
    source=Web("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/", ("dinov2_vitb14_pretrain.pth",), limit=1 << 31),
)
PATCH = 14
HEAD_SIZE = 64
"""Channels of an attention head, the same in all sizes of the network."""
OFFSET = 0.1
"""Added to the number of patches where the position table is scaled, in the published code and so in the published features."""


class DinoV2(Backbone):
    """(N, 3, 224, 224) -> (N, width), the class token after the last norm.

    Args:
        width: 768 for ViT-B, 1024 for ViT-L.
        depth: blocks, 12 or 24.
        grid: the side of the position table in patches; 37, for the 518 pixels of the end of its training.
    """

    side = 224
    mean = (123.675, 116.28, 103.53)  # of ImageNet
    deviation = (58.395, 57.12, 57.375)

    def __init__(self, width: int, depth: int, grid: int = 37) -> None:
        super().__init__()
        self.grid = grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, width))
        self.patch = nn.Conv2d(3, width, PATCH, PATCH)
        heads = max(1, width // HEAD_SIZE)
        self.blocks = nn.ModuleList(Block(width, heads, gelu, epsilon=1e-6, scaled=True) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def embed(self, picture: Tensor) -> Tensor:
        patches = self.patch(picture)  # (N, width, h, w)
        x = torch.cat([self.cls_token.expand(len(picture), -1, -1), patches.flatten(2).transpose(1, 2)], 1)
        x = x + self.positions(patches.shape[2])  # (N, 1 + h w, width)
        for block in self.blocks:
            x = block(x)
        token: Tensor = self.norm(x[:, 0])
        return token

    def positions(self, side: int) -> Tensor:
        """The position table for ``side`` x ``side`` patches, (1, 1 + side^2, width), the class token's entry first."""
        if side == self.grid:
            return self.pos_embed
        table = self.pos_embed[:, 1:].unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)
        scale = (side + OFFSET) / self.grid
        # The factor, and not the size, sets where the table is read: half a per cent beside the plain choice.
        scaled = interpolate(table, scale_factor=(scale, scale), mode="bicubic", recompute_scale_factor=False)
        return torch.cat([self.pos_embed[:, :1], scaled.flatten(2).transpose(1, 2)], 1)


def published_name(name: str) -> str:
    """From "blocks.3.qkv.weight" to "blocks.3.attn.qkv.weight", and so on."""
    name = re.sub(r"^patch\.", "patch_embed.proj.", name)
    name = re.sub(r"\.(qkv|proj)\.(weight|bias)$", r".attn.\1.\2", name) if name.startswith("blocks.") else name
    name = re.sub(r"\.(fc[12])\.", r".mlp.\1.", name)
    return re.sub(r"\.scale([12])$", r".ls\1.gamma", name)


def network_of(state: State) -> DinoV2:
    """The architecture that the shapes in a file tell of."""
    width = tensor_of(state, "cls_token").shape[-1]
    grid = math.isqrt(max(0, tensor_of(state, "pos_embed").numel() // max(1, width) - 1))
    depth = len({name.split(".")[1] for name in state.tensors if name.startswith("blocks.")})
    if not width or not depth or not grid or width % max(1, width // HEAD_SIZE):
        raise ModelError(
            f"{state.file} is no DINOv2: width {width}, {depth} blocks, {grid} patches a side", "name weights of this network"
        )
    with torch.device("meta"):
        network = DinoV2(width, depth, grid)
    network.to_empty(device="cpu")
    fill(network, state, published_name, unused=("mask_token",))
    return network


def dinov2(path: Path | None = None, *, report: Report | None = None) -> Pretrained:
    """DINOv2 ViT-L/14, or what ``path`` holds (ViT-B/14 or ViT-L/14 as published, or the same names in safetensors).

    Raises:
        DataError: the weights cannot be fetched, or ``path`` is no file.
        ModelError: the weights are damaged or another network's (such as the variant with registers).
    """
    state = read_state(path, [LARGE, BASE]) if path else published_state(LARGE, "dinov2", report)
    network = network_of(state)
    width = network.norm.weight.shape[0]
    letter = {1024: "ViT-L/14", 768: "ViT-B/14"}.get(width, f"width {width}")
    return Pretrained(network, f"DINOv2 {letter}, class token {width}-d", state.sha256, "FD-DINOv2")
