"""Directions in latent space along which pictures change: from the weights, from activations, or from labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save as render_tensors
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganvas.apps.latent import (
    MOST,
    Chosen,
    Codes,
    Space,
    drawn,
    on_device,
    pictures,
    read_tensors,
    rendered,
    require_own,
    space_of,
)
from ganvas.errors import DataError, UsageError
from ganvas.runs import Model
from ganvas.runs.durable import replace_file

By = Literal["sefa", "ganspace", "labels"]
SAMPLES = 2000
ACTIVATIONS = 1 << 26
"""Numbers of activations that are held at once: 256 MB."""
TESTED = 0.25
"""Share of the samples on which a linear model of labels is tested, and not fitted."""
DECAY = 1e-2
"""Weight of the squared weights of that model: separable classes would make them endless."""


@dataclass(frozen=True)
class Directions:
    """Unit vectors in latent space, the strongest first.

    Args:
        space: z or w.
        vectors: (K, d) of length 1, d being the components of z or of one layer's w.
        deviation: how far samples spread along each, (K,): an amount of 1 is that far.
        names: what each is called.
        layers: the layers of w that move; None for z, and for all.
        strength: what each was ranked by, (K,): see the function that found it.
    """

    space: Space
    vectors: Tensor
    deviation: Tensor
    names: tuple[str, ...]
    strength: Tensor
    layers: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.vectors)


def steer(codes: Codes, directions: Directions, which: int, amounts: Sequence[float] | Tensor) -> Codes:
    """Each code (N) moved along one direction by each amount (A), in deviations: (N * A), code by code.

    Raises:
        UsageError: no such direction, amounts that are not finite, or another space.
    """
    if not -len(directions) <= which < len(directions):
        raise UsageError(f"there is no direction {which}", f"they are numbered 0 to {len(directions) - 1}")
    far = torch.as_tensor(amounts, dtype=torch.float32)
    if codes.space != directions.space or not torch.isfinite(far).all() or not len(far):
        raise UsageError(f"directions in {directions.space} do not move codes in {codes.space}", "find some for that space")
    repeated = codes.at(torch.arange(len(codes)).repeat_interleave(len(far)))
    move = far.repeat(len(codes))[:, None] * directions.deviation[which] * directions.vectors[which]  # (N * A, d)
    if codes.space == "z":
        return repeated.moved(repeated.value + move)
    layers = list(range(codes.value.shape[1])) if directions.layers is None else list(directions.layers)
    value = repeated.value.clone()
    value[:, layers] += move[:, None]
    return repeated.moved(value)


# -- from the weights ----------------------------------------------------------------------------------------------------


def sefa(model: Model, count: int = 10, *, space: Chosen = "auto", layers: Collection[int] | None = None) -> Directions:
    """The closed form of Shen and Zhou 2021 ("Closed-Form Factorization of Latent Semantics in GANs", eq. 5).

    Directions that change most what the first layers make of a code: the eigenvectors of A^T A with the largest eigenvalues,
    A being the weights of every layer that reads the code itself (one layer of most generators; of w each style's affine map).
    A is measured: such a layer is affine, so that its answer to code + e_i less that to the code is A's column i, whatever
    scales, norms or parametrisations stand in between. ``strength``: the eigenvalues' roots, the lengths |A n|.

    Args:
        count: how many, at most the code's components.
        layers: of w, those whose styles move; all by default.

    Raises:
        UsageError: no layer reads the code, or arguments out of range.
    """
    where = space_of(model, space)
    base = drawn(model, [0, 1], space=where).at([0])
    chosen = chosen_layers(base, layers)
    if where == "w":  # a row of its own for each layer, so that it shows which of them a module reads
        rows = drawn(model, range(base.value.shape[1]), space="w").value[:, 0]
        base = base.moved(rows[None])
    size = base.value.shape[-1]
    check_count(count, size)
    codes, step = base.at([0] * (size + 1)), torch.eye(size)
    if chosen is None:
        codes.value[1:] += step
    else:
        codes.value[1:, list(chosen)] += step[:, None]
    matrix = torch.cat([(answer[1:] - answer[0]).flatten(1).T for answer in readings(model, codes)])  # (rows of A, d)
    values, vectors = torch.linalg.eigh(matrix.double().T @ matrix.double())
    best = values.argsort(descending=True)[:count]
    found = fixed_sign(vectors.T[best])
    names = tuple(f"sefa-{number}" for number in range(count))
    return Directions(where, found.float(), spread(model, where, found), names, values[best].clamp(min=0).sqrt(), chosen)


def readings(model: Model, codes: Codes) -> list[Tensor]:
    """What every layer that reads the codes themselves answers, (N, ...) each on the CPU.

    A layer reads them if numbers of the first code are among its input's: random float32 do not agree by chance.
    """
    own, found = codes.value[0].flatten(), []

    def listen(layer: nn.Module, given: tuple[object, ...], answer: object) -> None:
        first = given[0] if given else None
        if isinstance(first, Tensor) and isinstance(answer, Tensor) and first.is_floating_point() and len(first) == len(codes):
            row = first[0].detach().flatten().float().cpu()
            if torch.isin(row, own).sum() >= min(4, own.numel()):
                found.append(answer.detach().to("cpu", torch.float32, copy=True))  # what follows may write into it

    method = model.ready()
    leaves = [part for part in method.modules() if not [*part.children()] and [*part.parameters(recurse=False)]]
    hooks = [leaf.register_forward_hook(listen) for leaf in leaves]
    try:
        with torch.no_grad():
            rendered(method, Codes(codes.space, *on_device(model, codes)))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise UsageError(f"no layer of {method.name} reads the latent itself", "use `--by ganspace`")
    return found


# -- from activations ----------------------------------------------------------------------------------------------------


def ganspace(
    model: Model,
    count: int = 10,
    *,
    space: Chosen = "auto",
    layers: Collection[int] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Directions:
    """Principal components of what samples vary in (Härkönen et al. 2020, "GANSpace", section 2).

    In w the components of w itself. In z, which varies alike in all directions, the components x of the activations after the
    first convolution, carried back to z by least squares: u = argmin sum |u x_j - z_j|^2. ``strength``: the deviations of
    the components.

    Raises:
        UsageError: arguments out of range, or a generator of which no layer is a map of features.
    """
    where = space_of(model, space)
    codes = drawn(model, range(samples), seed=seed, space=where)
    size = codes.value.shape[-1]
    check_count(count, min(size, samples - 1))
    chosen = chosen_layers(codes, layers)
    names = tuple(f"ganspace-{number}" for number in range(count))
    if where == "w":
        centred = codes.value[:, 0].double() - codes.value[:, 0].double().mean(0)
        _, deviations, rows = torch.linalg.svd(centred, full_matrices=False)
        found = fixed_sign(rows[:count])
        return Directions(where, found.float(), spread(model, where, found), names, deviations[:count] / samples**0.5, chosen)
    features = activations(model, codes)
    centred = features - features.mean(0)
    # The components of the wide matrix by the narrow one of samples: left vectors and deviations are the same.
    left, squares, _ = torch.linalg.svd((centred @ centred.T).double())
    x = left[:, :count] * squares[:count].clamp(min=0).sqrt()  # (samples, K)
    z = codes.value.double() - codes.value.double().mean(0)
    carried = torch.linalg.lstsq(x, z).solution  # (K, d)
    found = fixed_sign(carried / carried.norm(dim=1, keepdim=True).clamp(min=1e-12))
    return Directions(where, found.float(), spread(model, where, found), names, (squares[:count] / samples).clamp(min=0).sqrt())


def activations(model: Model, codes: Codes) -> Tensor:
    """What the first convolution makes of each code, (N, d) float32: as many codes as fit into memory."""
    method, found = model.ready(), []

    def listen(layer: nn.Module, given: tuple[object, ...], answer: object) -> None:
        if isinstance(answer, Tensor) and answer.dim() == 4 and not caught:
            caught.append(answer.detach().flatten(1).to("cpu", torch.float32, copy=True))

    leaves = [part for part in method.modules() if not [*part.children()] and [*part.parameters(recurse=False)]]
    hooks = [leaf.register_forward_hook(listen) for leaf in leaves]
    try:
        for start in range(0, len(codes), 64):
            caught: list[Tensor] = []
            with torch.no_grad():
                rendered(method, Codes(codes.space, *on_device(model, codes.at(slice(start, start + 64)))))
            if not caught:
                raise UsageError(f"{method.name} has no convolution to look at", "use `--by sefa`")
            found.append(thinned(caught[0], ACTIVATIONS // len(codes)))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(found)


def thinned(rows: Tensor, most: int) -> Tensor:
    """At most ``most`` of the columns, evenly spaced."""
    return rows if rows.shape[1] <= most else rows[:, :: -(-rows.shape[1] // most)]


# -- from labels ---------------------------------------------------------------------------------------------------------


def supervised(
    model: Model,
    classify: Callable[[Tensor], Tensor],
    classes: Sequence[str],
    *,
    space: Chosen = "auto",
    layers: Collection[int] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> tuple[Directions, float]:
    """Towards each class: the normals of a linear model that tells from a code which class its picture is of.

    As Shen et al. 2020 ("InterFaceGAN") for two classes, with a logistic model in place of a support vector machine, so that
    there may be several. ``strength``: the lengths of the normals.

    Args:
        classify: from pictures (N, C, H, W) to class numbers (N,).

    Returns:
        A direction for each class of which there are samples, and the share of samples, left out of the fit, that the linear
        model gets right. Where that is no more than the share of the most frequent class, the directions mean nothing.

    Raises:
        UsageError: too few samples, or samples of one class alone.
    """
    where = space_of(model, space)
    if not 40 <= samples < MOST:
        raise UsageError(f"{samples} samples teach nothing", "use 40 or more")
    codes = drawn(model, range(samples), seed=seed, space=where)
    chosen = chosen_layers(codes, layers)
    label = classify(pictures(model, codes)).cpu()
    present = label.unique()
    if len(present) < 2:
        raise UsageError(f"all {samples} samples are of class {classes[int(present[0])]}", "train a model of several classes")
    value = (codes.value if where == "z" else codes.value[:, 0]).double()
    scale = value.std(0).clamp(min=1e-9)
    fitted_on = round(samples * (1 - TESTED))
    index = torch.searchsorted(present, label)
    weight, bias = logistic((value / scale)[:fitted_on], index[:fitted_on], len(present))
    right = ((value / scale)[fitted_on:] @ weight.T + bias).argmax(1) == index[fitted_on:]
    normals = weight / scale
    found = normals / normals.norm(dim=1, keepdim=True).clamp(min=1e-12)
    names = tuple(classes[int(number)] for number in present)
    directions = Directions(where, found.float(), spread(model, where, found), names, weight.norm(dim=1), chosen)
    return directions, float(right.double().mean())


def logistic(value: Tensor, label: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weights (K, d) and biases (K,) of multinomial logistic regression with a decay, by L-BFGS."""
    weight = torch.zeros(classes, value.shape[1], dtype=value.dtype, requires_grad=True)
    bias = torch.zeros(classes, dtype=value.dtype, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = cross_entropy(value @ weight.T + bias, label) + DECAY * weight.square().sum() / 2
        found.backward()
        return found

    optimiser.step(loss)
    return weight.detach(), bias.detach()


# -- shared --------------------------------------------------------------------------------------------------------------


def chosen_layers(codes: Codes, layers: Collection[int] | None) -> tuple[int, ...] | None:
    """The layers of w that move, all of them when None; None in z.

    Raises:
        UsageError: layers of z, or that are not there.
    """
    if codes.space == "z":
        if layers is not None:
            raise UsageError("z has no layers", "leave --layers out, or use a model of stylegan")
        return None
    known = codes.value.shape[1]
    wanted = tuple(sorted(set(range(known) if layers is None else layers)))
    if not wanted or wanted[0] < 0 or wanted[-1] >= known:
        raise UsageError(f"layers {list(wanted)} are out of range", f"the model's are 0 to {known - 1}")
    return wanted


def check_count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise UsageError(f"there are no {count} directions", f"ask for 1 to {most}")


def fixed_sign(vectors: Tensor) -> Tensor:
    """Each row with its largest component above 0: an eigenvector's sign is nobody's choice."""
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * torch.where(largest < 0, -1.0, 1.0)


def spread(model: Model, space: Space, vectors: Tensor) -> Tensor:
    """The deviation of samples' codes along each direction (K, d): (K,)."""
    value = drawn(model, range(1000), seed=1, space=space).value
    value = value if space == "z" else value[:, 0]
    return (value @ vectors.float().T).std(0)


def save_directions(path: Path, model: Model, directions: Directions, facts: dict[str, object] | None = None) -> Path:
    """Writes directions as safetensors; whose they are and what they are called is in its metadata."""
    tensors = {"vectors": directions.vectors, "deviation": directions.deviation, "strength": directions.strength.float()}
    about = {"model": model.hash, "space": directions.space, "names": directions.names, "layers": directions.layers}
    told = json.dumps(about | (facts or {}), ensure_ascii=False)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    replace_file(path, render_tensors(tensors, metadata={"ganvas": told}))
    return path


def read_directions(path: Path, model: Model) -> Directions:
    """Directions that ``save_directions`` wrote for this model.

    Raises:
        DataError: there is no such file, or it holds no directions. UsageError: they are another model's.
    """
    mend = "find some with `ganvas directions`"
    tensors, about = read_tensors(path, "directions", mend)
    require_own(path, model, about)
    space = about.get("space")
    own = drawn(model, [0], space=space_of(model, space if space in ("z", "w") else "auto"))
    vectors, deviation, strength = (tensors.get(name) for name in ("vectors", "deviation", "strength"))
    names, layers = about.get("names"), about.get("layers")
    if vectors is None or deviation is None or strength is None or vectors.dim() != 2 or not isinstance(names, list):
        raise DataError(f"{path} holds no directions", mend)
    if vectors.shape[1] != own.value.shape[-1] or not len(vectors) == len(deviation) == len(strength) == len(names):
        raise DataError(f"{path} holds no directions of this model", mend)
    chosen = chosen_layers(own, layers) if isinstance(layers, list) else None
    return Directions(own.space, vectors, deviation, tuple(map(str, names)), strength, chosen)
