"""The data doctor: what is wrong with a folder of pictures before training starts, and what will be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ganvas.data.folder import halves, refuse, survey, unknown
from ganvas.data.listing import Skipped, existing, shown
from ganvas.data.pack import Column, Pack
from ganvas.data.pictures import PIXEL_LIMIT, Trait
from ganvas.data.wanted import WHITE, Colour, Fit, Size, Wanted
from ganvas.errors import DataError

EXAMPLES = 5
FEW = 1000
Severity = Literal["bad", "note"]


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found.

    Args:
        name: of its kind.
        count: how many files it concerns.
        examples: up to five of them, safe to print.
        meaning: what it is, in a sentence.
        action: what will be done about it, or what you can do.
        severity: bad is worth mending; note is handled, and only said.
    """

    name: str
    count: int
    examples: tuple[str, ...]
    meaning: str
    action: str
    severity: Severity = "bad"

    def __str__(self) -> str:
        examples = f" ({', '.join(self.examples)}{', ...' if self.count > len(self.examples) else ''})" if self.examples else ""
        return f"{self.count:>7,} {self.name}: {self.meaning}{examples}; {self.action}"


@dataclass(frozen=True)
class Report:
    """What ``check`` found.

    Args:
        path: the folder.
        usable: pictures that training would see.
        total: files that look like pictures.
        shape: (C, H, W) that they would be brought to.
        how: the same in words, with crop and filter.
        classes: pictures of each class, by name.
        refusal: why training would refuse the folder; empty when it would not.
        findings: worst first.
    """

    path: str
    usable: int
    total: int
    shape: tuple[int, int, int]
    how: str
    classes: dict[str, int]
    refusal: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are worth mending."""
        return tuple(finding for finding in self.findings if finding.severity == "bad")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{shown(self.path)}: {self.usable:,} of {self.total:,} pictures can be used, as {self.how}"]
        if self.classes:
            some = [f"{name} {count:,}" for name, count in list(self.classes.items())[:20]]
            lines.append(f"{len(self.classes)} classes: {', '.join(some)}{', ...' if len(self.classes) > 20 else ''}")
        lines += [str(finding) for finding in self.findings] or ["nothing to mend"]
        lines.append(f"training would refuse it: {self.refusal}" if self.refusal else "fit to train on")
        return "\n".join(lines)


# Kinds of skipped files: a word that their reason contains, the kind, what it means.
KINDS = (
    ("empty", "empty", "files of 0 bytes"),
    ("megapixels", "too large", f"pictures of more than {PIXEL_LIMIT // 10**6} megapixels"),
    ("GiB", "too large", "files of more than 1 GiB"),
    ("is not supported", "unsupported", "files of a format that is not read"),
    ("too small", "tiny", "pictures too small for the size that is wanted"),
    ("too long", "odd-sized", "slivers more than 20 times as long as wide"),
    ("no label", "unlabelled", "pictures that the table of labels does not name"),
    ("two labels", "mislabelled", "pictures to which the table gives two labels"),
    ("a web page", "not a picture", "files that only have a picture's name"),
    ("not a PNG", "not a picture", "files that only have a picture's name"),
    ("not a regular file", "unreadable", "pipes, devices and the like"),
    ("cannot be read", "unreadable", "files that the system does not let us read"),
    ("another shape", "two shapes", "pairs whose two pictures have different shapes, so that no crop fits both"),
    ("no two halves", "odd width", "pictures that cannot be cut into two equal halves"),
    ("has its name", "two of a name", "pictures whose name, but for the suffix, another has"),
)


def check(
    path: str | Path,
    *,
    size: Size = None,
    channels: int | None = None,
    labels: str | Path | None = None,
    fit: Fit = "crop",
    background: Colour = WHITE,
    max_bad: float = 0.05,
) -> Report:
    """Reads and decodes every picture of a folder, as ``folder`` with the same arguments would, and says what it found.

    What is decoded is kept, so that training starts at once afterwards.

    Raises:
        DataError: the folder is missing, holds nothing that looks like a picture, or its table of labels cannot be read.
    """
    root = existing(path)
    training, _ = halves(root)
    wanted = Wanted(size, channels, fit, background, max_bad=max_bad)
    packed = survey(training or root, labels, wanted)
    try:
        refuse(packed, path, wanted)
        refusal = ""
    except DataError as error:
        refusal = str(error)
    label = np.empty(0, np.int64) if packed.labels is None else packed.labels.numpy()
    counts: Column = np.bincount(label, minlength=len(packed.classes))
    findings = [*skipped(packed), *copies(packed), *contents(packed), *sizes(packed), *traits(packed), *shares(packed, counts)]
    return Report(
        path=str(path),
        usable=len(packed),
        total=len(packed) + len(packed.skipped),
        shape=packed.look.shape,
        how=packed.look.in_words(),
        classes={name: int(count) for name, count in zip(packed.classes, counts, strict=False)},
        refusal=refusal,
        findings=tuple(sorted(findings, key=lambda finding: (finding.severity == "note", -finding.count))),
    )


def examples(names: Sequence[str], reasons: Sequence[str] = ()) -> tuple[str, ...]:
    first = [shown(name) for name in names[:EXAMPLES]]
    return tuple(f"{name}: {reason}" for name, reason in zip(first, reasons, strict=False)) if reasons else tuple(first)


def named(packed: Pack, rows: Column) -> tuple[str, ...]:
    """The names of the first rows where the column is true."""
    return examples([packed.names[row] for row in np.flatnonzero(rows)[:EXAMPLES]])


def unusable(entries: Sequence[Skipped]) -> Iterator[Finding]:
    """Files that cannot be used, by kind."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for entry in entries:
        kind = next(
            (kind for word, *kind in KINDS if word in entry.reason), ["corrupt", "pictures that cannot be decoded whole"]
        )
        groups.setdefault((kind[0], kind[1]), []).append((entry.name, entry.reason))
    for (name, meaning), group in groups.items():
        files, reasons = zip(*group, strict=True)
        yield Finding(name, len(group), examples(files, reasons), meaning, "skipped")


