"""The model for other programs: one .safetensors file, or ONNX that was compared with the original before it is written."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Literal

import torch
from safetensors.torch import save as render_tensors
from torch import Tensor, nn

from ganvas.errors import GanvasError, UsageError
from ganvas.method import Styled
from ganvas.networks.inference import prepare
from ganvas.runs.durable import write_through
from ganvas.runs.latents import draw, towards_average
from ganvas.runs.model import Model, embedded
from ganvas.runs.weights import one_line

COMPARED_BATCHES = (1, 2, 17)
COMPARED_SIZES = ((1, 1, 2), (3, 2, 1), (1, 3, 4))
"""Pictures, and the rows and columns of each in the network's multiples."""
TOLERANCE = 1e-4
"""Of the range of the original's outputs."""
EXTRA = ("onnx", "onnxscript", "onnxruntime")


def export(model: Model, out: str | Path, format: Literal["safetensors", "onnx"] = "safetensors") -> Path:  # noqa: A002
    """Writes ``model`` to the file ``out``.

    Args:
        model: what ``ganvas.load`` gave.
        out: the file; one that is there is replaced, in one step and only when everything went well.
        format: "safetensors" holds the weights and the description (``ganvas.load`` reads it); "onnx" is a network with the
            inputs "latent" (batch, latent size) float32 and, for conditional methods, "label" (batch,) int64, and the
            output "samples" float32, for any batch. Methods with a style space have one more input, "truncation" () float32:
            psi from 0, the average style, to 1, which is without. Of a method that translates, the input is "source" (batch,
            C', H, W), the output "target" (batch, C, H, W), both float32 in [-1, 1], for any batch and any H and W that are
            multiples of what the metadata name "ganvas.multiple": whoever runs it pads its pictures. With labels there is a
            second input, "label" (batch, classes or attributes) float32 of zeros and ones.

    Raises:
        UsageError: an unknown format, or onnx without its packages.
        GanvasError: the ONNX network does not compute what the original does; nothing is written.
        ResourceError: the disk is full.
    """
    if format == "safetensors":
        data = render_tensors(model.weights, metadata=embedded(model))
    elif format == "onnx":
        data = onnx_bytes(model)
    else:
        raise UsageError(f"format {format!r} is unknown", "it is safetensors or onnx")

    def fill(file: BinaryIO) -> None:
        file.write(data)

    write_through(Path(out), fill)
    return Path(out)


class Sampler(nn.Module):
    """The generator alone, its inputs named as in the exported network."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator = prepare(model.method.generator).cpu()
        self.clamped = model.spec.is_image

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        samples: Tensor = self.generator(latent) if label is None else self.generator(latent, label)
        return samples.clamp(-1, 1) if self.clamped else samples


class StyleSampler(nn.Module):
    """The generator of a method with a style space, with truncation as an input."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.method = copy.deepcopy(model.method)
        self.method.generator = prepare(self.method.generator).cpu()

    def forward(self, latent: Tensor, truncation: Tensor, label: Tensor | None = None) -> Tensor:
        assert isinstance(self.method, Styled)
        return self.method.synthesise(towards_average(self.method, latent, label, truncation))


class Translator(nn.Module):
    """A translator's network alone, from "source" to "target"."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator = prepare(model.method.generator).cpu()

    def forward(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        target: Tensor = self.generator(source) if label is None else self.generator(source, label)
        return target.clamp(-1, 1)


@dataclass(frozen=True)
class Subject:
    """What is exported of a model.

    Args:
        network: takes the inputs by name.
        output: what its output is called.
        example: inputs to trace it with.
        dynamic: the dimensions that are free, for each input.
        trials: other inputs, on which the exported network must compute the same.
        metadata: more words for the file.
    """

    network: nn.Module
    output: str
    example: dict[str, Tensor]
    dynamic: dict[str, dict[int, Any]]
    trials: list[dict[str, Tensor]]
    metadata: dict[str, str]


def inputs(model: Model, count: int) -> dict[str, Tensor]:
    """Latents and, where the network takes them, a truncation and labels in turn."""
    config = model.method.config
    batch = {"latent": draw(0, count, config.latent_size, seed=0, prior=config.prior)}
    if isinstance(model.method, Styled):
        batch["truncation"] = torch.tensor(1 / count)
    if model.method.conditional:
        batch["label"] = torch.arange(count) % len(model.spec.classes)
    return batch


def pictures(model: Model, count: int, rows: int, columns: int) -> dict[str, Tensor]:
    """Sources to translate: noise, of ``rows`` and ``columns`` in the network's multiples."""
    step, spec = multiple(model), model.spec
    shape = (count, (spec.source or spec.shape)[0], rows * step, columns * step)
    generator = torch.Generator().manual_seed(0)
    batch = {"source": torch.rand(shape, generator=generator) * 2 - 1}
    if model.method.conditional:
        batch["label"] = torch.randint(2, (count, spec.label_size), generator=generator).float()
    return batch


