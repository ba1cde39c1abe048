"""Adaptive discriminator augmentation: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data",
arXiv 2006.06676. The strength p follows the discriminator: up while it is too sure of real pictures, down while it is not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganvas.networks.augment.chance import Chance
from ganvas.networks.augment.choice import CAP, Choice
from ganvas.networks.augment.colour import tinted
from ganvas.networks.augment.corruption import filtered, holed, noisy
from ganvas.networks.augment.diffaugment import diffaugmented
from ganvas.networks.augment.geometry import warped

TARGET = 0.6
"""Of r_t = E[sign D(x)] over real pictures (section 3.1)."""
EVERY = 4
"""Steps between two moves of p."""
SPEED = 500_000
"""Real images over which p can go from 0 to 1, in a training as long as the paper's."""
WARM_UP = 0.5
"""In a younger one it is this share of the images seen so far, so that a training of minutes gets its augmentation in time."""
LARGEST_MOVE = 0.05


class Augmentation(nn.Module):
    """Changes pictures with strength p, and keeps p where it adapts: on the device, in the checkpoint, the same on all ranks.

    Attributes:
        p: the chance of each change, a scalar, where it adapts.
        signs: the sum of the signs that were observed since p last moved, and their number, (2,).
    """

    p: Tensor
    signs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))

    def forward(self, pictures: Tensor, how: Choice) -> Tensor:
        """Pictures (N, C, H, W) in [-1, 1], changed; values may leave that range. Differentiable twice.

        Draws from torch's global generator. At p = 0 they are the same to the bit; where the host knows that, the same tensor,
        and nothing is drawn.
        """
        p: Chance = self.p if how.chance is None else how.chance
        if isinstance(p, Tensor) and p.device.type == "cpu":
            p = float(p)  # costs nothing there
        if not how.parts or (not isinstance(p, Tensor) and p <= 0):
            return pictures
        with torch.autocast(pictures.device.type, enabled=False):
            exact = pictures.to(torch.promote_types(pictures.dtype, torch.float32))
            return augmented(exact, p, how.parts).to(pictures.dtype)

    @torch.no_grad()
    def observe(self, on_real: Tensor, on_fake: Tensor | None = None) -> None:
        """Takes in the discriminator's scores of real pictures that it saw augmented.

        A score above 0 is a vote for real. Where only differences of scores mean something (relativistic and Wasserstein
        critics are free up to a constant), ``on_fake`` gives the level: half-way between the two means.
        """
        scores = on_real.float()
        if on_fake is not None:
            scores = scores - (scores.mean() + on_fake.float().mean()) / 2
        self.signs += torch.stack([scores.sign().sum(), torch.full_like(self.signs[0], scores.numel())])

    @torch.no_grad()
    def adapt(self, images: int, seen: int) -> Tensor:
        """Moves p towards where r_t = E[sign D(x)] is 0.6, never above 0.8; returns r_t, and observes anew.

        Args:
            images: real images since the last move.
            seen: real images since the start of training.
        """
        step = min(images / min(SPEED, max(WARM_UP * seen, 1)), LARGEST_MOVE)
        total, count = self.signs.unbind()
        overfit = total / count.clamp(min=1)
        self.p.add_((overfit - TARGET).sign() * step * (count > 0)).clamp_(0, CAP)
        self.signs.zero_()
        return overfit


def augmented(pictures: Tensor, p: Chance, parts: tuple[str, ...]) -> Tensor:
    """Pictures through the groups of changes that ``parts`` names, in the paper's order."""
    if "diffaugment" in parts:
        return diffaugmented(pictures, p)
    if "blit" in parts or "geom" in parts:
        pictures = warped(pictures, p, blit="blit" in parts, geom="geom" in parts)
    if "color" in parts:
        pictures = tinted(pictures, p)
    if "filter" in parts:
        pictures = filtered(pictures, p)
    if "noise" in parts:
        pictures = noisy(pictures, p)
    if "cutout" in parts:
        pictures = holed(pictures, p)
    return pictures
