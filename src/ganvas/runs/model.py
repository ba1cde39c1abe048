"""A trained model: a folder that describes itself, and all that can be done with it without data or training config.

``model.json`` says which network it is and carries its own checksum and that of ``weights.safetensors``. Reading it executes
nothing: the network is built without memory first (torch's meta device), and takes the tensors only when each of them fits.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import save as render_tensors
from torch import Tensor

from ganvas import __version__
from ganvas.data.batches import Spec
from ganvas.errors import ModelError, UsageError
from ganvas.method import Method, Styled
from ganvas.methods import METHODS
from ganvas.networks.inference import prepare
from ganvas.runs.checkpoint import plain, refuse_newer, refuse_non_finite
from ganvas.runs.durable import RETIRED, TEMPORARY, remove_folder, replace_folder, sealed, unseal, write_file, writing
from ganvas.runs.latents import draw, towards_average
from ganvas.runs.translation import fitted, refuse_strange, translate
from ganvas.runs.weights import GET_ANOTHER, examine, fingerprint, one_line, read_header, read_weights

SCHEMA = 1
DESCRIPTION, WEIGHTS = "model.json", "weights.safetensors"
LARGEST_DESCRIPTION = 16 << 20
EMBEDDED = "ganvas"
"""The metadata key under which an exported .safetensors file carries the description."""


class Model:
    """A trained generator with what it was trained on; ``ganvas.load`` makes one.

    Attributes:
        method_name: its key in METHODS.
        config: the method's settings.
        spec: what one sample is.
        facts: step, images, seed, data and licence, as training recorded them.
        hash: sha256 of the weights.
        weights: the averaged weights as they were saved, on the CPU.
    """

    def __init__(self, method: Method, weights: dict[str, Tensor], description: dict[str, Any]) -> None:
        self.method = method
        self.weights = weights
        self.description = description
        self.method_name: str = method.name
        self.config: dict[str, Any] = asdict(method.config)
        self.spec = method.spec
        self.facts: dict[str, Any] = description["facts"]
        self.hash: str = description["fingerprint"]
        self.device = torch.device("cpu")
        self._prepared = False

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.spec.shape)
        step, data = self.facts.get("step"), self.facts.get("data")
        source = "x".join(str(n) for n in self.spec.source or ())
        told = [f"{self.method_name}", *([f"{source or shape} to {shape}"] if self.method.translates else [shape])]
        told += [] if self.method.translates else [f"latent {self.method.config.latent_size}"]
        told += [f"{len(self.spec.classes)} classes"] if self.method.conditional else []
        told += [f"step {step:,}"] if isinstance(step, int) else []
        told += [f"trained on {data}"] if data else []
        return f"Model({', '.join(told)}, {self.hash[:12]})"

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: a grid of 32 samples, or the cloud of 1000 points; nothing of a translator."""
        from ganvas.runs.grids import picture_bytes

        return None if self.method.translates else picture_bytes(self.sample(32 if self.spec.is_image else 1000))

    def to(self, device: str | torch.device) -> Self:
        """Moves sampling to ``device``."""
        self.device = torch.device(device)
        self.ready().to(self.device)
        return self

    def ready(self) -> Method:
        """The method with its averaged modules in their fastest form for sampling."""
        if not self._prepared:
            for name in self.method.averaged:
                setattr(self.method, name, prepare(getattr(self.method, name)))
            self._prepared = True
        return self.method

    def trainable(self) -> Method:
        """A copy of the method on the model's device, in evaluation mode, nothing folded, whose weights take gradients."""
        method = build(Path(self.method_name), self.description)
        own = {name: tensor.clone() for name, tensor in self.weights.items()}
        return furnish(method, own, self.description).method.to(self.device).requires_grad_(True)

    def changed(self, method: Method, facts: dict[str, Any]) -> Model:
        """The model of what ``trainable`` gave, its weights as they are now; ``facts`` join those of this one.

        Raises:
            Diverged: a weight is not finite.
        """
        refuse_non_finite(own_tensors(method), "the tuned model")
        weights = plain(own_tensors(method))
        description = describe(method, weights, self.facts | facts)
        return Model(method.requires_grad_(False), weights, description).to(self.device)

    @torch.no_grad()
    def sample(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        labels: Sequence[int] | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> Tensor:
        """Draws samples: pictures (count, C, H, W) in [-1, 1] or points (count, d), float32 on the CPU.

        Sample i has the same latent whatever ``count`` and ``batch_size`` are, so it is the same up to rounding.

        Args:
            count: how many, at least 1.
            seed: which ones, at least 0.
            labels: class numbers, repeated in turn; None takes the classes in turn. For conditional methods only.
            truncation: psi, for more typical and less varied samples; None is without. With a style space W (``Styled``) styles
                are psi of the way from the average one to each sample's own, psi from 0 (one picture, or one a class) to 1;
                without, latents are drawn given |z| <= psi, psi above 0.
            batch_size: samples computed at once.

        Raises:
            UsageError: an argument is out of range, labels were given to a method without, or the model translates.
        """
        if self.method.translates:
            raise UsageError(f"{self.method_name} makes no samples from noise, it translates pictures", "give it pictures")
        for name, value, least in (("count", count, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
            if value < least:
                raise UsageError(f"{name}={value} is out of range", f"it must be at least {least}")
        method, classes = self.ready(), self._classes_in_turn(labels)
        config, batches = method.config, []
        styled = method if isinstance(method, Styled) else None
        for start in range(0, count, batch_size):
            n = min(batch_size, count - start)
            in_latents = truncation if styled is None else None
            latent = draw(start, n, config.latent_size, seed=seed, prior=config.prior, truncation=in_latents).to(self.device)
            label = None
            if classes is not None:
                label = classes[torch.arange(start, start + n) % len(classes)].to(self.device)
            if styled is not None and truncation is not None:
                samples = styled.synthesise(towards_average(styled, latent, label, truncation)).float().cpu()
            else:
                samples = method.sample(latent, label).float().cpu()
            batches.append(samples.clamp(-1, 1) if self.spec.is_image else samples)
        return torch.cat(batches).contiguous()

    def translate(
        self,
        source: Tensor,
        label: Tensor | None = None,
        *,
        back: bool = False,
        noise: int | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Translates pictures of any size: (N, C', H, W) in [-1, 1] to (N, C, H, W) in [-1, 1], float32 on the CPU.

        They are padded to what the network can take, and the result is cut to their size again.

        Args:
            source: pictures of the source domain.
            label: what they shall become, for conditional methods: class numbers (N,), or attributes (N, K) of zeros and ones;
                or one of these for all pictures. Float (N, K) or (K,) in 0..1 asks for something between.
            back: the other way, from the target domain to the source domain, for methods that learn both.
            noise: a seed that turns on the generator's dropout, pix2pix's noise: other seeds give other answers. None: the
                same picture has always the same answer.
            batch_size: pictures computed at once; None goes by the memory that is free.

        Raises:
            UsageError: no pictures of the right channels, values outside [-1, 1] by more than rounding, a method that does not
                translate, or not back, or that has no noise.
        """
        if not self.method.translates:
            raise UsageError(f"{self.method_name} makes samples from noise, it translates none", "train pix2pix or cyclegan")
        return translate(self.ready(), source, label, self.device, back=back, noise=noise, batch_size=batch_size)

    @torch.no_grad()
    def recognise(self, pictures: Tensor) -> Tensor:
        """What pictures (N, C, H, W) in [-1, 1] are, by the critic of a method with domains: (N, K) in 0..1, on the CPU.

        The columns are ``spec.domains``; classes, and attributes of which a picture has exactly one, add up to 1. Pictures of
        another size than training's are brought to it: their middle, where the shape differs.

        Raises:
            UsageError: no pictures of the right channels in [-1, 1], or a method without domains.
        """
        refuse_strange(pictures, self.spec.shape[0])
        wanted = fitted(pictures.float(), (self.spec.shape[1], self.spec.shape[2]))
        return self.ready().recognise(wanted.to(self.device)).float().cpu()

    def _classes_in_turn(self, labels: Sequence[int] | None) -> Tensor | None:
        known = len(self.spec.classes)
        if not self.method.conditional:
            if labels is not None:
                raise UsageError(
                    f"{self.method_name} is not conditional, it takes no labels", "train cgan for samples by class"
                )
            return None
        if labels is None:
            return torch.arange(known)
        if not labels or any(not 0 <= label < known for label in labels):
            raise UsageError(f"labels {list(labels)[:10]} are out of range", f"the model's classes are 0 to {known - 1}")
        return torch.tensor(labels)


def describe(method: Method, weights: dict[str, Tensor], facts: dict[str, Any]) -> dict[str, Any]:
    """What model.json says, its weights' place and checksum aside."""
    return {
        "schema": SCHEMA,
        "ganvas": __version__,
        "method": method.name,
        "config": asdict(method.config),
        "spec": method.spec.to_json(),
        "parameters": sum(tensor.numel() for tensor in weights.values()),
        "fingerprint": fingerprint(weights),
        "facts": facts,
    }


def write_model(folder: Path, method: Method, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Path:
    """Writes a model folder, whole or not at all; one that is there is replaced.

    Args:
        method: whose config and spec describe the network.
        tensors: the weights of the averaged and the kept modules by their names in ``method``.
        facts: JSON values; what training knows of the model.

    Raises:
        Diverged: a weight is not finite. ResourceError: the disk is full. Either way the old folder stays as it was.
    """
    refuse_non_finite(tensors, f"step {facts.get('step')}")
    weights = plain(tensors)
    if weights.keys() != own_tensors(method).keys():
        raise ValueError(f"the weights of {method.name} are {sorted(own_tensors(method))}, not {sorted(weights)}")
    temporary = folder.with_name(folder.name + TEMPORARY)
    with writing(folder, temporary):
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_folder(temporary)
        temporary.mkdir()
        place = {"file": WEIGHTS, **write_file(temporary / WEIGHTS, render_tensors(weights))}
        write_file(temporary / DESCRIPTION, sealed({**describe(method, weights, facts), "weights": place}))
        replace_folder(temporary, folder)
    return folder


def load(path: str | Path) -> Model:
    """Loads a model from a run folder (its best snapshot if there is one), a model folder, or an exported .safetensors file.

    When a run's best snapshot is damaged its other model is taken, with a warning.

    Raises:
        ModelError: there is no model, or it is damaged, foreign or newer; nothing in it is ever executed.
    """
    path = Path(path)
    if path.is_file():
        return load_file(path)
    if (path / DESCRIPTION).is_file():
        return load_folder(path)
    # A folder is under its retired name only for the moment in which its successor takes its place.
    names = [name + ending for name in ("model-best", "model") for ending in ("", RETIRED)]
    folders = [path / name for name in names if (path / name / DESCRIPTION).is_file()]
    if not folders:
        state = (
            "holds no model yet"
            if (path / "config.json").is_file()
            else "holds no model"
            if path.is_dir()
            else "does not exist"
        )
        raise ModelError(f"{path} {state}", "name a run or model folder; `ganvas runs` lists the runs")
    failures: list[ModelError] = []
    for folder in folders:
        try:
            model = load_folder(folder)
        except ModelError as error:
            failures.append(error)
            continue
        if failures:
            warnings.warn(f"{failures[0].cause}; using {folder} in its place", stacklevel=2)
        return model
    raise failures[0]


def load_folder(folder: Path) -> Model:
    """Loads a model folder. While training replaces it, its two files may be of two models: then it is read again."""
    for _ in range(3):
        data = read_description(folder)
        try:
            return _load_described(folder, data)
        except ModelError:
            if read_description(folder) == data:
                raise
    return _load_described(folder, read_description(folder))


def _load_described(folder: Path, data: bytes) -> Model:
    description = checked(folder / DESCRIPTION, data)
    method = build(folder / DESCRIPTION, description)
    place = description.get("weights")
    if not isinstance(place, dict) or not isinstance(place.get("size"), int) or not isinstance(place.get("sha256"), str):
        raise ModelError(f"{folder / DESCRIPTION} does not say what its weights are", GET_ANOTHER)
    weights = read_weights(folder / WEIGHTS, own_tensors(method), place)
    return furnish(method, weights, description)


def load_file(path: Path) -> Model:
    """Loads an exported .safetensors file, which carries its description inside."""
    _, length = examine(path)
    metadata = read_header(path, length).get("__metadata__")
    text = metadata.get(EMBEDDED) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelError(
            f"{path} holds tensors but does not say of which network", "load a model folder, or a file that Ganvas exported"
        )
    description = checked(path, text.encode(errors="surrogatepass"))
    method = build(path, description)
    weights = read_weights(path, own_tensors(method), None)
    if fingerprint(weights) != description["fingerprint"]:
        raise ModelError(f"{path} does not match its sha256, it is damaged or was edited", GET_ANOTHER)
    return furnish(method, weights, description)


def read_description(folder: Path) -> bytes:
    path = folder / DESCRIPTION
    try:
        if path.stat().st_size > LARGEST_DESCRIPTION:
            raise ModelError(f"{path} has {path.stat().st_size:,} bytes, no model's description has that", GET_ANOTHER)
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})", GET_ANOTHER) from error


def checked(path: Path, data: bytes) -> dict[str, Any]:
    """The description in ``data`` if it is unchanged and of a version that we know."""
    refuse_newer(data, SCHEMA, path)
    description = unseal(data)
    if description is None:
        raise ModelError(f"{path} is damaged or was edited", GET_ANOTHER)
    kinds = {"schema": int, "method": str, "config": dict, "spec": dict, "facts": dict, "fingerprint": str}
    for key, kind in kinds.items():
        if not isinstance(description.get(key), kind):
            raise ModelError(f"{path} lacks {key!r} or it is no {kind.__name__}", GET_ANOTHER)
    return description


def build(path: Path, description: dict[str, Any]) -> Method:
    """The method that a description names, without memory for its tensors.

    Raises:
        ModelError: it names no method, or settings and shapes of which no network can be made.
    """
    name = description["method"]
    if name not in METHODS:
        raise ModelError(
            f"{path} is of method {one_line(name)}, which this version does not know", f"it knows {', '.join(METHODS)}"
        )
    try:
        spec = Spec.from_json(description["spec"])
        config = METHODS[name].Config(**description["config"])
        with torch.device("meta"):
            return METHODS[name](config, spec).eval()
    except Exception as error:  # whatever a stranger's settings provoke, it is the file's fault
        raise ModelError(f"{path} describes a network that cannot be built ({one_line(error)})", GET_ANOTHER) from error


def own_tensors(method: Method) -> dict[str, Tensor]:
    """The tensors of a method's averaged and kept modules, by their names in the method."""
    names = (*method.averaged, *method.kept)
    return {f"{name}.{key}": value for name in names for key, value in getattr(method, name).state_dict().items()}


def furnish(method: Method, weights: dict[str, Tensor], description: dict[str, Any]) -> Model:
    """Gives the method its weights, and drops the players that only training needs."""
    for name, _ in [*method.named_children()]:
        if name not in (*method.averaged, *method.kept):
            delattr(method, name)
            continue
        prefix = f"{name}."
        own = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
        getattr(method, name).load_state_dict(own, assign=True)
    empty = [name for name, tensor in [*method.named_parameters(), *method.named_buffers()] if tensor.is_meta]
    if empty:
        raise ModelError(
            f"{method.name} keeps {empty[0]} outside its state_dict", "report this: a method's state must be in it"
        )
    return Model(method.requires_grad_(False), weights, description)


def embedded(model: Model) -> dict[str, str]:
    """Safetensors metadata that makes a single file of the model."""
    description = {key: value for key, value in model.description.items() if key != "weights"}
    return {EMBEDDED: sealed(description).decode(errors="surrogatepass"), "format": "pt"}
