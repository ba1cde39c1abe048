"""``ganvas neighbours MODEL``: samples beside the training pictures that are nearest to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli.flags import positive
from ganvas.cli.output import NORMAL, Speaking
from ganvas.cli.places import NO_PLACES, Places
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.data import ArrayData
    from ganvas.runs import Model


def neighbours(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("neighbours.png"),
    data: str | None = None,
    nearest: Annotated[int, Parameter(alias="-k", validator=positive)] = 3,
    features: str = "raw",
    places: Places = NO_PLACES,
    force: Annotated[bool, Parameter(negative="")] = False,
    metadata: bool = True,
    output: Speaking = NORMAL,
) -> None:
    """Draw samples beside the training pictures that are nearest to them, and say whether that is nearer than usual.

    For example:

        ganvas neighbours dcgan-faces-001
        ganvas neighbours dcgan-faces-001 --data faces --samples 0-9 -k 5 --features efficientnet -o near.png
        ganvas neighbours model/ --data photos/ --latents me/latents.safetensors

    A row a sample: itself, then its neighbours, nearest first. Usual is how near held-out pictures, which training never saw,
    have their neighbours.

    Args:
        model: a run's name, or the path of a run or model folder.
        out: a .png.
        data: the training data: a name as for train --data, or a folder; by default what the run learnt from.
        nearest: training pictures a sample.
        features: what is compared: raw (pixels), lenet, efficientnet, inception, dinov2, clip, or such a word with :PATH.
        force: overwrite what is there.
        metadata: write seed and model hash into the PNG.
    """
    import torch

    from ganvas.apps.latent import pictures
    from ganvas.apps.neighbours import neighbours as nearest_to
    from ganvas.cli.files import claim
    from ganvas.cli.places import codes_of, opened, told
    from ganvas.metrics.networks import feature_network
    from ganvas.runs import grids

    target = claim(out, {".png"}, force=force, folder=False)
    loaded = opened(model, places.device)
    learnt = data_of(loaded, model, data)
    network = feature_network(features, learnt, report=output.say)
    samples = pictures(loaded, codes_of(loaded, places, "0-7"))
    found = nearest_to(samples, learnt, k=nearest, network=network)
    rows = torch.cat([samples[:, None], found.pictures], dim=1)  # (N, 1 + k, C, H, W)
    grids.save_grid(target, rows.flatten(0, 1), told(loaded, places, data=learnt.name) if metadata else {}, columns=1 + nearest)
    share = found.nearer_than_usual
    document = {
        "out": str(target), "data": learnt.name, "searched": found.searched, "measure": found.measure,
        "distance": found.distance.tolist(), "index": found.index.tolist(), "usual": found.usual, "nearer_than_usual": share,
    }  # fmt: skip
    words = f"the nearest of {found.searched:,} pictures of {learnt.name}, by {found.measure}"
    near = "" if share is None else f"; {share:.0%} lie nearer than half of the held-out pictures do (50 % is no sign)"
    output.result(document, f"{len(samples)} samples and {words}, in {target}{near}")


def data_of(loaded: Model, model: str, data: str | None) -> ArrayData:
    """The data that a user names, else that of the run.

    Raises:
        UsageError: neither is there. DataError: it cannot be had.
    """
    from ganvas.apps.neighbours import data_for
    from ganvas.cli import names
    from ganvas.evaluation import account

    if data is not None:
        return data_for(loaded, data)
    folder = names.existing(model)
    if not (folder / "config.json").is_file():
        raise UsageError(f"{model} is a model without a run, which does not say where its data is", "name it with --data")
    return data_for(loaded, account.open_data(account.read(folder).config))
