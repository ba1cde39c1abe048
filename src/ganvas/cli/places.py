"""The flags that say which places in latent space a command works on, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from ganvas.cli.flags import at_least_0, not_negative
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.apps.latent import Codes
    from ganvas.runs import Model

MOST = 4096
"""Places that one command takes."""


@dataclass(frozen=True)
class PlaceFlags:
    """Which pictures.

    Args:
        samples: their numbers, as `ganvas sample` numbers them from 0 with the same seed: 3,7,9-12.
        seed: of the samples.
        latents: a file that `ganvas invert` wrote; --samples are then its rows, all by default.
        space: z, or w of a method with styles; auto is w where there is one.
        label: a class by name or number, for a conditional model; by default classes in turn, as `ganvas sample` has them.
        truncation: psi. In z it draws latents with |z| <= psi; in w it moves styles to their average, 0 to 1.
        device: auto (cuda > mps > cpu), cpu, cuda, cuda:1 or mps.
    """

    samples: str | None = None
    seed: Annotated[int, Parameter(validator=not_negative)] = 0
    latents: Path | None = None
    space: Literal["auto", "z", "w"] = "auto"
    label: str | None = None
    truncation: Annotated[float | None, Parameter(validator=at_least_0)] = None
    device: str = "auto"


NO_PLACES = PlaceFlags()
Places = Annotated[PlaceFlags, Parameter(name="*", group=Group("Pictures", sort_key=1))]


def opened(model: str, device: str) -> Model:
    """The model that a user names, on a device, if it makes pictures from noise."""
    from ganvas.apps.latent import require_generator
    from ganvas.cli import names
    from ganvas.runs import load
    from ganvas.training.precision import choose_device

    loaded = load(names.existing(model))
    require_generator(loaded)
    return loaded.to(choose_device(device))


def codes_of(model: Model, flags: PlaceFlags, default: str) -> Codes:
    """The codes that the flags name; the samples ``default`` when they name none."""
    from ganvas.apps.latent import drawn, read_codes

    if flags.latents is not None:
        if flags.label is not None or flags.truncation is not None:
            raise UsageError("--label and --truncation are for samples, not for --latents", "leave them out")
        codes = read_codes(flags.latents, model)
        rows = list(range(len(codes))) if flags.samples is None else numbers(flags.samples, "--samples")
        if max(rows) >= len(codes):
            raise UsageError(f"{flags.latents} has {len(codes)} latents, no number {max(rows)}", "they count from 0")
        return codes.at(rows)
    chosen = numbers(flags.samples or default, "--samples")
    labels = None if flags.label is None else labels_of(model, flags.label)
    return drawn(model, chosen, seed=flags.seed, space=flags.space, labels=labels, truncation=flags.truncation)


def labels_of(model: Model, words: str) -> list[int]:
    """Class numbers of class names or numbers with commas."""
    from ganvas.cli.sample import numbers_of

    return numbers_of(words, model.spec.classes)


def numbers(text: str, flag: str) -> list[int]:
    """Numbers from 0 in a row: "3,7,9-12".

    Raises:
        UsageError: it is no such list, or a very long one.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(first + last) > 14:
            raise UsageError(f"{flag} {text} is no list of numbers", "give numbers from 0, as in 3,7,9-12")
        start, end = int(first), int(last or first)
        if end < start or end - start + len(found) >= MOST:
            raise UsageError(f"{flag} {part.strip()} names none, or more than {MOST:,}", "give fewer, as in 3,7,9-12")
        found += range(start, end + 1)
    return found


def told(model: Model, flags: PlaceFlags, **more: object) -> dict[str, object]:
    """What a picture's metadata says: which model, which latents."""
    facts: dict[str, object] = {"model": model.hash, "method": model.method_name, "samples": flags.samples, "seed": flags.seed}
    if flags.latents is not None:
        facts |= {"latents": flags.latents.name, "seed": None}
    facts |= {"label": flags.label, "truncation": flags.truncation, **more}
    return {name: value for name, value in facts.items() if value is not None}
