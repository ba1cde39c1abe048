"""Damage as a stage of the data: any pictures become pairs of what a network is given and what it should give back.

Every kind is a pure function of the pictures, the rows they stand in and the number of a draw, so that the same epoch of the
same seed does the same damage on every machine, on any number of ranks and after a resume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganvas.data.dataset import ArrayData
from ganvas.data.translation import PairData
from ganvas.errors import UsageError

Bits = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
HIDDEN = 128  # what a hole shows: as near to 0 of [-1, 1] as 8 bits go
NOISE = (0.04, 0.2)
QUALITY = (5, 40)
Kind = Callable[[Tensor, Tensor, int], Tensor]


def bits(row: Tensor, draw: int, purpose: str, count: int) -> Bits:
    """Random bits of each row, uint64 (N, count): a hash of (row, draw, purpose, place), by the finaliser of splitmix64.

    A generator a picture would cost ten microseconds each; this is one pass for the batch (Steele et al. 2014).
    """
    salt = int.from_bytes(purpose.encode().ljust(8, b"\0")[:8], "little") ^ (draw * 0x9E3779B97F4A7C15 & 2**64 - 1)
    with np.errstate(over="ignore"):
        start = mixed(row.numpy().astype(np.uint64) * np.uint64(0xD1342543DE82EF95) + np.uint64(salt))
        return mixed(start[:, None] + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def mixed(value: Bits) -> Bits:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def uniform(row: Tensor, draw: int, purpose: str, count: int) -> Tensor:
    """Numbers in [0, 1), float32 (N, count)."""
    return torch.from_numpy((bits(row, draw, purpose, count) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24))


def normal(row: Tensor, draw: int, purpose: str, count: int) -> Tensor:
    """Standard normal numbers, float32 (N, count), by Box and Muller's formula: two of each 64 bits."""
    drawn = bits(row, draw, purpose, (count + 1) // 2)
    first = ((drawn >> np.uint64(32)).astype(np.float32) + np.float32(1)) * np.float32(2**-32)
    second = (drawn & np.uint64(2**32 - 1)).astype(np.float32) * np.float32(2 * np.pi * 2**-32)
    radius = np.sqrt(np.float32(-2) * np.log(np.minimum(first, np.float32(1))))
    return torch.from_numpy(np.concatenate([radius * np.cos(second), radius * np.sin(second)], 1)[:, :count])


def grey(picture: Tensor, row: Tensor, draw: int) -> Tensor:
    """The luma of ITU-R BT.601, as Pillow's mode L: (N, 3, H, W) to (N, 1, H, W)."""
    weight = torch.tensor([19595, 38470, 7471], dtype=torch.int32).view(1, 3, 1, 1)
    return ((picture.to(torch.int32) * weight).sum(1, keepdim=True) + 0x8000 >> 16).to(torch.uint8)


def smaller(times: int) -> Kind:
    """A ``times`` smaller picture, by an antialiased bicubic filter."""

    def kind(picture: Tensor, row: Tensor, draw: int) -> Tensor:
        height, width = (side // times for side in picture.shape[-2:])
        return interpolate(picture, (height, width), mode="bicubic", antialias=True)

    return kind


def blurred(times: int) -> Kind:
    """The same, enlarged again by the bicubic filter: for networks whose two sides are of one size."""

    def kind(picture: Tensor, row: Tensor, draw: int) -> Tensor:
        small = smaller(times)(picture, row, draw)
        return interpolate(small, picture.shape[-2:], mode="bicubic", antialias=True)

    return kind


def noisy(picture: Tensor, row: Tensor, draw: int) -> Tensor:
    """Gaussian noise of a standard deviation between 4 and 20 % of the range, another for each picture."""
    low, high = NOISE
    sigma = (uniform(row, draw, "sigma", 1) * (high - low) + low) * 255
    noise = normal(row, draw, "noise", picture[0].numel()) * sigma
    return picture.flatten(1).float().add_(noise).round_().clamp_(0, 255).to(torch.uint8).view(picture.shape)


def holes(row: Tensor, draw: int, height: int, width: int) -> Tensor:
    """One to three boxes, each up to half as long as the picture, bool (N, 1, H, W)."""
    drawn = uniform(row, draw, "holes", 16).view(-1, 16, 1, 1)
    y, x = torch.arange(height).view(1, -1, 1) + 0.5, torch.arange(width).view(1, 1, -1) + 0.5
    count, hidden = 1 + (drawn[:, 0] * 3).floor(), torch.zeros(len(row), height, width, dtype=torch.bool)
    for box in range(3):
        top, left, tall, wide = drawn[:, 1 + 4 * box : 5 + 4 * box].unbind(1)
        half_y, half_x = (0.1 + 0.15 * tall) * height, (0.1 + 0.15 * wide) * width
        inside = ((y - top * height).abs() < half_y) & ((x - left * width).abs() < half_x)
        hidden |= inside & (count > box)
    return hidden[:, None]


def scratched(picture: Tensor, row: Tensor, draw: int) -> Tensor:
    """Three to eight thin lines across the picture, each white or black, of 1 to 2.5 % of its width."""
    height, width = picture.shape[-2:]
    drawn = uniform(row, draw, "scratch", 48).view(-1, 48, 1, 1)
    y = (torch.arange(height).view(1, -1, 1) + 0.5) / height
    x = (torch.arange(width).view(1, 1, -1) + 0.5) / width
    count, damaged = 3 + (drawn[:, 0] * 6).floor(), picture.clone()
    for line in range(8):
        angle, offset, wide, light, bend = drawn[:, 1 + 5 * line : 6 + 5 * line].unbind(1)
        across = (x - 0.5) * (angle * np.pi).cos() + (y - 0.5) * (angle * np.pi).sin()
        along = (y - 0.5) * (angle * np.pi).cos() - (x - 0.5) * (angle * np.pi).sin()
        distance = (across - (offset - 0.5) + (bend - 0.5) * 0.3 * along.square()).abs()
        thin = 0.5 * max(1 / width, 0.01) * (1 + 1.5 * wide)
        hit = (distance < thin) & (count > line)
        damaged = torch.where(hit[:, None], ((light > 0.5) * 255).to(torch.uint8)[:, None], damaged)
    return damaged


def compressed(picture: Tensor, row: Tensor, draw: int) -> Tensor:
    """JPEG of a quality between 5 and 40, another for each picture; needs 1 or 3 channels."""
    from PIL import Image

    low, high = QUALITY
    quality = (uniform(row, draw, "jpeg", 1)[:, 0] * (high - low) + low).round().int().tolist()
    made = torch.empty_like(picture)
    for index, (one, level) in enumerate(zip(picture, quality, strict=True)):
        pixels = one[0].numpy() if len(one) == 1 else one.permute(1, 2, 0).contiguous().numpy()
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=level)
        back = torch.from_numpy(np.array(Image.open(buffer)))
        made[index] = back if back.dim() == 2 else back.permute(2, 0, 1)
    return made


KINDS: dict[str, Kind | None] = {
    "grey": grey,
    "down2": smaller(2),
    "down4": smaller(4),
    "blur2": blurred(2),
    "blur4": blurred(4),
    "holes": None,
    "scratches": scratched,
    "noise": noisy,
    "jpeg": compressed,
}
RESIZING = {"down2": 2, "down4": 4}


class Damaged:
    """Damage of one kind or of several after each other, ``noise+jpeg``; a ``translation.Damage``.

    Holes show mid-grey and add a last channel that says where they are: 255 in a hole, 0 outside.

    Args:
        kinds: names of ``KINDS`` with + between them.
        shape: (C, H, W) of the pictures.
        seed: another seed does other damage in the same draw.

    Raises:
        UsageError: there is no such kind, or pictures of that shape cannot be damaged so.
    """

    def __init__(self, kinds: str, shape: tuple[int, ...], seed: int = 0) -> None:
        self.kinds = [kind.strip() for kind in kinds.split("+")]
        for kind in self.kinds:
            if kind not in KINDS:
                raise UsageError(f"there is no damage called {kind!r}", f"choose from {', '.join(KINDS)}; + joins several")
        if len(set(self.kinds)) < len(self.kinds):
            raise UsageError(f"damage {kinds} names a kind twice", "name each once")
        channels, *sides = shape
        if "grey" in self.kinds and channels != 3:
            raise UsageError(
                f"pictures of {channels} channels cannot be made grey",
                "give pictures in colour, such as faces or your photographs",
            )
        if "jpeg" in self.kinds and channels not in (1, 3):
            raise UsageError(f"JPEG has no {channels} channels", "give grey or RGB pictures (--channels 3)")
        if resizing := [kind for kind in self.kinds if kind in RESIZING]:
            if self.kinds[-1] != resizing[0] or len(resizing) > 1 or "holes" in self.kinds:
                raise UsageError(
                    f"damage {kinds} changes the size before its end", f"put {resizing[0]} last, and without holes"
                )
            if any(side % RESIZING[resizing[0]] for side in sides):
                raise UsageError(f"{sides[1]}x{sides[0]} is no multiple of {RESIZING[resizing[0]]}", "choose a size that is")
        self.name, self._seed = f"{kinds} {seed}", seed

    def __call__(self, picture: Tensor, row: Tensor, draw: int) -> Tensor:
        number, hidden = mixed_draw(draw, self._seed), None
        for kind in self.kinds:
            if (change := KINDS[kind]) is not None:
                picture = change(picture, row, number)
                continue
            hidden = holes(row, number, *picture.shape[-2:])
            picture = torch.where(hidden, torch.tensor(HIDDEN, dtype=torch.uint8), picture)
        return picture if hidden is None else torch.cat([picture, hidden.to(torch.uint8) * 255], 1)


def mixed_draw(draw: int, seed: int) -> int:
    """One number of two."""
    return int(mixed(np.array([(draw * 0x9E3779B97F4A7C15 + seed) % 2**64], np.uint64))[0])


def degraded(data: ArrayData, kinds: str, *, held_damage: str | None = None, seed: int = 0) -> PairData:
    """Pairs of damaged pictures and the pictures as they were; the damage is drawn anew in every epoch.

    Args:
        data: the pictures.
        kinds, seed: see ``Damaged``.
        held_damage: the kinds that the held-out part suffers, when they shall be others: to judge on damage never trained on.

    Raises:
        UsageError: no such damage, or pictures that cannot be damaged so, or to another shape than in training.
    """
    damage, others = Damaged(kinds, data.spec.shape, seed), Damaged(held_damage or kinds, data.spec.shape, seed)

    def pairs(part: ArrayData, damage: Damaged, name: str) -> PairData:
        return PairData(
            damage,
            part.images,
            label=part.labels,
            rows=part.rows,
            name=name,
            licence=data.licence,
            origin=data.origin,
            fingerprint=hashlib.sha256(f"{damage.name} {part.fingerprint}".encode()).hexdigest(),
            mirror=part.mirror,
        )

    training = pairs(data, damage, f"degraded:{kinds}:{data.name}")
    options = {"held_damage": held_damage, "seed": seed or None}
    given = {key: value for key, value in options.items() if value is not None}
    source = f"degraded:{kinds}:{data.recipe.get('source')}"
    training.recipe = {**data.recipe, "source": source, **given} if data.recipe else {}
    training.notes = (
        *data.notes,
        f"damage: {kinds}, drawn anew in every epoch" + (f"; held out: {held_damage}" if held_damage else ""),
    )

    def held_out() -> PairData:
        test = pairs(data.held_out(), others, f"{training.name} (held out)")
        if test.spec != training.spec:
            raise UsageError(f"{held_damage} damage leaves other shapes than {kinds}", "judge on damage that leaves the same")
        return test

    return training.whole(held_out)
