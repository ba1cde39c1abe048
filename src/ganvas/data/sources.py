"""Data by a word: what ``--data`` takes, and what there is."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ganvas.data.ages import ages
from ganvas.data.attributes import attributes
from ganvas.data.brain import LICENCE as BRAIN_LICENCE
from ganvas.data.brain import brain_slices
from ganvas.data.coloured_digits import four_hue_mnist, inked_digits
from ganvas.data.damage import KINDS, Damaged, degraded
from ganvas.data.dataset import ArrayData, Data
from ganvas.data.emoji import OPENMOJI_LICENCE, VENDORS_LICENCE, emoji, emoji_vendors, emoji_vendors_unpaired, openmoji_edges
from ganvas.data.faces import LICENCE as FACES_LICENCE
from ganvas.data.faces import faces
from ganvas.data.faces_attributes import faces_attributes
from ganvas.data.folder import from_folder, reshaped
from ganvas.data.hugging_face import from_hub
from ganvas.data.joint import JointData
from ganvas.data.mnist import FASHION_MNIST, MNIST, fashion_mnist, mnist
from ganvas.data.paired import Direction, paired
from ganvas.data.persian_digits import LICENCE as PERSIAN_LICENCE
from ganvas.data.persian_digits import persian_digits
from ganvas.data.points import Points, points
from ganvas.data.shards import from_shards
from ganvas.data.stacked import stacked_mnist
from ganvas.data.two_valued import two_valued
from ganvas.data.unpaired import unpaired
from ganvas.data.wanted import WHITE, Fit, Size, Wanted
from ganvas.errors import UsageError


@dataclass(frozen=True)
class SourceInfo:
    """A source as ``ganvas data list`` shows it."""

    description: str
    licence: str


SOURCES: dict[str, SourceInfo] = {
    "mnist": SourceInfo("handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes; mnist:3 is one digit", MNIST.licence),
    "fashion-mnist": SourceInfo("articles of clothing, 60,000 + 10,000, 28x28 grey, 10 classes", FASHION_MNIST.licence),
    "stacked-mnist": SourceInfo("three digits in one RGB picture, endless, 28x28, 1,000 modes to count", MNIST.licence),
    "persian-digits": SourceInfo("Persian digits from 22 fonts, distorted, 28x28 grey, 10 classes", PERSIAN_LICENCE),
    "points": SourceInfo("points in the plane: points:x-squared, :ring, :grid, :swiss-roll, :two-gaussians", Points.licence),
    "faces": SourceInfo("drawn faces, RGB, 5 expressions; faces:surprised is one of them", FACES_LICENCE),
    "hf": SourceInfo("a data set of pictures by the library datasets: hf:NAME, or hf:FOLDER", "its own: see its card"),
    "wds": SourceInfo("WebDataset shards on disk: wds:shards/train-{000..009}.tar", "your own"),
    "paired": SourceInfo("pairs: paired:FOLDER with A/ and B/ of equal names, or pictures side by side", "your own"),
    "unpaired": SourceInfo("two domains: unpaired:FOLDER with A/ and B/, or trainA/ and trainB/", "your own"),
    "attributes": SourceInfo("pictures with several labels each: attributes:FOLDER and a table, such as CelebA's", "your own"),
    "emoji": SourceInfo("7,572 emoji by Google and by Twitter, 64x64; the vendor is the label", VENDORS_LICENCE),
    "ages": SourceInfo("faces by age: ages:FOLDER with years as sub-folders, in labels.csv or in file names", "your own"),
    "joint": SourceInfo("several labelled sets as one: joint:attributes:A/+B/, each with labels of its own", "the sources'"),
    "openmoji-edges": SourceInfo("pairs: 2,140 emoji as lines and in colour, 64x64", OPENMOJI_LICENCE),
    "emoji-vendors": SourceInfo("pairs: 3,786 emoji by Google and by Twitter, 64x64", VENDORS_LICENCE),
    "emoji-vendors-unpaired": SourceInfo("two domains: the same, no emoji in both", VENDORS_LICENCE),
    "brain-slices": SourceInfo("pairs: 131 slices of one mean brain, T1 and its tissue, 112x96", BRAIN_LICENCE),
    "faces-attributes": SourceInfo("drawn faces with expression, hair, glasses and beard as labels", FACES_LICENCE),
    "degraded": SourceInfo(f"pairs by damage: degraded:KIND:SOURCE; {', '.join(KINDS)}; noise+jpeg joins", "the source's"),
    "two-valued": SourceInfo("pairs: a shape's mask, and the shape filled with +1 or -1 at random, 32x32", "none needed"),
    "inked-digits": SourceInfo("two domains: MNIST's digits, and others of them as ink on paper", MNIST.licence),
    "four-hue-mnist": SourceInfo("MNIST in colour; the label is one of four hues", MNIST.licence),
    "FOLDER": SourceInfo("a folder of PNG, JPEG, WebP, BMP, TIFF; labels from sub-folders or labels.csv", "your own"),
}


def open_source(
    source: str,
    *,
    size: Size | list[int] = None,
    labels: str | Path | None = None,
    mirror: bool = False,
    strict: bool = False,
    only: str | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    background: tuple[int, int, int] | list[int] = (255, 255, 255),
    max_bad: float = 0.05,
    count: int | None = None,
    seed: int | None = None,
    root: str | Path | None = None,
    split: str | None = None,
    parameters: dict[str, float] | None = None,
    source_channels: int | None = None,
    direction: Direction = "a-to-b",
    held_damage: str | None = None,
) -> Data:
    """The data that a word names: ``mnist``, ``mnist:3``, ``points:ring``, ``faces:surprised``, a path, ...

    Args:
        source: a name of ``SOURCES``, with what follows its colon, or the path of a folder.
        size, labels, mirror, strict, channels, fit, background, max_bad: see ``folder``.
        only: class names or indices with commas; the same as ``mnist:3`` for every source that has labels. Of ``attributes``:
            those to keep, see there.
        count, seed: how many faces or shapes to draw, and which; the seed also decides damage.
        root: a folder of MNIST's four files.
        split: of a Hugging Face data set.
        parameters: of a distribution of points.
        source_channels, direction: see ``paired``.
        held_damage: kinds of damage to judge on, see ``degraded``.

    Raises:
        UsageError: no such source, or an option that this source cannot have. DataError: the data cannot be had.
    """
    kind, _, rest = source.partition(":")
    if kind not in SOURCES or kind == "FOLDER":
        kind, rest = "FOLDER", source
        check_word(source)
    options = Options(
        size=(size[0], size[1]) if isinstance(size, list) else size,  # JSON knows no tuples
        labels=None if labels is None else str(labels),
        mirror=mirror,
        strict=strict,
        only=only,
        channels=channels,
        fit=fit,
        background=(background[0], background[1], background[2]) if len(background) == 3 else (-1, -1, -1),
        max_bad=max_bad,
        count=count,
        seed=seed,
        root=None if root is None else str(root),
        split=split,
        parameters=parameters,
        source_channels=source_channels,
        direction=direction,
        held_damage=held_damage,
    )
    return opened(kind, rest, options)


@dataclass(frozen=True)
class Options:
    """The options of ``open_source``, at the values that mean "not given"."""

    size: Size = None
    labels: str | None = None
    mirror: bool = False
    strict: bool = False
    only: str | None = None
    channels: int | None = None
    fit: Fit = "crop"
    background: tuple[int, int, int] = WHITE
    max_bad: float = 0.05
    count: int | None = None
    seed: int | None = None
    root: str | None = None
    split: str | None = None
    parameters: dict[str, float] | None = None
    source_channels: int | None = None
    direction: Direction = "a-to-b"
    held_damage: str | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.size, self.channels, self.fit, self.background, self.mirror, self.strict, self.max_bad)

    @property
    def side(self) -> int | None:
        """One side of a square size."""
        if isinstance(self.size, tuple) and self.size[0] != self.size[1]:
            raise UsageError(f"{self.size[0]}x{self.size[1]} is not square", "these pictures are: give one size")
        return self.size[0] if isinstance(self.size, tuple) else self.size


def opened(kind: str, rest: str, options: Options) -> Data:
    """The data of one kind of source, if it can have these options."""
    opener, allowed = OPENERS[kind]
    for option in fields(Options):
        if getattr(options, option.name) != option.default and option.name not in allowed:
            raise UsageError(f"{kind} data takes no option {option.name!r}", f"it takes {', '.join(sorted(allowed)) or 'none'}")
    return opener(rest, options)


def open_digits(what: Callable[..., ArrayData]) -> Callable[[str, Options], Data]:
    def opener(rest: str, options: Options) -> Data:
        whole = what(options.root, mirror=options.mirror)
        return reshaped(narrowed(whole, rest or None, options.only), options.wanted)

    return opener


def open_faces(rest: str, options: Options) -> Data:
    data = faces(rest or None, count=options.count, size=options.size, seed=options.seed or 0, mirror=options.mirror)
    return narrowed(data, None, options.only)


def open_persian_digits(rest: str, options: Options) -> Data:
    data = persian_digits(count=options.count, size=options.side, seed=options.seed or 0, mirror=options.mirror)
    return narrowed(data, rest or None, options.only)


def open_paired(rest: str, options: Options) -> Data:
    folder = named(rest, "paired")
    return paired(folder, options.wanted, source_channels=options.source_channels, direction=options.direction)


def open_attributes(rest: str, options: Options) -> Data:
    return attributes(named(rest, "attributes"), options.wanted, labels=options.labels, only=options.only)


def open_vendors(rest: str, options: Options) -> Data:
    return emoji_vendors(size=options.side, mirror=options.mirror, direction=options.direction)


def open_degraded(rest: str, options: Options) -> Data:
    """``degraded:KIND:SOURCE``: the pictures of the source, opened with the other options, as pairs."""
    kinds, _, source = rest.partition(":")
    if not kinds or not source:
        raise UsageError(
            f"degraded:{rest} names no damage and source", "give degraded:KIND:SOURCE, as in degraded:noise:photos/"
        )
    Damaged(kinds, (3, 4096, 4096))  # a mistyped kind is refused before anything is read
    kind, _, inner = source.partition(":")
    if kind not in SOURCES or kind == "FOLDER":
        kind, inner = "FOLDER", source
        check_word(source)
    data = opened(kind, inner, replace(options, seed=None, held_damage=None))
    if not isinstance(data, ArrayData):
        raise UsageError(f"{source} has no pictures that can be damaged", "give a folder, faces, mnist, hf:NAME, ...")
    return degraded(data, kinds, held_damage=options.held_damage, seed=options.seed or 0)


def open_joint(rest: str, options: Options) -> Data:
    """``joint:SOURCE+SOURCE``: labelled sources, opened with the same options."""
    parts = []
    for source in rest.split("+"):
        kind, _, inner = source.partition(":")
        if kind not in SOURCES or kind == "FOLDER":
            kind, inner = "FOLDER", source
            check_word(source)
        part = opened(kind, inner, options)
        if not isinstance(part, ArrayData):
            raise UsageError(
                f"{source} holds no pictures with labels", "join folders, attributes:FOLDER, faces-attributes, ..."
            )
        parts.append(part)
    data = JointData(parts)
    if all(part.recipe for part in parts):
        shared = {key: value for part in parts for key, value in part.recipe.items()}
        data.recipe = {**shared, "source": "joint:" + "+".join(part.recipe["source"] for part in parts)}
    return data


def named(folder: str, kind: str) -> str:
    if not folder:
        raise UsageError(f"{kind}: names no folder", f"give {kind}:FOLDER")
    return folder


PICTURES = {"size", "channels", "fit", "background", "mirror", "only"}
BAD = {"strict", "max_bad"}
SIDES = (PICTURES - {"only"}) | BAD | {"source_channels"}
OPENERS: dict[str, tuple[Callable[[str, Options], Data], set[str]]] = {
    "mnist": (open_digits(mnist), PICTURES | {"root"}),
    "fashion-mnist": (open_digits(fashion_mnist), PICTURES | {"root"}),
    "stacked-mnist": (lambda rest, given: stacked_mnist(given.root), {"root"}),
    "points": (lambda rest, given: points(rest or "ring", **(given.parameters or {})), {"parameters"}),
    "faces": (open_faces, {"size", "count", "seed", "mirror", "only"}),
    "persian-digits": (open_persian_digits, {"size", "count", "seed", "mirror", "only"}),
    "paired": (open_paired, SIDES | {"direction"}),
    "unpaired": (
        lambda rest, given: unpaired(named(rest, "unpaired"), given.wanted, source_channels=given.source_channels),
        SIDES,
    ),
    "attributes": (open_attributes, PICTURES | BAD | {"labels"}),
    "emoji": (
        lambda rest, given: narrowed(emoji(size=given.side, mirror=given.mirror), rest or None, given.only),
        {"size", "mirror", "only"},
    ),
    "ages": (
        lambda rest, given: ages(named(rest, "ages"), given.wanted, labels=given.labels),
        (PICTURES - {"only"}) | BAD | {"labels"},
    ),
    "joint": (open_joint, (PICTURES - {"only"}) | BAD | {"count", "seed"}),
    "openmoji-edges": (lambda rest, given: openmoji_edges(size=given.side, mirror=given.mirror), {"size", "mirror"}),
    "emoji-vendors": (open_vendors, {"size", "mirror", "direction"}),
    "emoji-vendors-unpaired": (
        lambda rest, given: emoji_vendors_unpaired(size=given.side, mirror=given.mirror),
        {"size", "mirror"},
    ),
    "brain-slices": (lambda rest, given: brain_slices(size=given.size), {"size"}),
    "faces-attributes": (
        lambda rest, given: faces_attributes(count=given.count, size=given.side, seed=given.seed or 0, mirror=given.mirror),
        {"size", "count", "seed", "mirror"},
    ),
    "degraded": (open_degraded, {option.name for option in fields(Options)}),
    "two-valued": (
        lambda rest, given: two_valued(count=given.count, size=given.side, seed=given.seed or 0),
        {"size", "count", "seed"},
    ),
    "inked-digits": (lambda rest, given: inked_digits(given.root), {"root"}),
    "four-hue-mnist": (lambda rest, given: four_hue_mnist(given.root), {"root"}),
    "hf": (
        lambda rest, given: narrowed(from_hub(rest, given.split, given.labels, given.wanted), None, given.only),
        PICTURES | BAD | {"split", "labels"},
    ),
    "wds": (lambda rest, given: narrowed(from_shards(rest, given.wanted), None, given.only), PICTURES | BAD),
    "FOLDER": (
        lambda rest, given: narrowed(from_folder(rest, given.labels, given.wanted), None, given.only),
        PICTURES | BAD | {"labels"},
    ),
}


def check_word(source: str) -> None:
    """Refuses a mistyped name before it is taken for a folder that does not exist."""
    word = source.partition(":")[0]
    if not source:
        raise UsageError("no data is named", f"choose from {', '.join(SOURCES)}")
    if any(mark in word for mark in "/\\\0") or os.path.exists(source):  # noqa: PTH110  (Path.exists raises for long names)
        return
    if near := difflib.get_close_matches(word, [name for name in SOURCES if name != "FOLDER"], n=1, cutoff=0.6):
        raise UsageError(f"there is no data source or folder called {source!r}", f"did you mean {near[0]}?")


def narrowed(data: ArrayData, rest: str | None, only: str | None) -> ArrayData:
    """The classes named after the colon or by ``only``; all of them when there are none."""
    wanted = ",".join(part for part in (rest, only) if part)
    return data.only(*(part.strip() for part in wanted.split(","))) if wanted else data
