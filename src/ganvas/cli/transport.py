"""``ganvas transport A B``: the Wasserstein distance between two sets of samples, and which of them goes where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.flags import not_negative, positive
from ganvas.cli.output import NORMAL, Speaking


def transport(
    a: str,
    b: str | None = None,
    /,
    *,
    order: Literal[1, 2] = 1,
    count: Annotated[int, Parameter(alias="-n", validator=positive)] = 1000,
    method: Literal["auto", "exact", "sinkhorn", "sliced", "gaussian"] = "auto",
    seed: Annotated[int, Parameter(validator=not_negative)] = 0,
    figure: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Measure how far two sets of samples are apart: the least mean length of moves that turn one into the other.

    For example:

        ganvas transport photos/ pictures/                           two folders of pictures
        ganvas transport points:ring theirs.csv --figure plan.png    which point goes where
        ganvas transport wgan-gp-mnist-001                           a run's samples against its held-out data
        ganvas transport mnist:3 mnist:8 --order 2 --count 2000

    Beside the distance stands the floor, the same between two samples of one side: a perfect model would have that, not 0.

    Args:
        a: a folder of pictures, a data source such as mnist or points:ring, a .npy or .csv file of points, or a run.
        b: the same; left out, the data that the run was trained on.
        order: p of W_p: 1 charges the length of a move, 2 its square.
        count: samples a side.
        method: exact up to 5,000 x 5,000 samples, sinkhorn (an upper bound, with a lower one beside it) for the larger,
            sliced for any size, gaussian (W2 of the moments); auto takes the first of them that is affordable.
        seed: of all draws.
        figure: a .png of the plan: points with their moves, or the pairs of pictures with least, median and most cost.
        force: overwrite the figure that is there.
    """
    from ganvas.cli.files import claim

    target = None if figure is None else claim(figure, {".png"}, force=force, folder=False)
    from ganvas.cli.failures import one_line
    from ganvas.evaluation.transported import plan_figure, transported
    from ganvas.runs.durable import replace_file

    found = transported(place_of(a), None if b is None else place_of(b), order=order, count=count, method=method, seed=seed)
    document, shown = found.to_json(), str(found)
    if target is not None:
        drawn = plan_figure(found)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, drawn)
        document["figure"], shown = str(target), f"{shown}\nfigure    {one_line(str(target))}"
    output.result(document, shown)


def place_of(word: str) -> str | Path:
    """A path where there is a folder or run of that name; a file of points and a data source stay words."""
    from ganvas.cli import names
    from ganvas.data.sources import SOURCES, check_word
    from ganvas.errors import ModelError
    from ganvas.evaluation.point_files import ENDINGS

    path = Path(word)
    if path.suffix.lower() in ENDINGS:
        return word
    if word.isprintable() and path.is_dir():
        return path
    kind = word.partition(":")[0]
    if kind in SOURCES and kind != "FOLDER":
        return word
    try:
        return names.existing(word)
    except ModelError:
        check_word(word)  # a mistyped source is named as such
        raise
