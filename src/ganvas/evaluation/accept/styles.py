"""Row F2: what StyleGAN2's parts promise, measured on the parts themselves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganvas.data.batches import Spec
from ganvas.evaluation.accept.rows import Outcome
from ganvas.methods import StyleGAN, StyleGANConfig
from ganvas.metrics.networks.raw import Raw
from ganvas.metrics.perceptual import perceptual_path_length
from ganvas.networks.style_generator import ModulatedConv2d, demodulation
from ganvas.objectives.style import mixed, path_lengths
from ganvas.runs.latents import towards_average

PAPER_BETA2 = {"critic": 0.99059, "generator": 0.99199}
"""0.99^(16/17) and 0.99^(4/5), as the paper's lazy terms at every 16th and 4th step have them."""
PATHS = 50_000


def styles(seed: int) -> Outcome:
    """F2: unit filters, one picture at psi = 0, path lengths of a linear generator, mixing across layers, lazy optimisers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = StyleGAN(StyleGANConfig(width=8, latent_size=16, style_size=16, mapping_layers=2), Spec((3, 32, 48)))
        norms = filter_norms(method)
        one = pictures_at_the_average(method)
        paths, squares = path_length_ratios(seed)
        share, uniform = crossings(method)
        lazy = lazy_decays(method)
    passed = norms <= 1e-5 and one == 1 and abs(paths - 1) <= 0.01 and abs(squares - 1) <= 0.01
    passed = passed and abs(share - 0.9) <= 0.01 and uniform and all(abs(lazy[p] - b) <= 5e-6 for p, b in PAPER_BETA2.items())
    words = (
        f"|norm - 1| {norms:.1e}; {one} picture at psi 0; path length {paths:.4f} of 2 |A|^2, regulariser's {squares:.4f} of "
        f"|A|^2; {share:.3f} mixed, at {'every layer alike' if uniform else 'some layers more'}; "
        f"beta2 {lazy['critic']:.5f}, {lazy['generator']:.5f}"
    )
    facts: dict[str, Any] = {"norms": norms, "pictures": one, "path": paths, "squares": squares, "mixed": share, "beta2": lazy}
    return Outcome(passed, words, facts)


@torch.no_grad()
def filter_norms(method: StyleGAN) -> float:
    """The largest deviation from 1 of a filter's norm, over layers, filters and styles."""
    worst = 0.0
    w = method.styles(method.latent(16))[:, 0]
    for name, layer in method.generator.synthesis.named_modules():
        if isinstance(layer, ModulatedConv2d):
            affine = method.generator.synthesis.get_submodule(name.removesuffix("convolution") + "affine")
            scale, weight = affine(w), layer.weight * layer.scale
            filters = weight * scale[:, None, :, None, None] * demodulation(weight, scale)[:, :, None, None, None]
            worst = max(worst, float((filters.flatten(2).norm(dim=2) - 1).abs().max()))
    return worst


@torch.no_grad()
def pictures_at_the_average(method: StyleGAN) -> int:
    """How many different pictures 8 latents give at psi = 0, bit for bit, once the average style has moved from 0."""
    for _ in range(10):
        method.mixed_styles(32, None)
    method.eval()
    latent = method.latent(8)
    found = method.synthesise(towards_average(method, latent, None, 0.0))
    method.train()
    return len({picture.numpy().tobytes() for picture in found})


def path_length_ratios(seed: int) -> tuple[float, float]:
    """For g(w) = A w, w ~ N(0, I): the path length in w over 2 |A|_F^2, and the regulariser's mean square over |A|_F^2.

    A step from w1 to w2 moves the picture by A (w2 - w1), and E|A (w2 - w1)|^2 = 2 |A|_F^2, since the difference of two
    latents has twice the variance of one. The regulariser looks along A^T y, y ~ N(0, I), whose mean square is |A|_F^2.
    """
    pixels, size = 16, 12
    matrix = torch.randn(pixels, size, generator=torch.Generator().manual_seed(seed + 1))
    squared = float(matrix.square().sum())

    def generator(w: Tensor) -> Tensor:
        return w.reshape(-1, size) @ matrix.t()

    walked = perceptual_path_length(
        generator, Raw(), size, mapping=lambda z: z, count=PATHS, epsilon=0.1, trim=0.0, seed=seed, batch_size=PATHS
    )
    w = torch.randn(PATHS, 1, size, requires_grad=True)
    # y of the regulariser is N(0, I / pixels), for pictures of any size to weigh alike.
    lengths = path_lengths(generator(w).view(-1, 1, 4, 4), w) * pixels**0.5
    return walked.value / (2 * squared), float(lengths.detach().square().mean()) / squared


def crossings(method: StyleGAN, count: int = 40_000) -> tuple[float, bool]:
    """The share of samples that mix two latents' styles, and whether they change from one to the other at any layer alike."""
    layers = method.layers
    first, second = torch.zeros(count, layers, 1), torch.ones(count, layers, 1)
    rows = mixed(first, second, method.config.mixing).squeeze(2)
    ordered = bool((rows.diff(dim=1) >= 0).all())  # first the one, then the other
    crossed = rows.sum(1)[rows.any(1)]
    shares = torch.bincount(crossed.long(), minlength=layers)[1:] / len(crossed)
    alike = bool((shares - 1 / (layers - 1)).abs().max() <= 0.01)
    return len(crossed) / count, ordered and alike and len(shares) == layers - 1


def lazy_decays(method: StyleGAN) -> dict[str, float]:
    """Adam's beta2 of each player; 0 where the rate is not scaled by the same k / (k + 1)."""
    found = {}
    for player, optimizer in method.optimizers().items():
        (group,) = optimizer.param_groups
        every = method.config.r1_every if player == "critic" else method.config.path_every
        right = abs(group["lr"] / method.config.learning_rate - every / (every + 1)) < 1e-9 and group["betas"][0] == 0
        found[player] = group["betas"][1] if right else 0.0
    return found
