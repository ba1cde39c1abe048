"""For tests over all methods: the smallest data that each of them learns from, and settings for it."""

from __future__ import annotations

import torch

from ganvas.data import Data
from ganvas.data.batches import Images
from ganvas.data.dataset import ArrayData
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.method import MethodConfig
from ganvas.methods import METHODS

SAMPLERS = [name for name, method in METHODS.items() if not method.translates]
TRANSLATORS = [name for name, method in METHODS.items() if method.translates and not method.conditional]
SOURCE, TARGET = (1, 10, 12), (3, 10, 12)
"""Of pictures for translators: not square, and no power of two."""


def pictures(count: int = 40, shape: tuple[int, ...] = (1, 8, 8), seed: int = 1) -> torch.Tensor:
    """Noise, uint8 (count, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)


def data_for(name: str) -> Data:
    """40 pictures with labels of three classes, or as many pairs or pictures of two domains."""
    kind = METHODS[name]
    if kind.batch is Images:
        return ArrayData(pictures(), torch.arange(40) % 3, classes=("a", "b", "c"))
    source, target = pictures(40, SOURCE, 1), pictures(40, TARGET, 2)
    return PairData(source, target) if name == "pix2pix" else TwoDomainData(source, target)


def config_for(name: str, **settings: object) -> MethodConfig:
    """Narrow networks, and a pool that overflows within a few steps."""
    small: dict[str, object] = {"width": 8, "batch_size": 8}
    if not METHODS[name].translates:
        small["latent_size"] = 8
        if name == "stylegan":
            # Lazy terms at some steps and not at others, and labels on their way through both players.
            small |= {"width": 4, "style_size": 8, "mapping_layers": 2, "r1_every": 3, "path_every": 2, "conditional": True}
    elif name == "stargan":
        small |= {"width": 4, "batch_size": 2, "critic_steps": 2, "blocks": 1}
    elif name == "cyclegan":
        small |= {"width": 4, "batch_size": 2, "pool": 3, "blocks": 1}
    else:
        small |= {"width": 4, "batch_size": 2}
    return METHODS[name].Config(**(small | settings))
