"""One paper a file. The registry is this dict: adding a GAN is one file and one line here."""

from __future__ import annotations

from ganvas.method import Method
from ganvas.methods.biggan import BigGAN, BigGANConfig
from ganvas.methods.cgan import CGAN, CGANConfig
from ganvas.methods.cyclegan import CycleGAN, CycleGANConfig
from ganvas.methods.dcgan import DCGAN, DCGANConfig
from ganvas.methods.gan import GAN, GANConfig
from ganvas.methods.pix2pix import Pix2Pix, Pix2PixConfig
from ganvas.methods.r3gan import R3GAN, R3GANConfig
from ganvas.methods.sngan import SNGAN, SNGANConfig
from ganvas.methods.stargan import StarGAN, StarGANConfig
from ganvas.methods.stylegan import StyleGAN, StyleGANConfig
from ganvas.methods.wgan import WGAN, WGANConfig
from ganvas.methods.wgan_gp import WGANGP, WGANGPConfig

METHODS: dict[str, type[Method]] = {
    "gan": GAN,
    "cgan": CGAN,
    "dcgan": DCGAN,
    "wgan": WGAN,
    "wgan-gp": WGANGP,
    "r3gan": R3GAN,
    "sngan": SNGAN,
    "biggan": BigGAN,
    "pix2pix": Pix2Pix,
    "cyclegan": CycleGAN,
    "stargan": StarGAN,
    "stylegan": StyleGAN,
}

__all__ = [
    "CGAN", "DCGAN", "GAN", "METHODS", "R3GAN", "SNGAN", "WGAN", "WGANGP", "BigGAN", "BigGANConfig", "CGANConfig", "CycleGAN",
    "CycleGANConfig", "DCGANConfig", "GANConfig", "Pix2Pix", "Pix2PixConfig", "R3GANConfig", "SNGANConfig", "StarGAN",
    "StarGANConfig", "StyleGAN", "StyleGANConfig", "WGANConfig", "WGANGPConfig",
]  # fmt: skip
