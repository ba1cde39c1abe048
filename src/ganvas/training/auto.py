"""The default recipe: what is trained and how large it is, by the data, the machine and the time there is.

The method is R3GAN: it keeps modes, and needs no balancing of its players. A wider network learns more from a picture and sees
fewer of them, so the widest is taken that still sees ``SEEN`` pictures; how fast each trains is measured here and now, by some
steps on noise. Its networks without normalisation start slowly: where even the smallest sees fewer than ``SETTLED`` pictures a
pixel, the same game on DCGAN's networks is further by the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from ganvas.data import Data
from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, ResourceError, UsageError
from ganvas.methods import METHODS
from ganvas.training.budget import Budget
from ganvas.training.engine import Engine
from ganvas.training.loop import ran_out_of_memory
from ganvas.training.precision import choose_autocast, choose_device
from ganvas.training.ranks import Ranks

METHOD = "r3gan"
FEWEST = 20
"""Pictures below which nothing is held out, so that no score could tell learning from copying."""
SEEN = 150_000
"""Pictures that training shall see before a wider network pays."""
SETTLED = 100
"""Pictures that training must see for each pixel of one, or R3GAN's own networks are better left. Measured: of faces they were
behind WGAN-GP, by a sixth after 14 (64x64, KID) and by a quarter after 67 (32x32), of digits and clothing far ahead after 130,
and seven times as near as on DCGAN's networks."""
SHARP = 8
"""As many must it see a pixel on DCGAN's networks for a higher resolution: drawn faces of 64x64 have all parts by then."""
LARGEST, SMALLEST = 256, 32
"""Pixels of a side that are chosen."""
BATCHES, KEPT = (64, 32), 0.75
"""The smaller batch for small pictures, if the machine keeps this share of its speed with it."""
EPOCHS = 40
"""From this many passes over the pictures on, adaptive augmentation watches whether the discriminator learns them by heart.
On DCGAN's networks KID of a folder of 300 faces, after ten minutes of a core, fell with it from 0.24 to 0.20."""
RUNGS = ((16, 2), (24, 2), (32, 2), (48, 2), (32, 1), (48, 1), (64, 1), (96, 1), (128, 1))
"""Networks from small to large: channels of the finest stage, and pixels a side that it has in one place."""
USUAL = (32, 2)
"""Where the budget is in steps or images, so that speed is no argument."""
TIMED_STEPS = 2
SPENT = 0.93
"""Of the time on steps; the rest goes into scores, pictures and checkpoints."""
MOST_CLASSES, FEWEST_A_CLASS = 100, 20
"""Classes are learnt when they are no more than this, and each has so many pictures."""

PICTURES: dict[str, Any] = {
    "blocks": 1, "block": "basic", "gamma": 10.0, "final_gamma": 1.0, "learning_rate": 1e-3, "schedule": "cosine",
    "final_generator_ratio": 0.3, "ema_half_life": 100_000.0, "ema_warm_up": 0.1,
}  # fmt: skip
"""Of acceptance row C4. The rate and the penalties' weight are for hours of a CPU, where the paper has days of GPUs. At such
rates the players circle each other, so the generator's falls behind, and averages look back on a tenth of the training."""
SMALL: dict[str, Any] = {"ends": "dense", "fine": 8}
"""Beside them, and in small batches, up to ``SMALLEST`` pixels a side: 99,000 digits, at width 16, ended half as far away as
with the paper's ends in batches of 64, and more varied. At 64 pixels, on faces, nothing was learnt so: the tanh saturated. With
the fine layer 99,000 pieces of clothing ended half as far away again."""
HASTE: dict[str, Any] = {
    "width": 24, "latent_size": 64, "critic_steps": 3, "learning_rate": 7e-4, "beta1": 0.0, "batch_size": 32,
}  # fmt: skip
"""WGAN-GP's, where minutes are few: the preset ``demo``, and rows LI and F5."""
QUICK: dict[str, Any] = {
    "networks": "dcgan", "width": 24, "latent_size": 64, "batch_size": 16, "gamma": 5.0, "learning_rate": 1.5e-3,
}  # fmt: skip
"""R3GAN's, where minutes are few: after ten of a core faces of 64x64 have a KID of 0.21, where ``HASTE`` has 0.34. As near with
a gamma of 1, but then colours drift: the sliced Wasserstein distance is 0.09 for 0.06."""
POINTS: dict[str, Any] = {
    "latent_size": 2, "width": 128, "batch_size": 256, "gamma": 0.05, "learning_rate": 2e-3, "ema_half_life": 20_000.0,
    "schedule": "cosine",
}  # fmt: skip
"""Of the preset ``ring``."""


