"""``ganvas interpolate MODEL``: from one picture to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.cli.places import NO_PLACES, Places


def interpolate(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("interpolation.gif"),
    steps: Annotated[int, Parameter(validator=positive)] = 12,
    path: Literal["auto", "slerp", "linear"] = "auto",
    closed: Annotated[bool, Parameter(negative="")] = False,
    fps: Annotated[float, Parameter(validator=positive)] = 15.0,
    places: Places = NO_PLACES,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Go from one picture to the next through latent space, as an animation or a strip.

    For example:

        ganvas interpolate dcgan-faces-001 --samples 3,7,12 --closed -o faces.gif
        ganvas interpolate dcgan-faces-001 --samples 3,7 --steps 9 -o strip.png
        ganvas interpolate cgan-mnist-001 --samples 0,1 --label 4 --path linear -o four.webp
        ganvas interpolate stylegan-001 --latents inverted/latents.safetensors -o between.gif

    Args:
        model: a run's name, or the path of a run or model folder.
        out: a .gif, a .webp (without loss), a .mp4 or .webm (needs ganvas[video]), or a .png: a strip of up to 12 pictures.
        steps: pictures from one to the next.
        path: slerp: along the arc on which z lie; linear: straight. auto: slerp in z, linear in w.
        closed: back to the first at the end, so that an animation repeats without a jump.
        fps: pictures a second, 0.1 to 50.
        force: overwrite what is there.
        metadata: write seed and model hash into the file.
    """
    from ganvas.apps.animation import ENDINGS, animate
    from ganvas.apps.interpolate import interpolate as along
    from ganvas.apps.latent import pictures
    from ganvas.cli.files import claim
    from ganvas.cli.places import codes_of, opened, told

    target = claim(out, ENDINGS, force=force, folder=False)
    loaded = opened(model, places.device)
    codes = along(loaded, codes_of(loaded, places, "0-3"), steps, path=path, closed=closed)
    codes = codes.at(slice(0, -1)) if closed and target.suffix.lower() != ".png" else codes  # it repeats: no frame twice
    facts = told(loaded, places, steps=steps, path=path) if metadata else {}
    animate(target, pictures(loaded, codes), fps=fps, facts=facts)
    document = {"out": str(target), "frames": len(codes), "space": codes.space, "path": path, "model": model}
    output.result(document, f"{len(codes)} pictures in {codes.space} in {target}")
