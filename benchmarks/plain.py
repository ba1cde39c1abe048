"""The plain PyTorch training loops that ours is measured against, written as tutorials write them.

Each class follows its paper's algorithm box: a DataLoader of float tensors, fresh noise for every update, separate passes for
reals and fakes, a clamp a parameter, ``.item()`` after every update, default optimisers. The networks are those of
``ganvas.networks``, layer by layer. ``step()`` is one generator iteration.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def endless(samples: Tensor, batch: int) -> Iterator[Tensor]:
    loader = DataLoader(TensorDataset(samples), batch_size=batch, shuffle=True, drop_last=True)
    while True:
        for (sample,) in loader:
            yield sample


def reference_generator(channels: int, batch_norm: bool) -> nn.Module:
    """The thesis's generator for 28x28, latents of 100."""
    layers: list[nn.Module] = [nn.Linear(100, 6272), nn.LeakyReLU(0.2, inplace=True), nn.Unflatten(1, (128, 7, 7))]
    for _ in range(2):
        layers.append(nn.ConvTranspose2d(128, 128, 4, stride=2, padding=1))
        layers += [nn.BatchNorm2d(128)] if batch_norm else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(128, channels, 7, padding=3), nn.Tanh())


def reference_discriminator(channels: int, batch_norm: bool, dropout: float) -> nn.Module:
    """The thesis's discriminator for 28x28."""
    layers: list[nn.Module] = []
    for inputs in (channels, 64):
        layers.append(nn.Conv2d(inputs, 64, 3, stride=2, padding=1))
        layers += [nn.BatchNorm2d(64)] if batch_norm else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(3136, 1), nn.Flatten(0))


def dcgan_generator(widths: list[int], channels: int = 3) -> nn.Module:
    """DCGAN's generator from a 4x4 map; ``widths`` from the map outwards."""
    layers: list[nn.Module] = [nn.Linear(100, widths[0] * 16, bias=False), nn.Unflatten(1, (widths[0], 4, 4))]
    for inputs, outputs in zip(widths, [*widths[1:], channels], strict=True):
        upwards = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=outputs == channels)
        layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), upwards]
    return nn.Sequential(*layers, nn.Tanh())


def dcgan_critic(widths: list[int], channels: int = 3) -> nn.Module:
    """DCGAN's discriminator down to a 4x4 map, without batch norm; ``widths`` from the picture inwards."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip([channels, *widths[:-1]], widths, strict=True):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, 1), nn.Flatten(0))


def mlp(inputs: int, outputs: int, width: int) -> nn.Module:
    layers: list[nn.Module] = []
    for fan_in in (inputs, width, width):
        layers += [nn.Linear(fan_in, width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(width, outputs), *([nn.Flatten(0)] if outputs == 1 else []))


class PlainWGAN:
    """Algorithm 1 of Arjovsky et al. 2017."""

    def __init__(self, samples: Tensor, batch: int, generator: nn.Module, critic: nn.Module, latent: int) -> None:
        self.generator, self.critic, self.batch, self.latent = generator, critic, batch, latent
        self.samples = endless(samples, batch)
        self.critic_optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
        self.generator_optimizer = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
        self.losses: list[float] = []

    def step(self) -> None:
        for _ in range(5):
            real = next(self.samples)
            self.critic_optimizer.zero_grad()
            fake = self.generator(torch.randn(self.batch, self.latent))
            loss = self.critic(fake.detach()).mean() - self.critic(real).mean()
            loss.backward()
            self.critic_optimizer.step()
            for parameter in self.critic.parameters():
                parameter.data.clamp_(-0.01, 0.01)
            self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        loss = -self.critic(self.generator(torch.randn(self.batch, self.latent))).mean()
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())


class PlainGAN:
    """Algorithm 1 of Goodfellow et al. 2014 with the non-saturating generator."""

    def __init__(self, samples: Tensor, batch: int, generator: nn.Module, discriminator: nn.Module, latent: int) -> None:
        self.generator, self.discriminator, self.batch, self.latent = generator, discriminator, batch, latent
        self.samples = endless(samples, batch)
        self.discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.losses: list[float] = []

    def step(self) -> None:
        real = next(self.samples)
        ones, zeros = torch.ones(self.batch), torch.zeros(self.batch)
        self.discriminator_optimizer.zero_grad()
        fake = self.generator(torch.randn(self.batch, self.latent))
        real_loss = F.binary_cross_entropy_with_logits(self.discriminator(real), ones)
        fake_loss = F.binary_cross_entropy_with_logits(self.discriminator(fake.detach()), zeros)
        loss = real_loss + fake_loss
        loss.backward()
        self.discriminator_optimizer.step()
        self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        fake = self.generator(torch.randn(self.batch, self.latent))
        loss = F.binary_cross_entropy_with_logits(self.discriminator(fake), ones)
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())


class PlainWGANGP:
    """Algorithm 1 of Gulrajani et al. 2017; ``critic_steps`` critic updates a generator update."""

    def __init__(
        self,
        samples: Tensor,
        batch: int,
        generator: nn.Module,
        critic: nn.Module,
        latent: int,
        critic_steps: int,
        weight: float,
    ) -> None:
        self.generator, self.critic, self.batch, self.latent = generator, critic, batch, latent
        self.critic_steps, self.weight = critic_steps, weight
        self.samples = endless(samples, batch)
        self.critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.5, 0.9))
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.9))
        self.losses: list[float] = []

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        epsilon = torch.rand(self.batch, *[1] * (real.dim() - 1))
        between = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
        scores = self.critic(between)
        (gradient,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True, retain_graph=True)
        return ((gradient.view(self.batch, -1).norm(2, dim=1) - 1) ** 2).mean()

    def step(self) -> None:
        for _ in range(self.critic_steps):
            real = next(self.samples)
            self.critic_optimizer.zero_grad()
            fake = self.generator(torch.randn(self.batch, self.latent)).detach()
            loss = self.critic(fake).mean() - self.critic(real).mean() + self.weight * self.penalty(real, fake)
            loss.backward()
            self.critic_optimizer.step()
            self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        loss = -self.critic(self.generator(torch.randn(self.batch, self.latent))).mean()
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())


class PlainSampling:
    """Pictures in batches of 64 from a trained generator in evaluation mode."""

    def __init__(self, generator: nn.Module, count: int, latent: int) -> None:
        self.generator, self.count, self.latent = generator.eval(), count, latent

    def step(self) -> None:
        with torch.no_grad():
            torch.cat([self.generator(torch.randn(64, self.latent)) for _ in range(self.count // 64)])
