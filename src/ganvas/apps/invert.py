"""Inversion: the place in latent space whose picture is nearest to a given one, found by descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganvas.apps.latent import (
    Chosen,
    Codes,
    average_style,
    drawn,
    from_normal,
    joined,
    pictures,
    rendered,
    space_of,
    to_normal,
)  # fmt: skip
from ganvas.data.pictures import BadPicture, Header, Look, decode
from ganvas.errors import DataError, UsageError
from ganvas.metrics.networks import feature_network
from ganvas.metrics.networks.contract import DifferentiableNetwork
from ganvas.metrics.perceptual import lpips_distance, staged_distances
from ganvas.metrics.psnr_ssim import psnr
from ganvas.runs import Model

PERCEPTUAL = ("efficientnet", "inception")
AT_ONCE = 16
"""Pictures that are inverted together; each has its own loss, so it makes no difference to them."""
CANDIDATES = 256
"""Samples of which the nearest to a picture is where its descent begins."""
SIDE = 64
"""Pixels at which a pretrained network looks during the descent: a tenth of the cost of its own 224. What is reported is at its
own size, so that nothing is judged by what it was fitted to."""
RATE, WARM, COOL = 0.1, 0.05, 0.25
"""Adam's rate for coordinates of deviation 1; the shares of the steps over which it rises and falls."""
PIXELS, PRIOR = 1.0, 0.02
"""Weights of the pixels' squared error and of the prior beside the perceptual distance, which is 1."""
NOISE, QUIET = 0.05, 0.75
"""Deviation of the noise at the start, and the share of the steps after which there is none."""


@dataclass(frozen=True)
class Inversion:
    """Where pictures were found.

    Args:
        codes: of the reconstructions.
        target, made: the pictures and their reconstructions, (N, C, H, W) in [-1, 1].
        start, distance: the distances (N,) of the nearest of ``CANDIDATES`` samples and of the reconstruction.
        measure: which distance it is, in words.
        psnr: of the reconstruction, (N,), in dB.
    """

    codes: Codes
    target: Tensor
    made: Tensor
    start: Tensor
    distance: Tensor
    measure: str
    psnr: Tensor


