"""``ganvas invert MODEL PICTURE...``: where in latent space a picture of your own lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ganvas.cli.flags import not_negative, positive
from ganvas.cli.output import NORMAL, Output, Speaking
from ganvas.cli.places import NO_PLACES, Places
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganvas.runs import Model

LATENTS, SHEET, FACTS = "latents.safetensors", "sheet.png", "inversion.json"
MODEL = "model.safetensors"


def invert(
    model: str,
    /,
    *pictures: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("inverted"),
    steps: Annotated[int, Parameter(validator=positive)] = 200,
    tune: Annotated[int, Parameter(validator=not_negative)] = 0,
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
        ganvas invert dcgan-faces-001 me.png you.png --tune 200 -o ours/
        ganvas interpolate ours/model.safetensors --latents ours/latents.safetensors -o ours.gif

    The folder gets latents.safetensors, which the other commands take with --latents, sheet.png (each picture and its
    reconstruction) and inversion.json (distances). With --tune it gets model.safetensors as well, a copy of the model that
    has learnt these pictures at these latents: where the model cannot make your picture, that is what makes it editable.

    Args:
        model: a run's name, or the path of a run or model folder.
        pictures: files; those of another size are cropped and resized, and it is said.
        out: a folder.
        steps: of the descent.
        tune: passes over the pictures in which a copy of the generator learns them (pivotal tuning); 0 is without.
        features: what the distance is measured by: auto, efficientnet, inception, or pixels. auto is efficientnet, and pixels
            where its weights cannot be fetched.
        force: write into a folder that is not empty.
        metadata: write seed and model hash into the PNG.
    """
    import json

    from ganvas.apps.invert import invert as found_in
    from ganvas.apps.invert import perceptual_network
    from ganvas.apps.latent import save_codes
    from ganvas.apps.tune import tune as tune_to
    from ganvas.cli.files import claim
    from ganvas.cli.output import plain
    from ganvas.cli.places import labels_of, opened
    from ganvas.metrics.psnr_ssim import psnr
    from ganvas.runs import grids
    from ganvas.runs.durable import replace_file
    from ganvas.runs.export import export

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
    names = [path.name for path in pictures]
    facts: dict[str, Any] = {"model": loaded.hash, "method": loaded.method_name, "seed": places.seed, "steps": steps}
    columns = {"start": found.start, "distance": found.distance, "psnr": found.psnr}
    owner, shown = loaded, [found.target, found.made]
    if tune:
        tuned = tune_to(
            loaded, found.codes, wanted, network=network, passes=tune, seed=places.seed, names=names, report=output.say
        )
        owner = tuned.model
        shown.append(tuned.made)
        columns |= {"tuned": tuned.distance, "tuned psnr": psnr(tuned.made, wanted)}
        facts |= {"tuned model": owner.hash, "passes": tune, "moved": tuned.moved}
        export(owner, target / MODEL)
    save_codes(target / LATENTS, owner, found.codes, {"pictures": names})
    grids.save_grid(target / SHEET, grids.side_by_side(*shown), facts if metadata else {}, columns=len(shown))
    rows = [{"picture": name} | {key: float(value[row]) for key, value in columns.items()} for row, name in enumerate(names)]
    document = facts | {"space": found.codes.space, "measure": found.measure, "pictures": rows}
    text = json.dumps(plain(document), indent=1, ensure_ascii=False)
    replace_file(target / FACTS, text.encode() + b"\n")
    lines = [in_words(row) for row in rows]
    lines += [f"other pictures moved by {facts['moved']:.4f} on average; the tuned model is {MODEL}"] if tune else []
    output.result(document | {"out": str(target)}, "\n".join([f"{found.measure}:", *lines, f"in {target}"]))


def in_words(row: dict[str, Any]) -> str:
    """What was found of one picture."""
    said = f"{row['picture']}: {row['distance']:.4f} (nearest sample {row['start']:.4f}), PSNR {row['psnr']:.1f} dB"
    return said + (f"; tuned {row['tuned']:.4f}, PSNR {row['tuned psnr']:.1f} dB" if "tuned" in row else "")


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
