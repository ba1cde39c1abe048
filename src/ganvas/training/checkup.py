"""A checkup: what a glance at a few samples and their scores tells about the game between the players.

It takes ``SAMPLES`` real samples that training sees, as many that it does not see, and as many generated ones, always of the
same latents; passes them once through the players; and compares them by their mutual distances in pixels (or coordinates).
It is due at most every hundredth step and costs about as much as one, so it takes about a hundredth of the time. It changes
nothing: training goes on bit for bit as if it had not been.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.batches import Images
from ganvas.errors import UsageError
from ganvas.method import Method
from ganvas.runs.latents import draw
from ganvas.training.at_rest import at_rest, judges_norms
from ganvas.training.engine import Engine

SAMPLES = 128
FEWEST = 32
"""Below so many real samples nothing can be said of neighbours, and there are no checkups."""
NEIGHBOURS = 5
STRIDE = 100
GROWTH = 1.1
"""Checkups are at steps 100, 200, ..., 1,000, 1,100, 1,210: evenly at first, then evenly in the logarithm of time."""
LATENT_SEED, SUBSET_SEED = 3, 3


def next_checkup(step: int, stride: int = STRIDE) -> int:
    """The first step after ``step`` at which a checkup is due; a function of the step alone, so resuming changes nothing."""
    due = stride
    while due <= step:
        due = max(due + stride, int(due * GROWTH))
    return due


class Checkup:
    """The samples that a run's checkups are made on.

    Args:
        engine: whose players are looked at.
        data: what they are trained on.
    """

    def __init__(self, engine: Engine, data: Data) -> None:
        self.engine, self.stride = engine, STRIDE
        self.real = data.real(SAMPLES, SUBSET_SEED)
        self.held_out = unseen(data, len(self.real.image))
        config = engine.method.config
        self.latent = draw(0, len(self.real.image), config.latent_size, seed=LATENT_SEED, prior=config.prior)
        self.between_reals = mutual(self.real.image, self.real.image)

    @property
    def possible(self) -> bool:
        """Whether there are enough real samples, and any difference between them."""
        return len(self.real.image) >= FEWEST and float(self.between_reals.max()) > 0

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """The figures of this moment, named "checkup/...": see ``players`` and ``samples``."""
        method, device = self.engine.method, self.engine.device
        with at_rest(method), torch.autocast(device.type, enabled=False):
            label = self.real.label if method.conditional else None
            fake = self.engine.sample(self.latent, label, averaged=False)
            figures = self.of_players(method, fake) | self.of_samples(fake)
            if method.config.ema_half_life:
                moved = self.engine.sample(self.latent, label) - fake
                scale = self.between_reals.square().mean().sqrt()
                figures["moved"] = float(moved.flatten(1).square().sum(1).mean().sqrt() / scale)
        return {f"checkup/{name}": value for name, value in figures.items()}

    def of_players(self, method: Method, fake: Tensor) -> dict[str, float]:
        """What the critic or discriminator makes of the samples.

        auc: the chance that it scores a real sample above a generated one; 1/2 when it cannot tell them apart.
        separable: the same chance for the better of two plain rules that were not trained by the game: a linear one, and
            the nearer neighbour. A critic well below it is not doing its work.
        overfit: how far it scores unseen real samples below seen ones, as a share of the way down to generated ones
            (Karras et al. 2020, eq. 1, r_v). 0 when it knows no sample by heart, 1 when unseen ones are as fake to it as fakes.
        overfit_error: the standard error of overfit.
        slope: the median of |grad f| between real and generated samples; only of Wasserstein critics without batch norm.
        slope_expected: what that is at the optimum under a gradient penalty, see ``optimal_slope``.
        """
        device = self.engine.device
        count = len(self.real.image)
        real = self.real if self.held_out is None else joined(self.real, self.held_out)
        # Reals and fakes apart, as in training: batch norm would mix them.
        on_real = score(method, real, device)
        own = Images(fake, self.real.label)
        on_fake = score(method, own, device)
        seen = on_real[:count]
        figures = {"auc": auc(seen, on_fake), "separable": separable(self.real.image, fake)}
        if self.held_out is not None:
            unseen_scores, way = on_real[count:], float(seen.mean() - on_fake.mean())
            if way > 0:
                error = float((seen.var() / count + unseen_scores.var() / count).sqrt())
                figures["overfit"] = float(seen.mean() - unseen_scores.mean()) / way
                figures["overfit_error"] = error / way
        if method.wasserstein_term is not None and not judges_norms(method):
            figures["slope"] = float(slopes(method, self.real, fake, device).median())
            weight, estimate = getattr(method.config, "penalty", 0.0), float(seen.mean() - on_fake.mean())
            if weight > 0 and estimate > 0:
                figures["slope_expected"] = optimal_slope(estimate, weight)
        return figures

    def of_samples(self, fake: Tensor) -> dict[str, float]:
        """How generated samples lie among real ones; all figures but the shares are in units of the real samples' own.

        distance: the energy distance (Szekely and Rizzo 2013) over the mean distance between two real samples; about 0 for a
            perfect sampler, 2 for one far away.
        diversity: the mean distance between two generated samples over that between two real ones.
        distinct: the median distance from a generated sample to the nearest other one, over that of real ones; near 0 when
            samples repeat each other or lie on a curve.
        precision, recall: the share of either kind inside the other's balls to the fifth neighbour (Kynkaanniemi et al. 2019).
        """
        real, between_reals = self.real.image, self.between_reals
        across, between_fakes = mutual(fake, real), mutual(fake, fake)
        off = float(between_reals.sum()) / (len(real) * (len(real) - 1))  # the mean without the zeros of the diagonal
        among = float(between_fakes.sum()) / (len(fake) * (len(fake) - 1))
        return {
            "distance": (2 * float(across.mean()) - off - among) / off,
            "diversity": among / off,
            "distinct": float(
                to_neighbour(between_fakes, 1).median() / to_neighbour(between_reals, 1).median().clamp(min=1e-12)
            ),
            "precision": float((across <= to_neighbour(between_reals, NEIGHBOURS)).any(1).double().mean()),
            "recall": float((to_neighbour(between_fakes, NEIGHBOURS) >= across.T).any(1).double().mean()),
        }


def unseen(data: Data, count: int, *, fewest: int | None = None, seed: int = SUBSET_SEED) -> Images | None:
    """Up to ``count`` samples that training does not see; None if there are below ``fewest``, by default ``count``."""
    try:
        held_out = data.held_out().real(count, seed)
    except UsageError:
        return None
    return held_out if len(held_out.image) >= (count if fewest is None else fewest) else None


def joined(a: Images, b: Images) -> Images:
    label = torch.cat([a.label, b.label]) if a.label is not None and b.label is not None else None
    return Images(torch.cat([a.image, b.image]), label)


def optimal_slope(estimate: float, weight: float) -> float:
    """The slope s of the optimal critic under a gradient penalty, from its own estimate.

    Between distributions W apart it is s = 1 + W / (2 lambda), and its estimate is W s (the overshoot law, exact for a shift):
    without W, s (s - 1) = estimate / (2 lambda).
    """
    return (1 + math.sqrt(1 + 2 * estimate / weight)) / 2


def score(method: Method, samples: Images, device: torch.device) -> Tensor:
    label = None if samples.label is None or not method.conditional else samples.label.to(device)
    scores: Tensor = method.judge(samples.image.to(device), label)
    return scores.float().flatten().cpu()


def slopes(method: Method, real: Images, fake: Tensor, device: torch.device) -> Tensor:
    """|grad f| (N,) half-way between real and generated samples, where the mass must travel."""
    with torch.enable_grad():
        between = torch.lerp(fake, real.image, 0.5).to(device).requires_grad_(True)
        label = real.label.to(device) if method.conditional and real.label is not None else None
        gradient: Tensor = torch.autograd.grad(method.judge(between, label).sum(), between)[0]
    norms: Tensor = gradient.float().flatten(1).norm(dim=1)
    return norms.cpu()


def mutual(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (N, M) between the rows of ``a`` (N, ...) and ``b`` (M, ...); 0 on the diagonal of a with a."""
    distance = torch.cdist(a.flatten(1), b.flatten(1))
    return distance.fill_diagonal_(0) if a is b else distance