def invert(
    model: Model,
    target: Tensor,
    *,
    network: DifferentiableNetwork | None = None,
    space: Chosen = "auto",
    steps: int = 200,
    labels: Sequence[int] | None = None,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> Inversion:
    """Finds codes whose pictures are near ``target`` (N, C, H, W), of the model's own size, in [-1, 1].

    Adam on the perceptual distance + the squared error of pixels + a prior that keeps codes where the generator was trained,
    from the nearest of a few hundred samples, with noise that fades on the coordinates (Karras et al. 2020, appendix D). In z
    the coordinates are normal numbers, and the prior draws their mean square to 1, the sphere on which samples lie. In w each
    layer has a row of its own ("w+", Abdal et al. 2019), in deviations from the average style, and the prior is their mean
    square.

    Args:
        network: for the perceptual distance; None goes by pixels alone, at full, half and quarter size.
        labels: the classes that are tried, for a conditional model; None tries all. A picture takes that of the nearest sample.
        report: is told, in a sentence, how far it is.

    Raises:
        UsageError: no generator of pictures, pictures of another shape, or a number out of range.
    """
    where = space_of(model, space)
    if target.dim() != 4 or tuple(target.shape[1:]) != model.spec.shape or not len(target):
        raise UsageError(f"pictures are of shape {tuple(target.shape)}", f"the model makes (N, {str(model.spec.shape)[1:]}")
    if steps < 1 or seed < 0:
        raise UsageError(f"{steps} steps with seed {seed} find nothing", "use 1 step or more, and a seed of at least 0")
    near = candidates(model, where, labels, seed)
    shown = pictures(model, near)
    begun, ended = [], []
    for done, part in enumerate(target.split(AT_ONCE)):
        start = near.at(nearest(part, shown, network))
        begun.append(start)
        ended.append(descended(model, part, start, network, steps, seed))
        if report and len(target) > AT_ONCE:
            report(f"{min((done + 1) * AT_ONCE, len(target))} of {len(target)} pictures inverted")
    codes = joined(*ended)
    made = pictures(model, codes)
    start_at, found_at = (distances(network, each, target) for each in (pictures(model, joined(*begun)), made))
    measure = "mean squared error of pixels" if network is None else f"perceptual distance by {network.name}"
    return Inversion(codes, target, made, start_at, found_at, measure, psnr(made, target))


def candidates(model: Model, space: Chosen, labels: Sequence[int] | None, seed: int) -> Codes:
    """Samples to begin from, ``CANDIDATES`` of each class that is allowed."""
    if labels is None:
        return drawn(model, range(CANDIDATES), seed=seed, space=space)
    parts = [drawn(model, range(CANDIDATES), seed=seed, space=space, labels=[label]) for label in dict.fromkeys(labels)]
    return joined(*parts)


@torch.no_grad()
def nearest(target: Tensor, shown: Tensor, network: DifferentiableNetwork | None) -> Tensor:
    """Which of ``shown`` (M, C, H, W) is nearest to each of ``target`` (N, C, H, W): (N,) int64."""
    rows = [torch.cat([loss_to(each, network)(part) for part in shown.split(64)]) for each in target.split(1)]
    return torch.stack(rows).argmin(1)


def loss_to(target: Tensor, network: DifferentiableNetwork | None) -> Callable[[Tensor], Tensor]:
    """A function from pictures (N, C, H, W) to how far each is from its target, (N,); one target will do for all."""
    wanted = [] if network is None else [stage.detach() for stage in network.activations(target, SIDE)]

    def loss(made: Tensor) -> Tensor:
        goal = target.to(made.device).expand_as(made)
        far = PIXELS * (made - goal).square().flatten(1).mean(1)
        if network is None:
            for side in (2, 4):
                smaller = (avg_pool2d(each, side, ceil_mode=True) for each in (made, goal))
                far = far + PIXELS * torch.sub(*smaller).square().flatten(1).mean(1)
            return far
        stages = [stage.expand(len(made), -1, -1, -1) for stage in wanted]
        seen = staged_distances(network.activations(made, SIDE), stages)
        return far + torch.stack(seen).mean(0).to(far.device)

    return loss


def descended(
    model: Model, target: Tensor, start: Codes, network: DifferentiableNetwork | None, steps: int, seed: int
) -> Codes:
    """The codes to which descent on ``loss_to`` and the prior leads from ``start``."""
    method, device = model.ready(), model.device
    place = coordinates(model, start)
    label = None if start.label is None else start.label.to(device)
    free = place.to_free(start.value).to(device, copy=True).requires_grad_()  # the descent writes into it
    loss, source = loss_to(target.to(device), network), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([free], lr=RATE, betas=(0.9, 0.99))
    for step in range(steps):
        done = step / steps
        optimiser.param_groups[0]["lr"] = RATE * min(1.0, (done + 1 / steps) / WARM) * cool(done)
        fade = NOISE * max(0.0, 1 - done / QUIET) ** 2
        noisy = free + fade * torch.randn(free.shape, generator=source).to(device)
        made = rendered(method, Codes(start.space, place.to_code(noisy), label)).float()
        far = loss(made) + PRIOR * place.strange(free)
        optimiser.zero_grad(set_to_none=True)
        far.sum().backward()
        optimiser.step()
    return start.moved(place.to_code(free.detach()).cpu())


def cool(done: float) -> float:
    """The factor of the rate: 1, and half a cosine to 0 over the last steps."""
    return 0.5 + 0.5 * cos(pi * max(0.0, (done - 1 + COOL) / COOL))


@dataclass(frozen=True)
class Coordinates:
    """Free coordinates of codes, of about deviation 1.

    Args:
        to_free, to_code: from a code's value and back; the latter is differentiable.
        strange: how unlike a sample's coordinates are, (N,): 0 where they are typical.
    """

    to_free: Callable[[Tensor], Tensor]
    to_code: Callable[[Tensor], Tensor]
    strange: Callable[[Tensor], Tensor]


def coordinates(model: Model, codes: Codes) -> Coordinates:
    """Normal numbers in z, deviations from the average style in w."""
    if codes.space == "z":
        prior = model.method.config.prior
        return Coordinates(
            lambda value: to_normal(value, prior),
            lambda free: from_normal(free, prior),
            lambda free: (free.square().mean(1) - 1).square(),
        )
    average = average_style(model)
    deviation = (drawn(model, range(CANDIDATES), space="w").value - average).square().mean().sqrt()
    return Coordinates(
        lambda value: (value - average) / deviation,
        lambda free: average.to(free.device) + deviation.to(free.device) * free,
        lambda free: free.square().flatten(1).mean(1),
    )


@torch.no_grad()
def distances(network: DifferentiableNetwork | None, made: Tensor, target: Tensor) -> Tensor:
    """How far each reconstruction is, (N,) float64: what is reported."""
    if network is None:
        return (made - target).square().flatten(1).mean(1).double()
    return torch.cat([lpips_distance(network, *pair) for pair in zip(made.split(8), target.split(8), strict=True)])


def perceptual_network(word: str, report: Callable[[str], None] | None = None) -> DifferentiableNetwork | None:
    """The network that a word names: efficientnet, inception, one of these with :PATH, or None for "pixels".

    "auto" is efficientnet, and pixels where its weights cannot be fetched, which ``report`` is told.

    Raises:
        UsageError: another word, or a network that shows no activations. DataError: the weights cannot be had.
    """
    if word == "pixels":
        return None
    if word.partition(":")[0] not in ("auto", *PERCEPTUAL):
        raise UsageError(f"pictures are not inverted by {word!r}", f"choose from auto, {', '.join(PERCEPTUAL)}, pixels")
    try:
        network = feature_network("efficientnet" if word == "auto" else word, None, report=report)
    except DataError as error:
        if word != "auto":
            raise
        if report:
            report(f"inverting by pixels alone: {error.cause}")
        return None
    assert isinstance(network, DifferentiableNetwork)
    return network


# -- pictures from files -------------------------------------------------------------------------------------------------


def read_target(path: Path, model: Model, fit: str = "crop") -> tuple[Tensor, Header]:
    """A picture file at the model's size, (1, C, H, W) in [-1, 1], read as training data is, and what its header says.

    Raises:
        DataError: it is damaged, too small or no picture.
    """
    channels, rows, columns = model.spec.shape
    if not path.exists():
        raise DataError(f"there is no picture {path}", "name a PNG, JPEG, WebP, BMP or TIFF")
    if channels not in (1, 3, 4):
        raise UsageError(f"the model makes pictures of {channels} channels, no file has these", "use apps.invert in Python")
    try:
        pixels, header, _ = decode(path, Look((rows, columns), channels, fit))  # type: ignore[arg-type]
    except BadPicture as error:
        raise DataError(f"{path}: {error}", "give another picture") from None
    return torch.from_numpy(pixels.copy())[None].float().sub_(127.5).div_(127.5), header
