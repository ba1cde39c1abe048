"""Places in a generator's latent space, each of which is a picture: z, or the styles w of a method that has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as render_tensors
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.method import Method, Styled
from ganvas.runs import Model
from ganvas.runs.durable import replace_file
from ganvas.runs.latents import draw, towards_average

Space = Literal["z", "w"]
Chosen = Literal["auto", "z", "w"]
MOST = 1_000_000
"""Above every number of a sample that can be asked for."""


@dataclass(frozen=True)
class Codes:
    """Places in a model's latent space, N of them.

    Args:
        space: z, or w for a method with styles.
        value: z (N, latent size), or w (N, layers, W): a row a layer, which need not be equal ("w+").
        label: the class (N,) of each, for a conditional model in z; in w the styles hold it.
    """

    space: Space
    value: Tensor
    label: Tensor | None = None

    def __len__(self) -> int:
        return len(self.value)

    def at(self, rows: Sequence[int] | Tensor | slice) -> Codes:
        """Those of the given rows, in their order."""
        index = rows if isinstance(rows, slice) else torch.as_tensor(rows, dtype=torch.int64)
        return replace(self, value=self.value[index], label=None if self.label is None else self.label[index])

    def moved(self, value: Tensor) -> Codes:
        """The same classes at other places."""
        return replace(self, value=value)


def joined(*parts: Codes) -> Codes:
    """All of them, one after the other; they are of one space."""
    first = parts[0]
    label = None if first.label is None else torch.cat([part.label for part in parts if part.label is not None])
    return Codes(first.space, torch.cat([part.value for part in parts]), label)


def styled(method: Method) -> Styled:
    """The method as one with styles.

    Raises:
        UsageError: it has none.
    """
    if not isinstance(method, Styled):
        raise UsageError(f"{method.name} has no styles w, only z", "leave --space out, or train stylegan")
    return method


def require_generator(model: Model) -> None:
    """Raises UsageError unless the model makes pictures from noise."""
    if model.method.translates:
        raise UsageError(
            f"the model is a {model.method_name}, which translates pictures and has no latent space", "use `ganvas apply`"
        )
    if not model.spec.is_image:
        raise UsageError("the model makes points, of which there is no picture to show", "name a model of pictures")


def space_of(model: Model, chosen: Chosen = "auto") -> Space:
    """Which space to work in: w where the method has styles, else z.

    Raises:
        UsageError: it makes no pictures from noise, or has no w.
    """
    require_generator(model)
    if chosen == "auto":
        return "w" if isinstance(model.method, Styled) else "z"
    if chosen == "w":
        styled(model.method)
    return chosen


@torch.no_grad()
def drawn(
    model: Model,
    numbers: Sequence[int],
    *,
    seed: int = 0,
    space: Chosen = "auto",
    labels: Sequence[int] | None = None,
    truncation: float | None = None,
) -> Codes:
    """The codes of samples, by the numbers that they have in ``Model.sample`` and ``ganvas sample`` with that seed.

    Args:
        numbers: from 0.
        labels: their classes, repeated in turn; None takes class ``number mod classes``, as ``Model.sample`` does.
        truncation: psi. In z, latents are drawn given |z| <= psi; in w, styles are moved to their average, psi in 0..1.

    Raises:
        UsageError: an argument out of range, or labels for a model without.
    """
    where, method = space_of(model, space), model.ready()
    if not numbers or min(numbers) < 0 or max(numbers) >= MOST or seed < 0:
        raise UsageError(f"samples {list(numbers)[:10]} of seed {seed} cannot be drawn", f"number them from 0 to {MOST - 1:,}")
    of_z = truncation if where == "z" else None
    config, label = method.config, classes_of(model, numbers, labels)
    latent = draw(0, max(numbers) + 1, config.latent_size, seed=seed, prior=config.prior, truncation=of_z)[list(numbers)]
    codes = Codes("z", latent, label)
    return codes if where == "z" else truncated_styles(model, codes, truncation)


def classes_of(model: Model, numbers: Sequence[int], labels: Sequence[int] | None) -> Tensor | None:
    """The class (N,) of each sample, None for a model without classes."""
    known = len(model.spec.classes)
    if not model.method.conditional:
        if labels is not None:
            raise UsageError(f"{model.method_name} is not conditional, it takes no labels", "train cgan for samples by class")
        return None
    if labels is None:
        return torch.tensor([number % known for number in numbers])
    if not labels or any(not 0 <= label < known for label in labels):
        raise UsageError(f"labels {list(labels)[:10]} are out of range", f"the model's classes are 0 to {known - 1}")
    return torch.tensor([labels[place % len(labels)] for place in range(len(numbers))])


@torch.no_grad()
def truncated_styles(model: Model, codes: Codes, truncation: float | None) -> Codes:
    """From z to w, the same style for each layer, psi of the way from the average style; None is all of the way.

    Raises:
        UsageError: psi is not in 0..1.
    """
    method = styled(model.ready())

    def styles(latent: Tensor, label: Tensor | None) -> Tensor:
        return method.styles(latent, label) if truncation is None else towards_average(method, latent, label, truncation)

    parts = [styles(*on_device(model, codes.at(slice(start, start + 256)))) for start in range(0, len(codes), 256)]
    return Codes("w", torch.cat([part.float().cpu() for part in parts]))


def on_device(model: Model, codes: Codes) -> tuple[Tensor, Tensor | None]:
    """Values and classes on the model's device."""
    return codes.value.to(model.device), None if codes.label is None else codes.label.to(model.device)