def multiple(model: Model) -> int:
    """What the sides of a translator's pictures are multiples of; at least 8, so that the smallest can be translated."""
    return max(int(model.method.generator.multiple), 8)  # type: ignore[arg-type]


def subject(model: Model) -> Subject:
    """What is exported of ``model``."""
    batch = torch.export.Dim("batch", min=1)
    if not model.method.translates:
        example = inputs(model, 2)
        trials = [inputs(model, count) for count in COMPARED_BATCHES]
        network = StyleSampler(model) if isinstance(model.method, Styled) else Sampler(model)
        free = {name: {0: batch} if value.dim() else {} for name, value in example.items()}
        return Subject(network.eval(), "samples", example, free, trials, {})
    step = multiple(model)
    sides = {2: step * torch.export.Dim("rows", min=1), 3: step * torch.export.Dim("columns", min=1)}
    example, trials = pictures(model, 2, 2, 3), [pictures(model, *sizes) for sizes in COMPARED_SIZES]
    dynamic: dict[str, dict[int, Any]] = {"source": {0: batch} | sides}
    dynamic |= {"label": {0: batch}} if model.method.conditional else {}
    return Subject(Translator(model).eval(), "target", example, dynamic, trials, {"multiple": str(step)})


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Without the exporter's words about its own future and about packages that we do not use."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def onnx_bytes(model: Model) -> bytes:
    """The generator as ONNX with free dimensions, compared with the original on several batches or sizes."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise UsageError(f"ONNX export needs {', '.join(missing)}", 'pip install "ganvas[onnx]"')
    what = subject(model)
    try:
        with quiet_exporter(), torch.no_grad():
            program = torch.onnx.export(
                what.network, (), kwargs=what.example, dynamo=True, verbose=False, external_data=False,
                input_names=list(what.example), output_names=[what.output], dynamic_shapes=what.dynamic,
            )  # fmt: skip
        assert program is not None
        proto: Any = program.model_proto
    except Exception as error:  # the exporter raises a wide family
        raise GanvasError(
            f"torch cannot export {model.method_name} to ONNX ({one_line(error)})", "export as safetensors"
        ) from error
    facts = {"method": model.method_name, "fingerprint": model.hash, "facts": json.dumps(model.facts)} | what.metadata
    for key, value in facts.items():
        proto.metadata_props.add(key=f"ganvas.{key}", value=value)
    data: bytes = proto.SerializeToString()
    compare(what, data)
    return data


def compare(what: Subject, data: bytes) -> float:
    """Runs the exported network beside the original; returns the largest difference as a share of the range.

    Raises:
        GanvasError: they differ by more than TOLERANCE on some trial.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = 0.0
    for trial in what.trials:
        with torch.no_grad():
            wanted = what.network(**trial)
        (found,) = session.run([what.output], {name: value.numpy() for name, value in trial.items()})
        if found.shape != tuple(wanted.shape):
            raise GanvasError(f"the ONNX network gives shape {found.shape} for {tuple(wanted.shape)}", "export as safetensors")
        # One sample, or a network that gives a constant, has no range: then the size of the values is the measure.
        scale = max(float(wanted.max() - wanted.min()), float(wanted.abs().max()), 1e-12)
        difference = float((torch.from_numpy(found) - wanted).abs().max()) / scale
        if not difference <= TOLERANCE:
            raise GanvasError(
                f"the ONNX network differs from the original by {difference:.1e} of its range at {tuple(wanted.shape)}",
                "export as safetensors",
            )
        worst = max(worst, difference)
    return worst
