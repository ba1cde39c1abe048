"""Distributions of points in the plane, whose truth is known: the modes can be counted and the distance computed."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import HELD_OUT_DRAWS, SUBSET, TRAINING_DRAWS, Stream, check_ranks, random_bits
from ganvas.errors import UsageError

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Draw = Callable[[np.random.Generator, int], tuple[Floats, "np.ndarray[tuple[int], np.dtype[np.int64]] | None"]]
"""(random source, count) -> points (count, 2) float32 and the mode each is from, or None."""


class Points:
    """A distribution in the plane; every batch is a fresh draw.

    Attributes:
        modes: the centres (K, 2) float32 of a mixture of Gaussians, else None.
        sigma: the standard deviation of each coordinate around its mode, else None.
        name, spec, licence, origin, fingerprint, recipe: see ``Data``.
    """

    notes: tuple[str, ...] = ()
    licence = "none needed (drawn from a formula)"

    def __init__(
        self, name: str, parameters: dict[str, Any], draw: Draw, modes: Tensor | None = None, sigma: float | None = None
    ) -> None:
        self.name = name
        self.modes, self.sigma = modes, sigma
        self.spec = Spec((2,), () if modes is None else tuple(str(index) for index in range(len(modes))))
        settings = ", ".join(f"{key}={value:g}" for key, value in parameters.items())
        self.origin = f"the formula of {name} ({settings})"
        self.fingerprint = hashlib.sha256(json.dumps([name, parameters], sort_keys=True).encode()).hexdigest()
        self.recipe: dict[str, Any] = {"source": f"points:{name}", **({"parameters": parameters} if parameters else {})}
        self.draw = draw
        self._purpose = TRAINING_DRAWS

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # its length is 0 because it never ends

    def __repr__(self) -> str:
        return f"<points from {self.origin}>"

    def stream(
        self, batch_size: int, *, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> PointStream:
        check_ranks(batch_size, rank, world)
        return PointStream(self.draw, self._purpose, batch_size, seed, rank, world, torch.device(device))

    def held_out(self) -> Points:
        """The same distribution with other randomness: no draw of it is a draw of training."""
        other = Points.__new__(Points)
        other.__dict__.update(self.__dict__, _purpose=HELD_OUT_DRAWS)
        return other

    def real(self, count: int, seed: int = 0) -> Images:
        """``count`` points, the same for the same seed, none of them a draw of training."""
        source = np.random.Generator(random_bits(seed, SUBSET, self._purpose))
        return as_images(self.draw(source, count))


class PointStream(Stream[Images]):
    """Fresh draws: rank r takes its slice of the global batch, which depends on (seed, cursor) alone."""

    def __init__(
        self, draw: Draw, purpose: int, batch_size: int, seed: int, rank: int, world: int, device: torch.device
    ) -> None:
        self._draw, self._purpose, self._seed, self._device = draw, purpose, seed, device
        self._total = batch_size * world
        self._own = slice(rank * batch_size, (rank + 1) * batch_size)

    def at(self, cursor: int) -> Images:
        source = np.random.Generator(random_bits(self._seed, self._purpose, cursor))
        image, label = as_images(self._draw(source, self._total))
        image, label = image[self._own], None if label is None else label[self._own]
        return Images(image.to(self._device), None if label is None else label.to(self._device))


def as_images(drawn: tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]] | None]) -> Images:
    position, mode = drawn
    return Images(torch.from_numpy(position), None if mode is None else torch.from_numpy(mode))


def mixture(name: str, parameters: dict[str, Any], modes: Floats, sigma: float) -> Points:
    """Equal-weight Gaussians of standard deviation ``sigma`` around ``modes`` (K, 2)."""

    def draw(source: np.random.Generator, count: int) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
        mode = source.integers(len(modes), size=count)
        position = source.standard_normal((count, 2), dtype=np.float32)
        position *= np.float32(sigma)
        position += modes[mode]
        return position, mode

    return Points(name, parameters, draw, torch.from_numpy(modes.copy()), sigma)


def x_squared(reach: float = 1.0) -> Points:
    """The curve of the thesis's first example: (x, x^2) with x ~ U(-reach, reach)."""
    positive(reach=reach)

    def draw(source: np.random.Generator, count: int) -> tuple[Floats, None]:
        x = (source.random(count, dtype=np.float32) * 2 - 1) * np.float32(reach)
        return np.stack([x, x * x], axis=1), None

    return Points("x-squared", {"reach": reach}, draw)


def ring(modes: int = 8, radius: float = 2.0, sigma: float = 0.02) -> Points:
    """Gaussians on a circle (Metz et al. 2017, unrolled GAN, whose radius of 2 and sigma of 0.02 are kept)."""
    positive(modes=modes, radius=radius, sigma=sigma)
    angle = np.arange(int(modes)) * (2 * math.pi / int(modes))
    centres = (radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)
    return mixture("ring", {"modes": int(modes), "radius": radius, "sigma": sigma}, centres, sigma)


def grid(side: int = 5, spacing: float = 1.0, sigma: float = 0.05) -> Points:
    """Gaussians on a square grid around the origin; 25 of them by default, at -2, -1, 0, 1, 2."""
    positive(side=side, spacing=spacing, sigma=sigma)
    line = (np.arange(int(side)) - (int(side) - 1) / 2) * spacing
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    return mixture("grid", {"side": int(side), "spacing": spacing, "sigma": sigma}, centres, sigma)


def swiss_roll(noise: float = 0.25, scale: float = 7.5) -> Points:
    """(t cos t, t sin t) / scale, t = 1.5 pi (1 + 2u), u ~ U(0, 1), after Gaussian noise (Gulrajani et al. 2017, figure 2)."""
    positive(scale=scale)
    if not (math.isfinite(noise) and noise >= 0):
        raise UsageError(f"noise={noise!r} is out of range", "it must be at least 0")

    def draw(source: np.random.Generator, count: int) -> tuple[Floats, None]:
        t = 1.5 * math.pi * (1 + 2 * source.random(count))
        position = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) + noise * source.standard_normal((count, 2))
        return (position / scale).astype(np.float32), None

    return Points("swiss-roll", {"noise": noise, "scale": scale}, draw)


def two_gaussians(distance: float = 6.0, sigma: float = 1.0) -> Points:
    """Gaussians at (-distance/2, 0) and (distance/2, 0); the defaults are N(-3, 1) and N(3, 1) along x."""
    positive(distance=distance, sigma=sigma)
    centres = np.array([[-distance / 2, 0], [distance / 2, 0]], dtype=np.float32)
    return mixture("two-gaussians", {"distance": distance, "sigma": sigma}, centres, sigma)


POINTS: dict[str, Callable[..., Points]] = {
    "x-squared": x_squared,
    "ring": ring,
    "grid": grid,
    "swiss-roll": swiss_roll,
    "two-gaussians": two_gaussians,
}


def points(name: str, **parameters: float) -> Points:
    """A distribution by its name in ``POINTS``, with that function's parameters.

    Raises:
        UsageError: no such distribution, no such parameter, or a value out of range.
    """
    if name not in POINTS:
        raise UsageError(f"there are no points called {name!r}", f"choose from {', '.join(POINTS)}")
    known = inspect.signature(POINTS[name]).parameters
    for parameter, value in parameters.items():
        if parameter not in known:
            raise UsageError(f"points:{name} has no parameter {parameter!r}", f"it has {', '.join(known)}")
        if not isinstance(value, int | float):
            raise UsageError(f"{parameter}={value!r} is not a number", f"the default is {known[parameter].default}")
    return POINTS[name](**parameters)


def positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name}={value!r} is out of range", "it must be above 0")