def to_neighbour(distance: Tensor, k: int) -> Tensor:
    """The distance (N,) to the k-th nearest other sample, from mutual distances (N, N)."""
    return distance.kthvalue(k + 1, dim=1).values  # the nearest is the sample itself


def auc(high: Tensor, low: Tensor) -> float:
    """P(high > low) + P(high = low) / 2 over all pairs: the area under the ROC curve (Mann-Whitney)."""
    above = (high[:, None] > low).double() + 0.5 * (high[:, None] == low).double()
    return float(above.mean())


def separable(real: Tensor, fake: Tensor) -> float:
    """The AUC of the better of two plain rules, learned on one half of the samples and judged on the other, both ways."""
    halves = [(real[0::2].flatten(1), fake[0::2].flatten(1)), (real[1::2].flatten(1), fake[1::2].flatten(1))]
    linear, neighbour = 0.0, 0.0
    for (real_known, fake_known), (real_new, fake_new) in (halves, halves[::-1]):
        direction = real_known.mean(0) - fake_known.mean(0)
        linear += auc(real_new @ direction, fake_new @ direction) / 2

        def nearer(new: Tensor, real_known: Tensor = real_known, fake_known: Tensor = fake_known) -> Tensor:
            return torch.cdist(new, fake_known).amin(1) - torch.cdist(new, real_known).amin(1)

        neighbour += auc(nearer(real_new), nearer(fake_new)) / 2
    return max(linear, neighbour)
