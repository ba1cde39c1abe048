"""``ganvas sample MODEL``: pictures from a trained model, which needs nothing but its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ganvas.cli.files import arriving, claim
from ganvas.cli.flags import at_least_0, not_negative, positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


def sample(
    model: str,
    /,
    *,
    count: Annotated[int, Parameter(alias="-n", validator=positive)] = 64,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("samples.png"),
    labels: str | None = None,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    truncation: Annotated[float | None, Parameter(validator=at_least_0)] = None,
    last: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Draw samples from a trained model. Sample number i is the same whatever the count.

    For example:

        ganvas sample wgan-gp-mnist-001 -n 64 -o grid.png              one picture with all of them
        ganvas sample wgan-gp-mnist-001 -n 1000 -o digits/ --seed 7    a folder with one file each
        ganvas sample cgan-mnist-001 -n 30 -o x.npy --labels 3,3,7     an array, (30, C, H, W) float32 in -1..1

    Args:
        model: a run's name, or the path of a run or model folder.
        count: samples.
        out: a .png (a grid), a .npy, or a folder.
        labels: class names or numbers from 0, separated by commas and repeated in turn; for conditional methods.
        seed: which samples.
        truncation: psi; samples are more typical and less varied the smaller it is. Of stylegan: from 0, the average picture,
            to 1; of others only latents with |z| <= psi are drawn.
        last: of a run, take the last state of training and not the best.
        force: overwrite what is there.
        metadata: write seed and model hash into each PNG.
    """
    from ganvas.cli import names
    from ganvas.runs import load

    target = claim(out, {".png", ".npy"}, force=force)
    loaded = load(names.model_of(model, last=last))
    wanted = None if labels is None else numbers_of(labels, loaded.spec.classes)
    samples = loaded.sample(count, seed=seed, labels=wanted, truncation=truncation)
    facts = {"seed": seed, "model": loaded.hash, "method": loaded.method_name, "truncation": truncation, "labels": wanted}
    write(samples, target, {key: value for key, value in facts.items() if value is not None} if metadata else {})
    document = {"out": str(target), "count": count, "seed": seed, "model": model, "shape": list(samples.shape)}
    output.result(document, f"{count} samples of {model} (seed {seed}) in {target}")


def numbers_of(labels: str, classes: tuple[str, ...]) -> list[int]:
    """Labels as numbers: each part is a class's name, or its number."""
    if not classes:
        raise UsageError("the model is not conditional, it takes no --labels", "leave --labels out, or train cgan")
    numbers = []
    for part in labels.split(","):
        word = part.strip()
        if word in classes:
            numbers.append(classes.index(word))
        elif word.isdecimal() and int(word) < len(classes):
            numbers.append(int(word))
        else:
            raise UsageError(f"the model knows no class {word!r}", f"its classes are {', '.join(classes[:20])}")
    return numbers


def write(samples: Tensor, target: Path, facts: dict[str, Any]) -> None:
    """Writes samples as the target's ending says, PNGs with ``facts`` in their metadata."""
    import numpy
    from PIL import Image

    from ganvas.runs import grids

    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".png":
        grids.save_grid(target, samples, facts)
        return
    if target.suffix.lower() == ".npy" and not target.is_dir():
        with arriving(target) as temporary:
            numpy.save(temporary, samples.numpy())
        return
    if samples.dim() != 4:
        raise UsageError("points make no pictures to fill a folder with", "write a .png of all of them, or a .npy")
    target.mkdir(exist_ok=True)
    digits = max(5, len(str(len(samples) - 1)))
    for number, pixels in enumerate(grids.to_bytes(samples)):
        grids.save_picture(target / f"{number:0{digits}d}.png", Image.fromarray(pixels), facts | {"number": number})
