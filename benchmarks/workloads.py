"""What ``step.py`` measures: for each name, the plain loop and ours in float32 and bf16, on the same data and networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

import plain
import plain_fidelity
import plain_translation
from ganvas.data import ArrayData, points
from ganvas.data.batches import Spec
from ganvas.data.translation import PairData
from ganvas.method import Method
from ganvas.methods import (
    GAN,
    R3GAN,
    WGAN,
    WGANGP,
    BigGAN,
    GANConfig,
    R3GANConfig,
    StyleGAN,
    StyleGANConfig,
    WGANConfig,
    WGANGPConfig,
)
from ganvas.methods.biggan import BigGANConfig
from ganvas.methods.pix2pix import Pix2Pix, Pix2PixConfig
from ganvas.runs.model import Model
from ganvas.training.engine import Engine
from ganvas.training.precision import has_bf16
from ganvas.training.ranks import Ranks

Step = Callable[[], object]


@dataclass
class Workload:
    """``variants`` build each form's step of ``images`` samples; ``repeat`` steps are timed at once; ``targets`` are ratios."""

    title: str
    images: int
    variants: dict[str, Callable[[], Step]]
    threads: int = 2
    repeat: int = 1
    targets: dict[str, float] = field(default_factory=dict)


def pictures(*shape: int, count: int = 4096) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)


def as_float(images: Tensor) -> Tensor:
    return images.float() / 127.5 - 1


def ours(method: Callable[[], Method], data: Callable[[], object], autocast: torch.dtype | None) -> Callable[[], Step]:
    """Steps of the real engine on the real batch stream; the plain loops average no weights, so that is in ``overhead``."""

    def build() -> Step:
        torch.manual_seed(0)
        built = method()
        device = torch.device("cpu")
        engine = Engine(built, device=device, autocast=autocast, seed=0, ranks=Ranks(device))
        stream = data().stream(built.config.batch_size, seed=0)  # type: ignore[attr-defined]
        count = 0

        def step() -> None:
            nonlocal count
            engine.step(count, stream)
            count += 1
            if count % 20 == 0:  # as often as the log is written
                engine.terms()
                engine.clear_terms()

        return step

    return build


def seeded(build: Callable[[], object]) -> Callable[[], Step]:
    def start() -> Step:
        torch.manual_seed(0)
        return build().step  # type: ignore[attr-defined, no-any-return]

    return start


def both(method: Callable[[], Method], data: Callable[[], object]) -> dict[str, Callable[[], Step]]:
    return {"fp32": ours(method, data, None), "bf16": ours(method, data, torch.bfloat16)}


def native(method: Callable[[], Method], data: Callable[[], object]) -> dict[str, Callable[[], Step]]:
    """As ``both``, without bf16 where the processor only emulates it: a step of a larger method would take half a minute."""
    return both(method, data) if has_bf16() else {"fp32": ours(method, data, None)}


def wgan_28() -> Workload:
    images = pictures(1, 28, 28)

    def loop() -> object:
        players = plain.reference_generator(1, True), plain.reference_discriminator(1, True, 0)
        return plain.PlainWGAN(as_float(images), 64, *players, 100)

    def method(fresh: bool = False) -> Method:
        return WGAN(WGANConfig(fresh_latent=fresh), Spec((1, 28, 28)))

    def data() -> object:
        return ArrayData(images, fingerprint="random")

    variants = {"plain": seeded(loop), **both(method, data), "fp32 fresh latents": ours(lambda: method(True), data, None)}
    title = "WGAN 28x28x1, 5 critic steps + 1, batch 64, thesis-size networks with batch norm"
    return Workload(title, 5 * 64, variants, targets={"fp32": 1.9, "bf16": 3.2})


def gan_28x28x3() -> Workload:
    images = pictures(3, 28, 28)

    def loop() -> object:
        players = plain.reference_generator(3, False), plain.reference_discriminator(3, False, 0.4)
        return plain.PlainGAN(as_float(images), 128, *players, 100)

    variants = both(lambda: GAN(GANConfig(batch_size=128), Spec((3, 28, 28))), lambda: ArrayData(images, fingerprint="random"))
    title = "GAN 28x28x3, the thesis's reference pair, batch 128"
    return Workload(title, 128, {"plain": seeded(loop), **variants}, targets={"fp32": 1.6, "bf16": 2.6})


def wgan_gp(size: int, widths: list[int], targets: dict[str, float]) -> Workload:
    images = pictures(3, size, size, count=1024)

    def loop() -> object:
        players = plain.dcgan_generator(widths[::-1]), plain.dcgan_critic(widths)
        return plain.PlainWGANGP(as_float(images), 64, *players, 100, 1, 10.0)

    config = WGANGPConfig(critic_steps=1)
    variants = both(lambda: WGANGP(config, Spec((3, size, size))), lambda: ArrayData(images, fingerprint="random"))
    title = f"WGAN-GP {size}x{size}x3, DCGAN networks, batch 64, 1 critic step + 1"
    return Workload(title, 64, {"plain": seeded(loop), **variants}, targets=targets)


