"""``ganvas augment MODEL``: a data set made larger by samples, with all that one should know of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli.flags import not_negative, positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.apps.augment import Augmented


def augment(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    data: str | None = None,
    count: Annotated[int, Parameter(alias="-n", validator=positive)] = 1000,
    labels: str | None = None,
    truncation: Annotated[float | None, Parameter(validator=positive)] = None,
    with_real: Annotated[bool, Parameter(negative="")] = False,
    gain: bool = True,
    few: str = "200,1000",
    repeats: Annotated[int, Parameter(validator=positive)] = 5,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    device: str = "auto",
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Write samples with their labels as a folder that --data reads, look for copies among them, and measure what they teach.

    For example:

        ganvas augment cgan-mnist-001 -n 2000 -o more/
        ganvas augment cgan-mnist-001 --data mnist -n 5000 --labels 3,5,8 --no-gain -o digits/
        ganvas augment cgan-scans-001 -n 1000 --with-real -o larger/      then: ganvas train r3gan --data larger/

    The folder gets PNGs, labels.csv, and provenance.json: whose pictures the model learnt from and under which licence, how
    the samples were made, whether they are copies, and what a classifier gains from them beside few real pictures.

    Args:
        model: a run's name, or the path of a run or model folder.
        out: a folder.
        data: what the model was trained on: a name as for train --data, or a folder; by default what the run learnt from.
        count: samples.
        labels: class names or numbers from 0, separated by commas and repeated in turn; by default all in turn.
        truncation: psi, for more typical and less varied samples.
        with_real: write the real pictures beside them: train/ of both, test/ of the held-out real ones alone.
        gain: train classifiers on few real pictures, without and with the samples (minutes).
        few: how many real pictures that is.
        repeats: classifiers of each kind, at least 2, for the interval.
        seed: of samples and classifiers.
        device: auto (cuda > mps > cpu), cpu, cuda, cuda:1 or mps.
        force: write into a folder that is not empty.
    """
    from ganvas.apps.augment import account, write_folder
    from ganvas.apps.augment import augment as made_of
    from ganvas.cli.files import claim
    from ganvas.cli.neighbours import data_of
    from ganvas.cli.places import labels_of, numbers, opened

    if out.suffix and not out.is_dir():
        raise UsageError(f"{out} is no folder", "name a folder with --out")
    target = claim(out, set(), force=force)
    sizes = numbers(few, "--few") if gain else []
    if gain and (repeats < 2 or min(sizes) < 128):
        raise UsageError(f"--repeats {repeats} --few {few} measure no gain", "give 2 repeats or more, and numbers from 128")
    loaded = opened(model, device)
    learnt = data_of(loaded, model, data)
    chosen = None if labels is None else labels_of(loaded, labels)
    found = made_of(
        loaded, learnt, count, seed=seed, labels=chosen, truncation=truncation, few=sizes, repeats=repeats, report=output.say
    )
    settings = {"count": count, "seed": seed, "labels": labels, "truncation": truncation, "few": sizes, "repeats": repeats}
    written = write_folder(target, found, loaded, learnt, settings, with_real=with_real)
    document = {"out": str(target), "written": written} | account(found, loaded, learnt, settings)
    output.result(document, "\n".join([f"{written} pictures in {target}", *sentences(found)]))


def sentences(found: Augmented) -> list[str]:
    """What is known of the samples, a line each."""
    from ganvas.apps.augment import detected

    lines = []
    if found.copies is not None:
        ours, honest = found.copies
        lines.append(
            f"copies: {ours}"
            if detected(found)
            else f"copies: no more than unseen real pictures would show ({honest.copies:.0%})"
        )
    for each in found.gain:
        verdict = "they help" if each.gain.low > 0 else "they harm" if each.gain.high < 0 else "no effect that shows"
        lines.append(
            f"{each.pictures:,} real pictures teach a classifier {each.alone.mean:.1%}; with the samples {each.gain.mean:+.1%} "
            f"(95 % interval {each.gain.low:+.1%} to {each.gain.high:+.1%}): {verdict}"
        )
    return lines + [f"not known: {why}" for why in found.untold]
