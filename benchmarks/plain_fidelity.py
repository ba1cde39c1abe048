"""The plain loops of the larger methods, as ``plain`` has those of the first: on networks that are handed over, ours.

Separate passes for reals and fakes, slopes by autograd, a fresh generator pass for the generator's update, ``.item()`` after
each. ``step()`` is one generator iteration.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plain import endless


def squared_slopes(scores: Tensor, samples: Tensor) -> Tensor:
    """The mean over samples of the squared slope of the scores."""
    (gradient,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
    return gradient.pow(2).flatten(1).sum(1).mean()


class PlainR3GAN:
    """Huang et al. 2024: relativistic pairing, R1 and R2 at every update of the discriminator."""

    def __init__(self, samples: Tensor, batch: int, generator: nn.Module, critic: nn.Module, latent: int, gamma: float) -> None:
        self.generator, self.critic, self.batch, self.latent, self.gamma = generator, critic, batch, latent, gamma
        self.samples = endless(samples, batch)
        self.critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.0, 0.99))
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.99))
        self.losses: list[float] = []

    def step(self) -> None:
        real = next(self.samples).requires_grad_(True)
        self.critic_optimizer.zero_grad()
        fake = self.generator(torch.randn(self.batch, self.latent)).detach().requires_grad_(True)
        on_real, on_fake = self.critic(real), self.critic(fake)
        penalty = self.gamma / 2 * (squared_slopes(on_real, real) + squared_slopes(on_fake, fake))
        loss = F.softplus(on_fake - on_real).mean() + penalty
        loss.backward()
        self.critic_optimizer.step()
        self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        fake = self.generator(torch.randn(self.batch, self.latent))
        loss = F.softplus(self.critic(real.detach()) - self.critic(fake)).mean()
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())


class PlainBigGAN:
    """Brock et al. 2019: hinge, two discriminator updates, orthogonal regularisation of the generator; spectral norm inside."""

    def __init__(
        self, samples: Tensor, batch: int, generator: nn.Module, critic: nn.Module, latent: int, classes: int,
        matrices: list[nn.Parameter],
    ) -> None:  # fmt: skip
        self.generator, self.critic, self.batch, self.latent, self.classes = generator, critic, batch, latent, classes
        self.matrices = matrices
        self.samples = endless(samples, batch)
        self.critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.0, 0.999))
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=5e-5, betas=(0.0, 0.999))
        self.losses: list[float] = []

    def step(self) -> None:
        for _ in range(2):
            real, label = next(self.samples), torch.randint(self.classes, (self.batch,))
            self.critic_optimizer.zero_grad()
            fake = self.generator(torch.randn(self.batch, self.latent), label).detach()
            loss = F.relu(1 - self.critic(real, label)).mean() + F.relu(1 + self.critic(fake, label)).mean()
            loss.backward()
            self.critic_optimizer.step()
            self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        loss = -self.critic(self.generator(torch.randn(self.batch, self.latent), label), label).mean()
        for weight in self.matrices:
            gram = weight.flatten(1) @ weight.flatten(1).t()
            loss = loss + 1e-4 * (gram * (1 - torch.eye(len(gram)))).pow(2).sum()
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())


class PlainStyleGAN:
    """Karras et al. 2020 as its authors train it: non-saturating, R1 at every 16th step, path length at every 4th, mixing."""

    def __init__(self, samples: Tensor, batch: int, generator: nn.Module, critic: nn.Module, latent: int) -> None:
        self.generator, self.critic, self.batch, self.latent = generator, critic, batch, latent
        self.layers = generator.synthesis.layers
        self.samples = endless(samples, batch)
        self.critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.99))
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.99))
        self.mean, self.count = torch.zeros(()), 0
        self.losses: list[float] = []

    def styles(self, count: int) -> Tensor:
        first, second = (self.generator.mapping(torch.randn(count, self.latent)) for _ in range(2))
        rows = []
        for sample in range(count):
            crossover = int(torch.randint(1, self.layers, ())) if torch.rand(()) < 0.9 else self.layers
            own = [first[sample] if layer < crossover else second[sample] for layer in range(self.layers)]
            rows.append(torch.stack(own))
        return torch.stack(rows)

    def step(self) -> None:
        real = next(self.samples)
        self.critic_optimizer.zero_grad()
        fake = self.generator.synthesis(self.styles(self.batch)).detach()
        loss = F.softplus(-self.critic(real)).mean() + F.softplus(self.critic(fake)).mean()
        loss.backward()
        self.critic_optimizer.step()
        self.losses.append(loss.item())
        if self.count % 16 == 0:
            self.critic_optimizer.zero_grad()
            real = real.detach().requires_grad_(True)
            gamma = 0.0002 * real.shape[2] * real.shape[3] / self.batch
            loss = gamma / 2 * 16 * squared_slopes(self.critic(real), real)
            loss.backward()
            self.critic_optimizer.step()
            self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        loss = F.softplus(-self.critic(self.generator.synthesis(self.styles(self.batch)))).mean()
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())
        if self.count % 4 == 0:
            self.generator_optimizer.zero_grad()
            styles = self.styles(self.batch // 2)
            made = self.generator.synthesis(styles)
            noise = torch.randn_like(made) / (made.shape[2] * made.shape[3]) ** 0.5
            (gradient,) = torch.autograd.grad((made * noise).sum(), styles, create_graph=True)
            lengths = gradient.pow(2).sum(2).mean(1).sqrt()
            self.mean = self.mean + 0.01 * (lengths.detach().mean() - self.mean)
            loss = 2 * 4 * (lengths - self.mean).pow(2).mean()
            loss.backward()
            self.generator_optimizer.step()
            self.losses.append(loss.item())
        self.count += 1
