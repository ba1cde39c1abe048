"""``ganvas export MODEL OUT``: the model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ganvas.cli.output import NORMAL, Speaking


def export(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("model.safetensors"),
    format: Literal["auto", "safetensors", "onnx"] = "auto",  # noqa: A002 -- it is the flag's name
    last: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    output: Speaking = NORMAL,
) -> None:
    """Export the generator. ONNX is compared with the original on several batches before it counts as done.

    For example:

        ganvas export wgan-gp-mnist-001 -o digits.safetensors
        ganvas export wgan-gp-mnist-001 -o digits.onnx

    Args:
        model: a run's name, or the path of a run or model folder.
        out: the file to write.
        format: auto goes by the file's ending; onnx needs ganvas[onnx].
        last: of a run, take the last state of training and not the best.
        force: overwrite what is there.
    """
    from ganvas.cli import names
    from ganvas.cli.files import claim
    from ganvas.runs import load
    from ganvas.runs.export import export as write

    endings = {".safetensors", ".onnx"} if format == "auto" else {f".{format}"}
    target = claim(out, endings, force=force, folder=False)
    kind: Literal["safetensors", "onnx"] = "onnx" if target.suffix.lower() == ".onnx" else "safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    write(load(names.model_of(model, last=last)), target, kind)
    output.result({"out": str(target), "format": kind, "model": model}, f"exported {model} to {target}")
