"""Adaptive discriminator augmentation: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data",
arXiv 2006.06676. The strength p follows how far the discriminator knows its pictures by heart (eq. 1): by how far it scores
unseen pictures below them, where some are held out, else by how sure it is of them.
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
UNSEEN_TARGET = 0.2
"""Of r_v, the way that unseen pictures have from seen ones down to generated ones."""
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
        scores: the same of scores, of real, generated and unseen pictures, (3, 2), since the last look at unseen ones. Not in
            checkpoints: p moves at the end of the very step that begins with a look.
        fresh: whether the discriminator is still the one of the last look. Scores of a later one say nothing beside it: some
            are free up to a constant, which drifts.
    """

    p: Tensor
    signs: Tensor
    scores: Tensor
    fresh: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))
        self.register_buffer("scores", torch.zeros(3, 2), persistent=False)

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
    def observe(self, on_real: Tensor, on_fake: Tensor, level: float | None = 0.0) -> None:
        """Takes in the discriminator's scores of real and generated pictures that it saw augmented.

        A score above ``level`` is a vote for real. Where only differences of scores mean something (relativistic and
        Wasserstein critics are free up to a constant), ``None`` puts it half-way between the two means.
        """
        real, fake = on_real.float(), on_fake.float()
        if self.fresh:
            self.scores[:2] += torch.stack([total_and_number(real), total_and_number(fake)])
        self.signs += total_and_number((real - ((real.mean() + fake.mean()) / 2 if level is None else level)).sign())

    @torch.no_grad()
    def look(self, on_unseen: Tensor) -> None:
        """Takes in its scores of augmented unseen pictures, (N,); other scores before its next update go beside them."""
        self.fresh = True
        self.scores.zero_()
        self.scores[2] = total_and_number(on_unseen.float())

    @torch.no_grad()
    def adapt(self, images: int, seen: int, *, looked: bool = False) -> dict[str, Tensor]:
        """Moves p, never above 0.8, towards where r_v is 0.2, or without a look r_t is 0.6; returns them, and observes anew.

        Args:
            images: real images since the last move.
            seen: real images since the start of training.
            looked: whether unseen pictures were looked at.

        Returns:
            "overfit", r_t = E[sign D(x)], and after a look "unseen", r_v = (E[D(x)] - E[D(unseen)]) / (E[D(x)] - E[D(G(z))]),
            which is taken for 0 while generated pictures are scored above real ones.
        """
        step = min(images / min(SPEED, max(WARM_UP * seen, 1)), LARGEST_MOVE)
        votes, count = self.signs.unbind()
        found = {"overfit": votes / count.clamp(min=1)}
        excess = found["overfit"] - TARGET
        if looked:
            real, fake, unseen = (self.scores[:, 0] / self.scores[:, 1].clamp(min=1)).unbind()
            found["unseen"] = torch.where(real > fake, (real - unseen) / (real - fake), 0.0)
            excess = found["unseen"] - UNSEEN_TARGET
        self.p.add_(excess.sign() * step * (count > 0)).clamp_(0, CAP)
        self.signs.zero_()
        return found


def total_and_number(values: Tensor) -> Tensor:
    """The sum of values and how many there are, (2,)."""
    return torch.stack([values.sum(), torch.full_like(values.sum(), values.numel())])


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