def skipped(packed: Pack) -> Iterator[Finding]:
    """Files that cannot be used, rows of the table without a picture, and files that are no pictures."""
    yield from unusable(packed.skipped)
    if missing := unknown(packed):
        table = packed.facts.get("labels", "the table")
        yield Finding(
            "unknown", len(missing), examples(missing), f"rows of {table} that name no picture", "ignored, counted as bad"
        )
    if others := int(packed.facts.get("others", 0)):
        yield Finding("other files", others, (), "files that are no pictures", "ignored", "note")


def copies(packed: Pack) -> Iterator[Finding]:
    """Pictures whose pixels are the same, and those of them that have different labels."""
    _, first, group, count = np.unique(packed.digest, return_index=True, return_inverse=True, return_counts=True)
    again = np.ones(len(packed), bool)
    again[first] = False
    if again.any():
        meaning = f"copies of {int((count > 1).sum()):,} other pictures, pixel for pixel"
        yield Finding(
            "duplicate", int(again.sum()), named(packed, again), meaning, "kept, so they weigh more; better remove them"
        )
    if packed.labels is not None and len(packed):
        label = packed.labels.numpy()
        low, high = np.full(len(first), len(packed.classes)), np.full(len(first), -1)
        np.minimum.at(low, group, label)
        np.maximum.at(high, group, label)
        wrong = (low != high)[group]
        if wrong.any():
            meaning = "the same picture in more than one class"
            yield Finding("mislabelled", int(wrong.sum()), named(packed, wrong), meaning, "kept; decide which label is right")


def contents(packed: Pack) -> Iterator[Finding]:
    """Pictures of one flat colour."""
    flat = np.zeros(len(packed), bool)
    for start in range(0, len(packed), 1024):
        part = packed.images[start : start + 1024].flatten(2)
        flat[start : start + 1024] = (part.amax(2).int() - part.amin(2).int()).amax(1).numpy() <= 2
    if flat.any():
        yield Finding("blank", int(flat.sum()), named(packed, flat), "pictures of one flat colour", "kept; better remove them")


def sizes(packed: Pack) -> Iterator[Finding]:
    """Pictures of which much is cut away, and the range of sizes."""
    cropped = packed.traits & int(Trait.CROPPED) > 0
    if cropped.any():
        action = "cropped to the centre; --fit pad or stretch keeps the whole"
        yield Finding(
            "odd-sized", int(cropped.sum()), named(packed, cropped), "half or more of the picture is cut away", action
        )
    if len(packed) and (np.ptp(packed.width) or np.ptp(packed.height)):
        area = packed.width.astype(np.int64) * packed.height
        small, large = int(area.argmin()), int(area.argmax())
        span = " to ".join(f"{packed.width[row]}x{packed.height[row]}" for row in (small, large))
        different = len(np.unique(np.stack([packed.width, packed.height]), axis=1).T)
        yield Finding(
            "sizes", len(packed), (), f"{different:,} different sizes, {span}", f"all become {packed.look.in_words()}", "note"
        )


def traits(packed: Pack) -> Iterator[Finding]:
    """What decoding does to some pictures."""
    over = f"composited on {packed.look.background}" if packed.look.channels != 4 else "kept"
    said: tuple[tuple[Trait, str, str, str, Severity], ...] = (
        (Trait.ENLARGED, "small", "pictures smaller than the size that is wanted", "enlarged, so they are blurred", "bad"),
        (Trait.SIXTEEN_BIT, "16-bit", "pictures of 16 bits or float", "rescaled to 8 bits", "note"),
        (Trait.CMYK, "CMYK", "pictures in printing inks", "converted to RGB without a colour profile", "note"),
        (Trait.TRANSPARENT, "transparent", "pictures with transparency", over, "note"),
        (Trait.ANIMATED, "animated", "pictures of several frames or pages", "the first is taken", "note"),
        (
            Trait.ROTATED,
            "rotated",
            "pictures whose EXIF says that they lie on their side or are mirrored",
            "turned upright",
            "note",
        ),
    )
    for trait, name, meaning, action, severity in said:
        rows = packed.traits & int(trait) > 0
        if rows.any():
            yield Finding(name, int(rows.sum()), named(packed, rows), meaning, action, severity)
    grey = packed.traits & int(Trait.GREY) > 0
    if packed.look.channels != 1 and grey.any():
        yield Finding("grey", int(grey.sum()), named(packed, grey), "grey pictures among coloured ones", "made RGB", "note")


def shares(packed: Pack, counts: Column) -> Iterator[Finding]:
    """Too few pictures, or classes of very different size."""
    if len(packed) < FEW:
        meaning = f"fewer than {FEW:,} pictures: the critic may learn them by heart"
        yield Finding(
            "few", len(packed), (), meaning, "kept; give more if you can, or --mirror where left and right do not matter"
        )
    if len(counts) > 1 and min(counts) * 10 < max(counts):
        rare = [index for index in np.argsort(counts) if counts[index] * 10 < max(counts)]
        some = tuple(f"{shown(packed.classes[index])}: {counts[index]}" for index in rare[:EXAMPLES])
        meaning = f"classes with less than a tenth of the pictures of {shown(packed.classes[int(np.argmax(counts))])}"
        yield Finding("rare classes", len(rare), some, meaning, "kept; give more of them")
