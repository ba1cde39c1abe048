"""``ganvas steer MODEL DIRECTIONS``: pictures moved along a direction in latent space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.cli.places import NO_PLACES, Places
from ganvas.errors import UsageError


def steer(
    model: str,
    directions: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("steered.png"),
    along: str = "0",
    amounts: str = "-3,-2,-1,0,1,2,3",
    fps: Annotated[float, Parameter(validator=positive)] = 15.0,
    places: Places = NO_PLACES,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Move pictures along a direction that `ganvas directions` found: a row a picture, or an animation there and back.

    For example:

        ganvas steer dcgan-faces-001 directions.safetensors --along 2 --samples 0-4 -o sheet.png
        ganvas steer dcgan-faces-001 moods.safetensors --along surprised --amounts=0,1,2,3 -o surprised.png
        ganvas steer stylegan-001 directions.safetensors --latents me/latents.safetensors -o me.gif

    Args:
        model: a run's name, or the path of a run or model folder.
        directions: the file.
        out: a .png: a row a picture, a column an amount; a .gif, .webp, .mp4 or .webm: there and back.
        along: which direction: its number from 0, or its name.
        amounts: how far, in deviations of the samples along that direction.
        fps: of an animation.
        force: overwrite what is there.
        metadata: write seed and model hash into the file.
    """
    from ganvas.apps.animation import ENDINGS, animate
    from ganvas.apps.directions import read_directions
    from ganvas.apps.directions import steer as moved
    from ganvas.apps.latent import pictures
    from ganvas.cli.files import claim
    from ganvas.cli.places import codes_of, opened, told
    from ganvas.runs import grids

    target = claim(out, ENDINGS, force=force, folder=False)
    loaded = opened(model, places.device)
    found = read_directions(directions, loaded)
    which = found.names.index(along) if along in found.names else int(along) if along.isdecimal() else -1
    if not 0 <= which < len(found):
        raise UsageError(f"there is no direction {along!r}", f"choose from {', '.join(found.names[:20])}, or count from 0")
    far = amounts_of(amounts)
    from dataclasses import replace

    codes = codes_of(loaded, places if places.latents else replace(places, space=found.space), "0-4")
    shown = pictures(loaded, moved(codes, found, which, far))
    facts = told(loaded, places, direction=found.names[which], amounts=far) if metadata else {}
    if target.suffix.lower() == ".png":
        grids.save_grid(target, shown, facts, columns=len(far))
    else:
        frames = shown.unflatten(0, (len(codes), len(far))).transpose(0, 1)  # (T, N, C, H, W)
        there_and_back = [*range(len(far)), *range(len(far) - 2, 0, -1)]
        animate(target, frames[there_and_back], fps=fps, facts=facts)
    document = {"out": str(target), "direction": found.names[which], "amounts": far, "pictures": len(codes), "model": model}
    output.result(document, f"{len(codes)} pictures along {found.names[which]} in {target}")


def amounts_of(text: str) -> list[float]:
    """ "-3,0,3" as numbers.

    Raises:
        UsageError: it is no list of finite numbers.
    """
    import math

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(math.isfinite(value) for value in found) or len(found) > 200:
        raise UsageError(f"--amounts {text} are no numbers", "give some with commas, as in --amounts=-3,0,3")
    return found
