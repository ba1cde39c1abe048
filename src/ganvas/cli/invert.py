"""``ganvas invert MODEL PICTURE...``: where in latent space a picture of your own lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Output, Speaking
from ganvas.cli.places import NO_PLACES, Places
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganvas.runs import Model

LATENTS, SHEET, FACTS = "latents.safetensors", "sheet.png", "inversion.json"


def invert(
    model: str,
    /,
    *pictures: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("inverted"),
    steps: Annotated[int, Parameter(validator=positive)] = 200,
    features: str = "auto",
    places: Places = NO_PLACES,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Find the latents whose pictures are nearest to your own, by descent, and say how near that is.

    For example:

        ganvas invert dcgan-faces-001 me.png -o me/
        ganvas invert stylegan-faces-001 a.png b.png --steps 500 -o inverted/

    The folder gets latents.safetensors, which the other commands take with --latents, sheet.png (each picture and its
    reconstruction) and inversion.json (distances).

    Args:
        model: a run's name, or the path of a run or model folder.
        pictures: files; those of another size are cropped and resized, and it is said.
        out: a folder.
        steps: of the descent.
        features: what the distance is measured by: auto, efficientnet, inception, or pixels. auto is efficientnet, and pixels
            where its weights cannot be fetched.
        force: write into a folder that is not empty.
        metadata: write seed and model hash into the PNG.
    """
    import json

    from ganvas.apps.invert import invert as found_in
    from ganvas.apps.invert import perceptual_network
    from ganvas.apps.latent import save_codes
    from ganvas.cli.files import claim
    from ganvas.cli.output import plain
    from ganvas.cli.places import labels_of, opened
    from ganvas.runs import grids
    from ganvas.runs.durable import replace_file

    if not pictures:
        raise UsageError("there is no picture to invert", "name one or more files")
    if places.samples is not None or places.latents is not None or places.truncation is not None:
        raise UsageError("inversion is of pictures", "leave --samples, --latents and --truncation out")
    if out.suffix and not out.is_dir():
        raise UsageError(f"{out} is no folder", "name a folder with --out")
    target = claim(out, set(), force=force)
    loaded = opened(model, places.device)
    wanted = read(loaded, pictures, output)
    network = perceptual_network(features, output.say)
    labels = None if places.label is None else labels_of(loaded, places.label)
    found = found_in(
        loaded, wanted, network=network, space=places.space, steps=steps, labels=labels, seed=places.seed, report=output.say
    )
    facts: dict[str, Any] = {"model": loaded.hash, "method": loaded.method_name, "seed": places.seed, "steps": steps}
    names = [path.name for path in pictures]
    save_codes(target / LATENTS, loaded, found.codes, {"pictures": names})
    grids.save_grid(target / SHEET, grids.side_by_side(found.target, found.made), facts if metadata else {}, columns=2)
    rows = [
        {"picture": name, "start": start, "distance": distance, "psnr": psnr}
        for name, start, distance, psnr in zip(
            names, found.start.tolist(), found.distance.tolist(), found.psnr.tolist(), strict=True
        )
    ]
    document = facts | {"space": found.codes.space, "measure": found.measure, "pictures": rows}
    text = json.dumps(plain(document), indent=1, ensure_ascii=False)
    replace_file(target / FACTS, text.encode() + b"\n")
    lines = [
        f"{row['picture']}: {row['distance']:.4f} (nearest sample {row['start']:.4f}), PSNR {row['psnr']:.1f} dB"
        for row in rows
    ]
    output.result(document | {"out": str(target)}, "\n".join([f"{found.measure}:", *lines, f"in {target}"]))


def read(model: Model, files: tuple[Path, ...], output: Output) -> Tensor:
    """The pictures at the model's size; those that had to be resized are told.

    Raises:
        DataError: one cannot be read.
    """
    import torch

    from ganvas.apps.invert import read_target

    _, rows, columns = model.spec.shape
    pictures = []
    for path in files:
        picture, header = read_target(path, model)
        pictures.append(picture)
        if (header.height, header.width) != (rows, columns):
            output.say(f"{path.name} is {header.width}x{header.height}: cropped and resized to the model's {columns}x{rows}")
    return torch.cat(pictures)
