"""``ganvas directions MODEL``: directions in latent space along which pictures change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import finite, not_negative, positive
from ganvas.cli.output import NORMAL, Output, Speaking
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.apps.directions import Directions
    from ganvas.runs import Model


def directions(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("directions.safetensors"),
    by: Literal["sefa", "ganspace", "labels"] = "sefa",
    count: Annotated[int, Parameter(alias="-n", validator=positive)] = 10,
    layers: str | None = None,
    data: str | None = None,
    samples: Annotated[int, Parameter(validator=positive)] = 2000,
    far: Annotated[float, Parameter(validator=finite)] = 3.0,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    space: Literal["auto", "z", "w"] = "auto",
    device: str = "auto",
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Find directions in latent space along which pictures change, and draw them: a row each, from one end to the other.

    For example:

        ganvas directions dcgan-faces-001 -o directions.safetensors
        ganvas directions dcgan-faces-001 --by ganspace -n 6 -o axes.safetensors
        ganvas directions dcgan-faces-001 --by labels --data faces -o moods.safetensors

    sefa: what the first layers' weights amplify most, in closed form. ganspace: the principal components of activations.
    labels: towards each class of labelled data, by a linear model on samples that a classifier has read. Beside the file lies
    a .png of the same name. `ganvas steer` moves pictures along them.

    Args:
        model: a run's name, or the path of a run or model folder.
        out: a .safetensors.
        by: what they are found by.
        count: directions; --by labels finds one for each class.
        layers: of w, those that move: 0-3; all by default.
        data: labelled data whose classifier reads the samples, for --by labels: a name as for train --data, or a folder.
        samples: that ganspace and labels look at.
        far: how far the drawn rows go, in deviations to either side.
        seed: of samples.
        space: z, or w of a method with styles; auto is w where there is one.
        device: auto (cuda > mps > cpu), cpu, cuda, cuda:1 or mps.
        force: overwrite what is there.
    """
    from ganvas.apps.directions import ganspace, save_directions, sefa
    from ganvas.cli.files import claim
    from ganvas.cli.places import numbers, opened

    target = claim(out, {".safetensors"}, force=force, folder=False)
    sheet = claim(out.with_suffix(".png"), {".png"}, force=force, folder=False)
    wanted = None if layers is None else numbers(layers, "--layers")
    if (data is not None) != (by == "labels"):
        raise UsageError("--data goes with --by labels, and that with it", "give both or neither")
    loaded = opened(model, device)
    facts: dict[str, object] = {"by": by, "seed": seed}
    words = ""
    if by == "sefa":
        found = sefa(loaded, count, space=space, layers=wanted)
    elif by == "ganspace":
        found = ganspace(loaded, count, space=space, layers=wanted, samples=samples, seed=seed)
    else:
        found, share = by_labels(loaded, str(data), space, wanted, samples, seed, output)
        facts |= {"data": data, "told_right": share}
        words = f"; from codes alone a linear model tells {share:.0%} of unseen samples right"
    save_directions(target, loaded, found, facts)
    draw(loaded, found, sheet, far, facts)
    document = {"out": str(target), "sheet": str(sheet), "space": found.space, "names": list(found.names), **facts}
    strengths = [round(value, 4) for value in found.strength.tolist()]
    output.result(
        document | {"strength": strengths}, f"{len(found)} directions in {found.space} in {target}, drawn in {sheet}{words}"
    )


def by_labels(
    model: Model, data: str, space: Literal["auto", "z", "w"], layers: list[int] | None, samples: int, seed: int, output: Output
) -> tuple[Directions, float]:
    """Directions towards the classes of data, and how well a linear model tells them."""
    from ganvas.apps.directions import supervised
    from ganvas.apps.neighbours import data_for
    from ganvas.metrics.lenet import BATCH_SIZE, lenet

    read = data_for(model, data)
    if any(side % 4 for side in read.spec.shape[1:]):
        raise UsageError("the classifier takes sides that are multiples of 4", "use --by sefa or ganspace")
    if len(read) < BATCH_SIZE:
        raise UsageError(f"{len(read)} pictures teach a classifier nothing", f"give at least {BATCH_SIZE}, or use --by sefa")
    judge = lenet(read, report=output.say)
    output.say(f"the classifier reads {judge.accuracy:.1%} of {read.name}'s held-out pictures right")
    return supervised(model, judge.classify, read.spec.classes, space=space, layers=layers, samples=samples, seed=seed)


def draw(model: Model, found: Directions, sheet: Path, far: float, facts: dict[str, object]) -> None:
    """A row a direction: one sample moved from -far to far."""
    import torch

    from ganvas.apps.directions import steer
    from ganvas.apps.latent import drawn, joined, pictures
    from ganvas.runs import grids

    amounts = torch.linspace(-far, far, 7)
    base = drawn(model, [0], space=found.space)
    codes = joined(*(steer(base, found, which, amounts) for which in range(len(found))))
    grids.save_grid(sheet, pictures(model, codes), {"model": model.hash, "far": far, **facts}, columns=len(amounts))