@torch.no_grad()
def average_style(model: Model) -> Tensor:
    """The mean of w over all latents, (W,) on the CPU."""
    return styled(model.ready()).average_style().float().cpu()


def rendered(method: Method, codes: Codes) -> Tensor:
    """The pictures (N, C, H, W) of codes that are on the method's device, with gradients to their values."""
    if codes.space == "w":
        return styled(method).synthesise(codes.value)
    return method.sample(codes.value, codes.label)


@torch.no_grad()
def pictures(model: Model, codes: Codes, *, batch_size: int = 64) -> Tensor:
    """The pictures (N, C, H, W) of codes, in [-1, 1], float32 on the CPU."""
    method, made = model.ready(), []
    for start in range(0, len(codes), batch_size):
        shown = rendered(method, Codes(codes.space, *on_device(model, codes.at(slice(start, start + batch_size)))))
        made.append(shown.float().cpu().clamp(-1, 1))
    return torch.cat(made).contiguous()


# -- the normal distribution behind z ------------------------------------------------------------------------------------


def to_normal(z: Tensor, prior: str) -> Tensor:
    """z as standard normal numbers: of a uniform prior by the distribution function, z at the edge being kept finite."""
    if prior == "normal":
        return z
    normal: Tensor = torch.special.ndtri(((z.double() + 1) / 2).clamp(1e-7, 1 - 1e-7))
    return normal.to(z.dtype)


def from_normal(normal: Tensor, prior: str) -> Tensor:
    """The inverse of ``to_normal``, differentiable."""
    if prior == "normal":
        return normal
    uniform: Tensor = 2 * torch.special.ndtr(normal) - 1
    return uniform


# -- codes in files ------------------------------------------------------------------------------------------------------


def save_codes(path: Path, model: Model, codes: Codes, facts: dict[str, Any] | None = None) -> Path:
    """Writes codes as safetensors: "z" or "w", "label" where there are classes, and whose they are in its metadata."""
    tensors = {codes.space: codes.value.contiguous()} | ({} if codes.label is None else {"label": codes.label.contiguous()})
    about = {"model": model.hash, "method": model.method_name, **(facts or {})}
    content = render_tensors(tensors, metadata={"ganvas": json.dumps(about, ensure_ascii=False)})
    replace_file(path, content)
    return path


def read_codes(path: Path, model: Model) -> Codes:
    """Codes that ``save_codes`` wrote for this model.

    Raises:
        DataError: there is no such file, or it holds no codes. UsageError: they are another model's.
    """
    tensors, about = read_tensors(path, "latents", "write some with `ganvas invert`")
    require_own(path, model, about)
    space: Space = "w" if "w" in tensors else "z"
    value, label = tensors.get(space), tensors.get("label")
    own = drawn(model, [0], space=space)  # what codes of this model look like
    fits = value is not None and len(value) and value.shape[1:] == own.value.shape[1:] and bool(torch.isfinite(value).all())
    if value is None or not fits or (label is None) != (own.label is None):
        raise DataError(f"{path} holds no latents of this model", "write some with `ganvas invert`")
    if label is not None:
        classes_of(model, range(len(label)), label.tolist())
    return Codes(space, value.float(), label)


def read_tensors(path: Path, what: str, mend: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description of a safetensors file of ours."""
    try:
        if not path.is_file():
            raise DataError(f"there is no file {path}", mend)
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["ganvas"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no {what} ({' '.join(str(error).split())[:100]})", mend) from error


def require_own(path: Path, model: Model, about: dict[str, Any]) -> None:
    """Refuses what was made for another model: its latents mean nothing here."""
    if about.get("model") != model.hash:
        theirs = str(about.get("model"))[:12]
        raise UsageError(f"{path} is of model {theirs}, not of {model.hash[:12]}", "make it again for this model")
