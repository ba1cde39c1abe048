"""R3GAN: its schedules are functions of the images, and it learns classes when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import softplus

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import ArrayData
from ganvas.errors import DataError, UsageError
from ganvas.methods import R3GAN, R3GANConfig
from ganvas.networks.upwards import DoublingConv2d
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.budget import rate_factor
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

NETWORKS: dict[str, dict[str, Any]] = {"residual": {"blocks": 1, "block": "basic"}, "dcgan": {"networks": "dcgan"}}


def three_shades(count: int = 240) -> ArrayData:
    """Pictures of 8x8 whose class is their brightness: 30, 130 or 230 of 255, with noise."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(count) % 3
    noise = torch.randint(-15, 16, (count, 1, 8, 8), generator=generator)
    return ArrayData((30 + 100 * label.view(-1, 1, 1, 1) + noise).to(torch.uint8), label, classes=("dark", "grey", "light"))


def test_gamma_and_beta2_move_along_half_a_cosine() -> None:
    config = R3GANConfig(
        width=4, latent_size=2, blocks=1, gamma=10.0, final_gamma=2.0, first_beta2=0.9, beta2=0.99, decay_images=1000
    )
    method = R3GAN(config, Spec((1, 8, 8)))
    adam = method.optimizers()["generator"]
    for images, gamma, beta2 in ((0, 10.0, 0.9), (500, 6.0, 0.945), (1000, 2.0, 0.99), (5000, 2.0, 0.99)):
        method.follow_schedules(images)
        assert method.gamma == pytest.approx(gamma)
        assert adam.param_groups[0]["betas"] == pytest.approx((0.0, beta2))
    still = R3GAN(R3GANConfig(width=4, latent_size=2, blocks=1), Spec((1, 8, 8)))
    adam = still.optimizers()["discriminator"]
    still.follow_schedules(500)
    assert (still.gamma, adam.param_groups[0]["betas"]) == (1.0, (0.0, 0.99))


def test_the_generators_rate_falls_behind_the_discriminators() -> None:
    config = R3GANConfig(
        width=4, latent_size=2, blocks=1, batch_size=25, learning_rate=1e-3, generator_ratio=0.8, final_generator_ratio=0.2,
        schedule="linear", decay_images=1000,
    )  # fmt: skip
    method = R3GAN(config, Spec((1, 8, 8)))
    play = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=Ranks(torch.device("cpu")))
    batch = Images(torch.zeros(25, 1, 8, 8))
    for images, shared, ratio in ((0, 1.0, 0.8), (500, 0.5, 0.5), (750, 0.25, 0.8 - 0.6 * (1 + 0.5**0.5) / 2)):
        play.set_rates(rate_factor(config.schedule, images, config.decay_images))
        play.step(images // 25, iter([batch]))
        rates = {name: adam.param_groups[0]["lr"] for name, adam in method.adams.items()}
        assert rates == pytest.approx({"discriminator": 1e-3 * shared, "generator": 1e-3 * shared * ratio})


def test_without_a_ratio_both_learn_at_one_rate() -> None:
    adams = R3GAN(R3GANConfig(width=4, latent_size=2, blocks=1, learning_rate=1e-3), Spec((1, 8, 8))).optimizers()
    assert {adam.param_groups[0]["lr"] for adam in adams.values()} == {1e-3}


def test_the_schedules_count_the_images_of_all_ranks() -> None:
    method = R3GAN(
        R3GANConfig(width=4, latent_size=2, blocks=1, gamma=10.0, final_gamma=2.0, decay_images=1000), Spec((1, 8, 8))
    )
    method.optimizers()
    method.world = 4
    batches = iter([Images(torch.zeros(25, 1, 8, 8))])
    method.train_step(5, batches, lambda *_: None)
    assert method.gamma == pytest.approx(6.0)  # 5 steps of 4 times 25


@pytest.mark.parametrize("networks", NETWORKS.values(), ids=NETWORKS)
def test_learns_the_class_that_is_asked_for(networks: dict[str, Any], tmp_path: Path) -> None:
    data = three_shades()
    torch.manual_seed(0)
    config = R3GANConfig(
        conditional=True, width=8, latent_size=4, batch_size=24, learning_rate=3e-3, ema_half_life=500, **networks
    )
    method = R3GAN(config, data.spec)
    (*_, last) = train(method, data, Run(tmp_path / "run", seed=0), steps=150, save_seconds=1e6)
    label = torch.arange(60) % 3
    made = last.sample(torch.randn(60, 4), label).mean((1, 2, 3))
    for shade, level in enumerate((30, 130, 230)):
        assert abs(float(made[label == shade].mean()) - (level / 127.5 - 1)) < 0.2


@pytest.mark.parametrize("networks", NETWORKS.values(), ids=NETWORKS)
def test_each_sample_is_judged_alone_under_its_own_label(networks: dict[str, Any]) -> None:
    """The pairs share a class, from which a game with mixed-up labels still learns: so by value."""
    torch.manual_seed(0)
    method = R3GAN(R3GANConfig(conditional=True, width=4, latent_size=2, **networks), Spec((1, 16, 16), ("a", "b", "c")))
    real, fake, label = torch.randn(6, 1, 16, 16), torch.randn(6, 1, 16, 16), torch.tensor([0, 0, 1, 2, 2, 1])
    on_real, on_fake = (method.discriminator(samples, label) for samples in (real, fake))
    torch.testing.assert_close(method.discriminator(real[:1], label[:1]), on_real[:1])
    found = method.discriminator_loss(real, fake, label)["relativistic"]
    torch.testing.assert_close(found, softplus(on_fake - on_real).mean())
    torch.testing.assert_close(method.generator_loss(real, fake, label)["relativistic"], softplus(on_real - on_fake).mean())


def test_dcgans_generator_starts_without_a_checkerboard() -> None:
    generator = R3GAN(R3GANConfig(networks="dcgan", width=4), Spec((3, 16, 16))).generator
    kernels = [layer.weight for layer in generator if isinstance(layer, DoublingConv2d)]
    assert kernels
    for kernel in kernels:  # all four pixels that come from one see flat areas alike
        phases = [kernel[:, :, a::2, b::2].sum((2, 3)) for a in (0, 1) for b in (0, 1)]
        assert all(torch.allclose(phase, phases[0], atol=1e-6) for phase in phases)


def test_dcgans_networks_refuse_what_they_lack() -> None:
    with pytest.raises(UsageError, match="no patch: leave out --patch, or --networks"):
        R3GAN(R3GANConfig(networks="dcgan", patch=2), Spec((1, 28, 28)))


def test_wants_labels_to_be_conditional() -> None:
    with pytest.raises(DataError, match="labels"):
        R3GAN(R3GANConfig(conditional=True), Spec((1, 28, 28)))
