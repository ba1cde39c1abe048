"""``ganvas mix MODEL``: the coarse of one picture with the fine of another, or what lies between two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli.flags import finite, positive
from ganvas.cli.output import NORMAL, Output, Speaking
from ganvas.cli.places import NO_PLACES, PlaceFlags, Places
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganvas.apps.latent import Codes
    from ganvas.runs import Model

SHARES = (0.2, 0.4, 0.6, 0.8)
"""Of the way from one picture to the other."""


def mix(
    model: str,
    /,
    *pictures: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("mix.png"),
    with_: Annotated[str | None, Parameter(name="--with")] = None,
    layers: str | None = None,
    share: Annotated[float | None, Parameter(validator=finite)] = None,
    features: str = "auto",
    steps: Annotated[int, Parameter(validator=positive)] = 200,
    places: Places = NO_PLACES,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Mix pictures: of a model with styles by layers, of any other by blending latents. Your own pictures are inverted first.

    For example:

        ganvas mix stylegan-faces-001 --samples 0-4 --with 5-9 --layers 0-3 -o styles.png
        ganvas mix dcgan-faces-001 --samples 0-4 --with 5-9 --share 0.5 -o between.png
        ganvas mix dcgan-faces-001 me.png you.png -o ours.png

    The sheet has the first pictures at its left, the others above, and each pair's mixture where they meet; of two pictures of
    your own it shows the way from one to the other.

    Args:
        model: a run's name, or the path of a run or model folder.
        pictures: two pictures of your own, in place of --samples and --with.
        out: a .png.
        with_: numbers of the samples that are mixed in, as --samples.
        layers: style mixing: the layers, numbered from 0 (coarse), whose styles are those of --with: 0-3.
        share: how far from the first (0) to the other (1); by default 0.5, or 1 of the layers that --layers names.
        features: what pictures are inverted by: auto, efficientnet, or pixels.
        steps: of each inversion.
        force: overwrite what is there.
        metadata: write seed and model hash into the PNG.
    """
    from ganvas.cli.files import claim
    from ganvas.cli.places import codes_of, numbers, opened, told
    from ganvas.runs import grids

    target = claim(out, {".png"}, force=force, folder=False)
    wanted = None if layers is None else numbers(layers, "--layers")
    loaded = opened(model, places.device)
    facts = told(loaded, places, layers=layers, share=share) if metadata else {}
    document = {"out": str(target), "model": model, "layers": wanted, "share": share}
    if pictures:
        sheet = of_pictures(loaded, pictures, wanted, share, features, steps, places, output)
        grids.save_grid(target, sheet, facts, columns=len(sheet))
        output.result(
            document | {"pictures": [str(path) for path in pictures]}, f"from {pictures[0]} to {pictures[1]} in {target}"
        )
        return
    other = with_ or "5-9"
    rows, columns = codes_of(loaded, places, "0-4"), codes_of(loaded, replace(places, samples=other), other)
    sheet = of_samples(loaded, rows, columns, wanted, share)
    grids.save_grid(target, sheet, facts | ({"with": other} if metadata else {}), columns=len(columns) + 1)
    what = f"layers {layers} of w" if layers else f"blends in {rows.space}"
    size = {"rows": len(rows), "columns": len(columns), "space": rows.space}
    output.result(document | size, f"{len(rows)} x {len(columns)} mixtures ({what}) in {target}")


def of_samples(model: Model, rows: Codes, columns: Codes, layers: list[int] | None, share: float | None) -> Tensor:
    """The pictures of a sheet, row by row: the columns' own above, each row's own at its left, their mixtures between."""
    import torch

    from ganvas.apps.latent import pictures
    from ganvas.apps.mix import crossed

    mixtures = pictures(model, crossed(model, rows, columns, layers=layers, share=share)).split(len(columns))
    left, top = pictures(model, rows), pictures(model, columns)
    body = [torch.cat([own[None], mixed]) for own, mixed in zip(left, mixtures, strict=True)]
    return torch.cat([torch.ones_like(left[:1]), top, *body])


def of_pictures(
    model: Model,
    files: tuple[Path, ...],
    layers: list[int] | None,
    share: float | None,
    features: str,
    steps: int,
    places: PlaceFlags,
    output: Output,
) -> Tensor:
    """A row: the first picture, its inversion, mixtures, the second one's inversion, the second picture."""
    import torch

    from ganvas.apps.invert import invert, perceptual_network, read_target
    from ganvas.apps.latent import pictures
    from ganvas.apps.mix import mix as mixed
    from ganvas.cli.places import labels_of

    if len(files) != 2:
        raise UsageError(f"{len(files)} pictures do not mix", "name two")
    labels = None if places.label is None else labels_of(model, places.label)
    target = torch.cat([read_target(path, model)[0] for path in files])
    network = perceptual_network(features, output.say)
    found = invert(model, target, network=network, space=places.space, steps=steps, labels=labels, seed=places.seed)
    output.say(f"inverted to {found.measure} {', '.join(f'{value:.3f}' for value in found.distance.tolist())}")
    a, b = found.codes.at([0]), found.codes.at([1])
    shares = SHARES if share is None and layers is None else (share,)
    between = [pictures(model, mixed(model, a, b, layers=layers, share=each)) for each in shares]
    return torch.cat([target[:1], found.made[:1], *between, found.made[1:], target[1:]])
