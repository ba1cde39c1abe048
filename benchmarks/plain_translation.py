"""The plain PyTorch loop of pix2pix that ours is measured against, as its reference code has it; see ``plain``."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def endless_pairs(source: Tensor, target: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    loader = DataLoader(TensorDataset(source, target), batch_size=batch, shuffle=True, drop_last=True)
    while True:
        yield from loader


class PlainUNet(nn.Module):
    """The U-Net of 64 pixels, instance norm, a bias in every convolution; ``widths`` from the picture inwards."""

    def __init__(self, channels: int, widths: list[int]) -> None:
        super().__init__()
        last = len(widths) - 1
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (inputs, outputs) in enumerate(zip([channels, *widths[:-1]], widths, strict=True)):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
            layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))
            layers += [nn.InstanceNorm2d(outputs)] if 0 < level < last else []
            self.down.append(nn.Sequential(*layers))
        for level in reversed(range(len(widths))):
            inputs, outputs = widths[level] * (1 if level == last else 2), widths[level - 1] if level else channels
            layers = [nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)]
            layers += [nn.InstanceNorm2d(outputs)] if level else [nn.Tanh()]
            layers += [nn.Dropout(0.5)] if last - level < 3 and level > 1 else []
            self.up.append(nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        x = self.up[0](maps.pop())
        for layer in self.up[1:]:
            x = layer(torch.cat([maps.pop(), x], 1))
        return x


def plain_patches(channels: int, widths: list[int]) -> nn.Module:
    """The patch discriminator: all of ``widths`` but the last halve the picture."""
    layers: list[nn.Module] = []
    for level, (inputs, outputs) in enumerate(zip([channels, *widths[:-1]], widths, strict=True)):
        layers.append(nn.Conv2d(inputs, outputs, 4, stride=2 if level < len(widths) - 1 else 1, padding=1))
        layers += [nn.InstanceNorm2d(outputs)] if level else []
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))


class PlainPix2Pix:
    """Section 3 of Isola et al. 2017."""

    def __init__(self, source: Tensor, target: Tensor, batch: int, generator: nn.Module, discriminator: nn.Module) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.pairs = endless_pairs(source, target, batch)
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.losses: list[float] = []

    def step(self) -> None:
        source, target = next(self.pairs)
        fake = self.generator(source)
        self.discriminator_optimizer.zero_grad()
        on_fake = self.discriminator(torch.cat([source, fake.detach()], 1))
        on_real = self.discriminator(torch.cat([source, target], 1))
        fake_loss = F.binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
        real_loss = F.binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
        loss = 0.5 * (fake_loss + real_loss)
        loss.backward()
        self.discriminator_optimizer.step()
        self.losses.append(loss.item())
        self.generator_optimizer.zero_grad()
        on_fake = self.discriminator(torch.cat([source, fake], 1))
        loss = F.binary_cross_entropy_with_logits(on_fake, torch.ones_like(on_fake)) + 100 * F.l1_loss(fake, target)
        loss.backward()
        self.generator_optimizer.step()
        self.losses.append(loss.item())