@dataclass(frozen=True)
class Recipe:
    """What is trained.

    Args:
        method: of METHODS.
        settings: of its Config, where they are not the defaults.
        size: pixels of a side to which a folder's pictures are brought; None leaves it to the data.
        why: the choices in words, five lines.
    """

    method: str
    settings: dict[str, Any]
    size: int | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where it trains.

    Args:
        device, autocast, ranks: see ``Engine``.
    """

    device: torch.device
    autocast: torch.dtype | None
    ranks: Ranks

    def __str__(self) -> str:
        if self.device.type == "cuda":
            memory = torch.cuda.get_device_properties(self.device).total_memory / 2**30
            words = f"{torch.cuda.get_device_name(self.device)}, {memory:.0f} GiB"
        else:
            threads = torch.get_num_threads()
            words = f"{self.device}, {threads} thread{'s' if threads > 1 else ''}"
        words += ", bf16" if self.autocast else ", fp32"
        return words + (f", {self.ranks.world} ranks" if self.ranks.world > 1 else "")


@dataclass(frozen=True)
class Trial:
    """A network on this machine.

    Args:
        spec: the pictures.
        settings: of the method.
        speed: pictures a second, of all ranks together.
        images: that the budget allows.
    """

    spec: Spec
    settings: dict[str, Any]
    speed: float
    images: int


def recipe_for(
    data: Data, budget: Budget, *, largest: int | None = None, device: str = "auto", precision: str = "auto",
    threads: int | None = None,
) -> Recipe:  # fmt: skip
    """The default recipe for data, a budget and this machine; takes some seconds, in which it trains on noise.

    Args:
        data: pictures or points.
        budget: how long training shall take.
        largest: pixels of a side that the pictures have, when their size may be chosen; None keeps that of ``data``.
        device, precision, threads: see ``train``.

    Raises:
        UsageError: the data is for translation. DataError: fewer than 20 pictures. ResourceError: not even the smallest fits.
    """
    spec = data.spec
    if spec.source is not None:
        raise UsageError("auto makes samples from noise, this data is for translation", "use `ganvas train translate`")
    refuse_few(data)
    chosen = choose_device(device)
    if threads or (chosen.type == "cpu" and not spec.is_image):  # as training will have it
        torch.set_num_threads(threads or 1)
    place = Place(chosen, choose_autocast(precision, chosen, spec), Ranks(chosen))
    return for_pictures(data, budget, largest, place) if spec.is_image else for_points(data, budget, place)


def refuse_few(data: Data) -> None:
    """Raises a DataError when there are too few pictures to make others like them."""
    if data.spec.is_image and 0 < len(data) < FEWEST:
        raise DataError(
            f"{len(data)} pictures are too few: a GAN would only repeat them, and none could be held out to notice it",
            f"give {FEWEST} or more, better 1,000; a task such as `ganvas train upscale` learns from fewer",
        )


def for_points(data: Data, budget: Budget, place: Place) -> Recipe:
    """A perceptron each, in the relativistic game."""
    trial = tried(data.spec, POINTS, budget, place)
    if trial is None:
        raise ResourceError("memory does not hold two perceptrons", "close what else is running")
    images = trial.images
    why = (
        f"data: {amount(data)} in {data.spec.shape[0]} dimensions",
        f"machine: {place}: {trial.speed:,.0f} points a second",
        f"method: {METHOD}, two perceptrons: relativistic pairing keeps all modes",
        f"network: width {POINTS['width']}, latents of {POINTS['latent_size']} components",
        f"schedule: rates fall along a cosine over {images:,} points",
    )
    return Recipe(METHOD, POINTS | {"decay_images": images}, None, why)


def for_pictures(data: Data, budget: Budget, largest: int | None, place: Place) -> Recipe:
    """Networks without normalisation in the relativistic game, as large as the time pays for."""
    counts = class_counts(data)
    conditional = 1 < len(counts) <= MOST_CLASSES and min(counts) >= FEWEST_A_CLASS
    batch = min(BATCHES[0], len(data)) if len(data) else BATCHES[0]
    settings = PICTURES | {"conditional": conditional, "batch_size": batch}
    spec = data.spec
    side = None if largest is None else side_within(spec, budget, largest, place)
    if side is not None:
        spec = replace(spec, shape=(spec.shape[0], side, side))
    small = max(spec.shape[1:]) <= SMALLEST
    settings |= SMALL if small else {}
    trial, larger = widest(spec, settings, budget, place)
    if budget.minutes is not None and trial.images < settled(spec):
        hurried = in_haste(data, side, budget, place, trial)
        if hurried is not None:
            return hurried
    if passes(trial, data) >= EPOCHS:
        trial, larger = widest(spec, settings | {"augment": "ada"}, budget, place)  # it takes a share of the time
    if small and batch > BATCHES[1] and budget.steps is None:
        smaller = tried(spec, trial.settings | {"batch_size": BATCHES[1]}, budget, place)
        trial = smaller if smaller is not None and smaller.images >= KEPT * trial.images else trial
    settings = trial.settings | {"decay_images": trial.images}
    shown = "x".join(map(str, spec.shape))
    learnt = f"{len(counts)} classes, learnt by class" if conditional else "learnt as one"
    unlearnt = f" ({len(counts)} classes, some with fewer than {FEWEST_A_CLASS})" if len(counts) > 1 and not conditional else ""
    patch = "" if settings["patch"] == 1 else f", {settings['patch']}x{settings['patch']} pixels in one place"
    why = (
        f"data: {amount(data)}, {learnt}{unlearnt}",
        f"machine: {place}: {trial.speed:,.0f} pictures a second with this network",
        f"method: {METHOD}: relativistic pairing with R1 and R2 keeps the modes and needs no balancing",
        f"network: {shown}, width {settings['width']}{patch}: {trial.images:,} pictures in the time, in batches of "
        f"{settings['batch_size']}" + (f" (the next larger network: {larger.images:,})" if larger else ""),
        "schedule: rates and gamma fall over them; " + told_of_passes(trial, data),
    )
    return Recipe(METHOD, settings, side, why)


def in_haste(data: Data, side: int | None, budget: Budget, place: Place, slower: Trial) -> Recipe | None:
    """The same game on DCGAN's networks, for a time in which its own, ``slower``, would not settle; None if they do not fit.

    Classes are left out: in five minutes of a core faces and emoji ended further away by class.
    """
    trial = tried(slower.spec, QUICK, budget, place)
    if trial is None:
        return None
    if passes(trial, data) >= EPOCHS:
        trial = tried(slower.spec, QUICK | {"augment": "ada"}, budget, place) or trial
    why = (
        f"data: {amount(data)}, learnt as one",
        f"machine: {place}: {trial.speed:,.0f} pictures a second with this network",
        f"method: {METHOD} on DCGAN's networks: its own would see {slower.images:,} pictures in the time, too few for them",
        f"network: {'x'.join(map(str, slower.spec.shape))}, width {QUICK['width']}: {trial.images:,} pictures in the "
        f"time, in batches of {QUICK['batch_size']}",
        "schedule: constant rates; " + told_of_passes(trial, data),
    )
    return Recipe(METHOD, trial.settings, side, why)


def passes(trial: Trial, data: Data) -> float:
    """How often each picture is seen."""
    return trial.images / len(data) if len(data) else 0.0


def told_of_passes(trial: Trial, data: Data) -> str:
    """The same in words, and what is done about it."""
    done = "so ada watches for overfitting" if trial.settings.get("augment") == "ada" else "augmentation is off"
    return f"each picture is seen {passes(trial, data):,.1f} times, {done}"


def side_within(spec: Spec, budget: Budget, largest: int, place: Place) -> int:
    """The highest resolution, a power of two, at which the quick networks still see ``SHARP`` pictures a pixel.

    Measured at the lowest; each doubling costs four times as much.
    """
    top = 1 << (max(8, min(largest, LARGEST)).bit_length() - 1)
    side = min(top, SMALLEST)
    trial = tried(replace(spec, shape=(spec.shape[0], side, side)), QUICK, budget, place)
    images = trial.images if trial else 0
    while side < top and images / 4 >= SHARP * (2 * side) ** 2:
        side, images = side * 2, images // 4
    return side


def widest(spec: Spec, settings: dict[str, Any], budget: Budget, place: Place) -> tuple[Trial, Trial | None]:
    """The largest network that still sees ``SEEN`` pictures, or the smallest of all; and the next larger, if it was tried."""
    side = min(spec.shape[1:])
    if budget.minutes is None:
        usual = tried(spec, settings | rung(USUAL, side), budget, place)
        if usual is not None:
            return usual, None
    best: Trial | None = None
    for one in RUNGS:
        trial = tried(spec, settings | rung(one, side), budget, place)
        if trial is None or (best is not None and trial.images < max(SEEN, settled(spec))):
            if best is None:
                shape, count = "x".join(map(str, spec.shape)), settings["batch_size"]
                raise ResourceError(f"memory does not hold {count} pictures of {shape} at width {one[0]}", "lower --size")
            return best, trial
        best = trial
    assert best is not None
    return best, None


def settled(spec: Spec) -> int:
    """Pictures after which R3GAN is ahead."""
    return SETTLED * math.prod(spec.shape[1:])


def rung(one: tuple[int, int], side: int) -> dict[str, int]:
    """A network of ``RUNGS`` as settings; pictures of 8 pixels leave nothing to put in one place."""
    width, patch = one
    return {"width": width, "patch": patch} if patch > 1 and side >= 16 else {"width": width, "patch": 1, "fine": 0}


def tried(spec: Spec, settings: dict[str, Any], budget: Budget, place: Place) -> Trial | None:
    """Plays some steps on noise; None when memory runs out. The caller's random state is left alone."""
    kind = METHODS[METHOD]
    config = kind.Config(**settings)
    devices = [place.device] if place.device.type == "cuda" else []
    seconds = 0.0
    with torch.random.fork_rng(devices=devices):
        try:
            engine = Engine(kind(config, spec), device=place.device, autocast=place.autocast, seed=0, ranks=place.ranks)
            noise = pictures(spec, config.batch_size, place.device)
            for step in range(1 + TIMED_STEPS):
                if step == 1:  # the first step also prepares
                    engine.terms()
                    started = time.perf_counter()
                engine.step(step, noise)
            engine.terms()  # waits for the device
            seconds = (time.perf_counter() - started) / TIMED_STEPS
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
    seconds = place.ranks.share(seconds)
    if not seconds:
        return None
    speed = config.batch_size * place.ranks.world / seconds
    allowed = images_asked(budget, config.batch_size, place.ranks.world)
    in_time = None if budget.minutes is None else int(SPENT * 60 * budget.minutes * speed)
    images = min(count for count in (allowed, in_time) if count is not None)
    return Trial(spec, settings, speed, images)


def pictures(spec: Spec, count: int, device: torch.device) -> Iterator[Images]:
    """Endless batches of one noise, (count, C, H, W) in [-1, 1], its labels the classes in turn."""
    image = torch.rand(count, *spec.shape, device=device).mul_(2).sub_(1)
    label = torch.arange(count, device=device) % max(1, len(spec.classes))
    while True:
        yield Images(image, label)


def images_asked(budget: Budget, batch: int, world: int) -> int | None:
    """The images that a budget in images or steps comes to; None without one."""
    asked = [budget.images, None if budget.steps is None else budget.steps * batch * world]
    return min((count for count in asked if count is not None), default=None)


def class_counts(data: Data) -> list[int]:
    """Pictures of each class; empty without labels of one class a picture."""
    labels, rows = getattr(data, "labels", None), getattr(data, "rows", None)
    if labels is None or labels.dim() != 1 or not data.spec.classes:
        return []
    chosen = labels if rows is None else labels[rows]
    return torch.bincount(chosen, minlength=len(data.spec.classes)).tolist()


def amount(data: Data) -> str:
    """ "7,572 samples", or "endless samples"."""
    return f"{len(data):,} samples" if len(data) else "endless samples"
