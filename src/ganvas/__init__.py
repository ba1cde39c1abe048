"""Ganvas: train a generative adversarial network on your data, and know whether it works.

``import ganvas`` is quick: each name below is imported, and torch with it, when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganvas import data, errors
    from ganvas.data import Images, Spec
    from ganvas.errors import DataError, Diverged, GanvasError, ModelError, ResourceError, UsageError
    from ganvas.evaluation.evaluate import Evaluation, evaluate
    from ganvas.method import Method, Styled
    from ganvas.methods import (
        CGAN,
        DCGAN,
        GAN,
        METHODS,
        R3GAN,
        SNGAN,
        WGAN,
        WGANGP,
        BigGAN,
        BigGANConfig,
        CGANConfig,
        CycleGAN,
        CycleGANConfig,
        DCGANConfig,
        GANConfig,
        Pix2Pix,
        Pix2PixConfig,
        R3GANConfig,
        SNGANConfig,
        StarGAN,
        StarGANConfig,
        StyleGAN,
        StyleGANConfig,
        WGANConfig,
        WGANGPConfig,
    )
    from ganvas.notebook import watch
    from ganvas.runs import Model, Run, load
    from ganvas.training import Interrupted, Progress, train

__version__ = "0.1.0"

_MODULES = ("data", "errors")

_HOMES = {
    "ganvas.data": ("Images", "Spec"),
    "ganvas.errors": ("DataError", "Diverged", "GanvasError", "ModelError", "ResourceError", "UsageError"),
    "ganvas.evaluation.evaluate": ("Evaluation", "evaluate"),
    "ganvas.method": ("Method", "Styled"),
    "ganvas.methods": (
        "CGAN", "DCGAN", "GAN", "METHODS", "R3GAN", "SNGAN", "WGAN", "WGANGP", "BigGAN", "CycleGAN", "Pix2Pix", "StarGAN",
        "StyleGAN",
        "BigGANConfig", "CGANConfig", "CycleGANConfig", "DCGANConfig", "GANConfig", "Pix2PixConfig", "R3GANConfig",
        "SNGANConfig", "StarGANConfig", "StyleGANConfig", "WGANConfig", "WGANGPConfig",
    ),
    "ganvas.notebook": ("watch",),
    "ganvas.runs": ("Model", "Run", "load"),
    "ganvas.training": ("Interrupted", "Progress", "train"),
}  # fmt: skip
"""Where each public name comes from."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CGAN", "DCGAN", "GAN", "METHODS", "R3GAN", "SNGAN", "WGAN", "WGANGP", "BigGAN",
    "BigGANConfig", "CGANConfig", "CycleGAN", "CycleGANConfig", "DCGANConfig", "DataError", "Diverged", "Evaluation",
    "GANConfig", "GanvasError", "Images", "Interrupted", "Method", "Model", "ModelError", "Pix2Pix", "Pix2PixConfig",
    "Progress", "R3GANConfig", "ResourceError", "Run", "SNGANConfig", "Spec", "StarGAN", "StarGANConfig",
    "StyleGAN", "StyleGANConfig", "Styled", "UsageError",
    "WGANConfig", "WGANGPConfig", "__version__", "data", "errors", "evaluate", "load", "train", "watch",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"ganvas.{name}")
    if name in _HOME_OF:
        value: object = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'ganvas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