def pix2pix_64() -> Workload:
    source, target = pictures(3, 64, 64, count=512), pictures(3, 64, 64, count=512).flip(0)
    widths = [64, 128, 256, 512, 512, 512]

    def loop() -> object:
        players = plain_translation.PlainUNet(3, widths), plain_translation.plain_patches(6, [64, 128, 256])
        return plain_translation.PlainPix2Pix(as_float(source), as_float(target), 4, *players)

    def data() -> object:
        return PairData(source, target, fingerprint="random")

    variants = both(lambda: Pix2Pix(Pix2PixConfig(batch_size=4), Spec((3, 64, 64), source=(3, 64, 64), paired=True)), data)
    title = "pix2pix 64x64x3, U-Net of 6 levels, 34x34 patches, batch 4"
    return Workload(title, 4, {"plain": seeded(loop), **variants})


def r3gan(size: int) -> Workload:
    images = pictures(3, size, size, count=512)
    config = R3GANConfig(width=16, blocks=1, block="basic", patch=2)

    def method() -> R3GAN:
        return R3GAN(config, Spec((3, size, size)))

    def loop() -> object:
        game = method()
        return plain_fidelity.PlainR3GAN(as_float(images), 64, game.generator, game.discriminator, 64, 1.0)

    variants = native(method, lambda: ArrayData(images, fingerprint="random"))
    title = f"R3GAN {size}x{size}x3, basic blocks on 2x2 pixels, width 16, batch 64"
    return Workload(title, 64, {"plain": seeded(loop), **variants})


def biggan(size: int) -> Workload:
    images = pictures(3, size, size, count=512)
    labels, classes = torch.arange(512) % 10, tuple("0123456789")

    def method() -> BigGAN:
        return BigGAN(BigGANConfig(width=16, batch_size=32), Spec((3, size, size), classes))

    def loop() -> object:
        game = method()
        players = game.generator, game.discriminator
        return plain_fidelity.PlainBigGAN(as_float(images), 32, *players, 120, 10, game.regularised())

    variants = native(method, lambda: ArrayData(images, labels, classes=classes, fingerprint="random"))
    title = f"BigGAN {size}x{size}x3, width 16, attention, batch 32, 2 discriminator steps + 1"
    return Workload(title, 2 * 32, {"plain": seeded(loop), **variants})


def stylegan(size: int) -> Workload:
    images = pictures(3, size, size, count=512)
    config = StyleGANConfig(width=8, latent_size=64, style_size=128, mapping_layers=2, batch_size=16)

    def method() -> StyleGAN:
        return StyleGAN(config, Spec((3, size, size)))

    def loop() -> object:
        game = method()
        return plain_fidelity.PlainStyleGAN(as_float(images), 16, game.generator, game.critic, 64)

    variants = native(method, lambda: ArrayData(images, fingerprint="random"))
    title = f"StyleGAN2 {size}x{size}x3, width 8, batch 16, lazy R1 and path length: 16 steps at once"
    return Workload(title, 16, {"plain": seeded(loop), **variants}, repeat=16)


def points_workload(width: int, target: float) -> Workload:
    config = WGANGPConfig(width=width, latent_size=2, batch_size=256, penalty=0.1)

    def data() -> object:
        return points("ring")

    def loop() -> object:
        samples = points("ring").real(65536).image
        return plain.PlainWGANGP(samples, 256, plain.mlp(2, 2, width), plain.mlp(2, 1, width), 2, 5, 0.1)

    variants = {"plain": seeded(loop), "fp32": ours(lambda: WGANGP(config, Spec((2,))), data, None)}
    title = f"WGAN-GP on points, MLP of width {width}, batch 256, 5 critic steps + 1, 1 thread"
    return Workload(title, 5 * 256, variants, threads=1, repeat=max(1, 1280 // width), targets={"fp32": target})


def sampling_28() -> Workload:
    def loop() -> object:
        return plain.PlainSampling(plain.reference_generator(1, True), 256, 100)

    def ours_in(dtype: torch.dtype | None) -> Callable[[], Step]:
        def build() -> Step:
            method = WGAN(WGANConfig(), Spec((1, 28, 28)))
            model = Model(method, {}, {"facts": {}, "fingerprint": "untrained"})

            def step() -> None:
                with torch.autocast("cpu", dtype, enabled=dtype is not None):
                    model.sample(256)

            return step

        return build

    variants = {"plain": seeded(loop), "fp32": ours_in(None), "bf16": ours_in(torch.bfloat16)}
    return Workload("sampling 256 pictures of 28x28x1, 1 thread", 256, variants, threads=1, targets={"fp32": 1.8, "bf16": 3.2})


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "wgan-28": wgan_28,
    "gan-28x28x3": gan_28x28x3,
    "wgan-gp-32": lambda: wgan_gp(32, [64, 128, 256], {}),
    "wgan-gp-64": lambda: wgan_gp(64, [64, 128, 256, 512], {"fp32": 1.2, "bf16": 2.0}),
    "pix2pix-64": pix2pix_64,
    "r3gan-64": lambda: r3gan(64),
    "r3gan-128": lambda: r3gan(128),
    "biggan-64": lambda: biggan(64),
    "biggan-128": lambda: biggan(128),
    "stylegan-64": lambda: stylegan(64),
    "stylegan-128": lambda: stylegan(128),
    "points-32": lambda: points_workload(32, 1.3),
    "points-128": lambda: points_workload(128, 1.1),
    "sampling-28": sampling_28,
}
