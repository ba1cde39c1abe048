"""``ganvas walk MODEL``: a closed random walk through latent space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import at_least_0, not_negative, positive
from ganvas.cli.output import NORMAL, Speaking


def walk(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("walk.gif"),
    frames: Annotated[int, Parameter(validator=positive)] = 60,
    count: Annotated[int, Parameter(alias="-n", validator=positive)] = 1,
    bends: Annotated[int, Parameter(validator=positive)] = 2,
    fps: Annotated[float, Parameter(validator=positive)] = 15.0,
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    space: Literal["auto", "z", "w"] = "auto",
    label: str | None = None,
    truncation: Annotated[float | None, Parameter(validator=at_least_0)] = None,
    device: str = "auto",
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Walk through latent space along a smooth random curve that ends where it began. Each picture is as likely as any sample.

    For example:

        ganvas walk dcgan-faces-001 -o walk.gif
        ganvas walk dcgan-faces-001 -n 9 --frames 120 --seed 4 -o nine.webp
        ganvas walk cgan-mnist-001 --label 3 --bends 5 -o strip.png

    Args:
        model: a run's name, or the path of a run or model folder.
        out: a .gif, a .webp (without loss), a .mp4 or .webm (needs ganvas[video]), or a .png: a strip of up to 12 pictures.
        frames: pictures of the walk, at least 2.
        count: walks at once, side by side in a grid.
        bends: how lively the curve is: its highest frequency.
        fps: pictures a second, 0.1 to 50.
        seed: of the first curve; the next has the next.
        space: z, or w of a method with styles; auto is w where there is one.
        label: classes by name or number, separated by commas, one a walk in turn; for conditional models.
        truncation: psi. In z it draws latents with |z| <= psi; in w it moves styles to their average, 0 to 1.
        device: auto (cuda > mps > cpu), cpu, cuda, cuda:1 or mps.
        force: overwrite what is there.
        metadata: write seed and model hash into the file.
    """
    import torch

    from ganvas.apps.animation import ENDINGS, animate
    from ganvas.apps.latent import pictures
    from ganvas.apps.walk import walk as along
    from ganvas.cli.files import claim
    from ganvas.cli.places import labels_of, opened

    target = claim(out, ENDINGS, force=force, folder=False)
    loaded = opened(model, device)
    known = len(loaded.spec.classes) if loaded.method.conditional else 0
    labels: list[int | None] = [*range(known)] or [None]
    if label is not None:
        labels = [*labels_of(loaded, label)]
    made = []
    for number in range(count):
        turn = labels[number % len(labels)]
        codes = along(loaded, frames, seed=seed + number, bends=bends, space=space, label=turn, truncation=truncation)
        made.append(pictures(loaded, codes))
    facts = {"model": loaded.hash, "method": loaded.method_name, "seed": seed, "bends": bends, "truncation": truncation}
    known_facts = {name: value for name, value in facts.items() if value is not None} if metadata else {}
    animate(target, made[0] if count == 1 else torch.stack(made, dim=1), fps=fps, facts=known_facts)
    document = {"out": str(target), "frames": frames, "walks": count, "seed": seed, "model": model}
    output.result(document, f"{count} walk{'s' if count > 1 else ''} of {frames} pictures (seed {seed}) in {target}")
