"""Digits in colour, for translation between domains whose truth is known: ink on paper, and MNIST in four hues."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from ganvas.data.dataset import HELD_OUT_DRAWS, ORDER, SUBSET, ArrayData, permutation, to_float
from ganvas.data.mnist import mnist
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError

INK, PAPER = (24, 40, 120), (250, 236, 205)
HUES: dict[str, tuple[int, int, int]] = {
    "red": (255, 64, 64),
    "yellow": (240, 220, 48),
    "green": (48, 220, 80),
    "blue": (72, 112, 255),
}


def inked_digits(root: str | Path | None = None) -> TwoDomainData:
    """Unpaired: x are MNIST's digits (1, 28, 28), white on black; y are *other* digits (3, 28, 28) as blue ink on paper.

    The translation is known, ``inked``, and so is its inverse, ``uninked``: ``true_pairs()`` gives the 10,000 test
    digits with their ink, labelled with the digit, so that one can measure how many digits a translation keeps.

    Args:
        root: as for ``mnist``.

    Raises:
        DataError: MNIST cannot be had.
    """
    digits = mnist(root)
    return domains_of(digits, "inked-digits", {} if root is None else {"root": str(Path(root).absolute())})


def domains_of(digits: ArrayData, name: str, options: dict[str, str]) -> TwoDomainData:
    """Inked digits made of any grey digits that have a test set."""

    def halves(part: ArrayData, name: str) -> TwoDomainData:
        order = permutation(len(part), 0, ORDER, 0)
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        return TwoDomainData(
            part.images[first], inked(part.images[second]), name=name, licence=digits.licence, origin=digits.origin,
            fingerprint=hashlib.sha256(f"inked {INK} {PAPER} {part.fingerprint}".encode()).hexdigest(), true=true,
        )  # fmt: skip

    def true() -> PairData:
        test = digits.held_out()
        return PairData(
            test.images, inked(test.images), label=test.labels, name=f"{name} (true pairs)", licence=digits.licence,
            origin=digits.origin,
        )  # fmt: skip

    data = halves(digits, name)
    data.recipe = {"source": name, **options}
    data.notes = (f"no digit is in both domains; ink {INK} on paper {PAPER}",)
    return data.whole(lambda: halves(digits.held_out(), f"{name} (held out)"))


def inked(grey: Tensor) -> Tensor:
    """Grey digits uint8 (N, 1, H, W) as ink on paper, uint8 (N, 3, H, W): 0 becomes paper, 255 ink, linear between."""
    ink, paper = (torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1) for colour in (INK, PAPER))
    return (paper + (ink - paper) * (grey.float() / 255)).round_().to(torch.uint8)


def uninked(picture: Tensor) -> Tensor:
    """The grey digits that ink on paper shows, (N, 3, H, W) in [-1, 1] to (N, 1, H, W) in [-1, 1]: the inverse of ``inked``.

    A colour that lies between ink and paper not at all is taken for the nearest that does.
    """
    ink, paper = (torch.tensor(colour, device=picture.device).view(1, 3, 1, 1) / 127.5 - 1 for colour in (INK, PAPER))
    way = ink - paper
    share = ((picture - paper) * way).sum(1, keepdim=True) / way.square().sum()
    return share.clamp(0, 1) * 2 - 1


def four_hue_mnist(root: str | Path | None = None) -> ArrayData:
    """MNIST in colour, (3, 28, 28): every digit in one of four hues, chosen at random; the hue is the label.

    ``in_every_hue`` gives held-out digits in all four of them, with the digit as label: what a translation should come to.

    Args:
        root: as for ``mnist``.

    Raises:
        DataError: MNIST cannot be had.
    """
    return hues_of(mnist(root), {} if root is None else {"root": str(Path(root).absolute())})


def hues_of(digits: ArrayData, options: dict[str, str]) -> ArrayData:
    """Four-hue digits made of any grey digits that have a test set."""

    def part(plain: ArrayData, name: str, purpose: int) -> ArrayData:
        hue = permutation(len(plain), 0, purpose, 0) % len(HUES)
        return ArrayData(
            coloured(plain.images, hue), hue, classes=tuple(HUES), name=name, licence=digits.licence, origin=digits.origin,
            fingerprint=hashlib.sha256(f"hues {HUES} {purpose} {plain.fingerprint}".encode()).hexdigest(),
        )  # fmt: skip

    data = part(digits, "four-hue-mnist", ORDER)
    data.recipe = {"source": "four-hue-mnist", **options}
    return data.whole(lambda: part(digits.held_out(), "four-hue-mnist (test set)", HELD_OUT_DRAWS))


def coloured(grey: Tensor, hue: Tensor) -> Tensor:
    """Grey digits uint8 (N, 1, H, W) in the hues (N,), uint8 (N, 3, H, W): black stays black."""
    colour = torch.tensor(list(HUES.values()), dtype=torch.float32)[hue].view(-1, 3, 1, 1)
    made = torch.empty(len(grey), 3, *grey.shape[2:], dtype=torch.uint8)
    for start in range(0, len(grey), 4096):  # in slices: floats of the whole set would be half a gigabyte
        rows = slice(start, start + 4096)
        made[rows] = (grey[rows].float() / 255 * colour[rows]).round_().to(torch.uint8)
    return made


def in_every_hue(digits: ArrayData, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Digits of a labelled grey set (MNIST's test set, say) in all hues: float32 (4, N, 3, H, W), and the digits (N,).

    Raises:
        UsageError: the set has no labels.
    """
    if digits.labels is None:
        raise UsageError(f"{digits.name} has no labels", "give MNIST's test set, mnist().held_out()")
    rows = permutation(len(digits), seed, SUBSET, 0)[:count]
    rows = rows if digits.rows is None else digits.rows[rows]
    grey = digits.images[rows]
    made = [to_float(coloured(grey, torch.full((len(grey),), hue))) for hue in range(len(HUES))]
    return torch.stack(made), digits.labels[rows]
