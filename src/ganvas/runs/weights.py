"""Reading weights that a stranger may have made: nothing in the file is executed, and nothing is allocated that it only claims.

Order of the checks: what kind of file it is, whether its size can be that of the model, its sha256, its header (safetensors'
own parser: offsets inside the file, without gaps or overlaps), and then every tensor against the network it is for.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from torch import Tensor

from ganvas.errors import ModelError
from ganvas.runs.checkpoint import is_finite

LARGEST_HEADER = 16 << 20
GET_ANOTHER = "get the model again, or train it again"
"""The mend where a file is damaged or foreign."""


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """sha256 of contiguous CPU tensors by name, dtype, shape and bits: the same in whatever file they lie."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        digest.update(tensor.flatten().view(dtype=torch.uint8).numpy().data)
    return digest.hexdigest()


def read_weights(path: Path, expected: dict[str, Tensor], facts: dict[str, Any] | None) -> dict[str, Tensor]:
    """The tensors of a safetensors file, which must be those of ``expected`` in name, shape and dtype, and finite.

    Args:
        path: the file.
        expected: the network's own tensors; they may be on the meta device.
        facts: {"sha256", "size"} of the file, or None where something else vouches for its content.

    Raises:
        ModelError: one line with what is wrong, see the module's docstring.
    """
    size, length = examine(path)
    room = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    if facts is not None and size < facts["size"]:
        raise ModelError(f"{path} is cut short, it has {size:,} of {facts['size']:,} bytes", GET_ANOTHER)
    if size - 8 - length > room:
        compare_header(path, length, expected)
        raise ModelError(f"{path} holds {size - 8 - length:,} bytes of weights where the network has {room:,}", GET_ANOTHER)
    data = path.read_bytes()
    if facts is not None and (len(data) != facts["size"] or hashlib.sha256(data).hexdigest() != facts["sha256"]):
        raise ModelError(f"{path} does not match its sha256, it is damaged or was edited", GET_ANOTHER)
    try:
        tensors = read_tensors(data)
    except (SafetensorError, ValueError, TypeError, LookupError, AssertionError, RuntimeError, OverflowError) as error:
        raise ModelError(f"{path} is not a sound safetensors file ({one_line(error)})", GET_ANOTHER) from error
    compare(path, {name: (list(t.shape), t.dtype) for name, t in tensors.items()}, expected)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not is_finite(tensor):
            raise ModelError(f"{path}: {one_line(name)} holds NaN or infinity", "the model had diverged; use an earlier one")
    return tensors


def examine(path: Path) -> tuple[int, int]:
    """Size of a file and of its safetensors header, from its first bytes.

    Raises:
        ModelError: it is missing, no regular file, or something else than safetensors; formats that can run code are named.
    """
    if not path.is_file():
        raise ModelError(f"{path} is missing", GET_ANOTHER)
    try:
        with open(path, "rb") as file:
            start = file.read(512)
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})", GET_ANOTHER) from error
    length = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and 2 <= length <= min(LARGEST_HEADER, size - 8):
        return size, length
    raise ModelError(*what_it_is(path, start, size, length))


def what_it_is(path: Path, start: bytes, size: int, length: int) -> tuple[str, str]:
    """Cause and mend for a file that is no safetensors."""
    safe = "ask its author for a Ganvas model folder or .safetensors file"
    if start[:2] == b"PK":
        kind = "a TorchScript archive" if b"/code/" in start or b"constants.pkl" in start else "a PyTorch archive (pickle)"
        return f"{path} is {kind}, which can run code when it is opened; it was not", safe
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return f"{path} is a pickle, which can run code when it is opened; it was not", safe
    if path.suffix.lower() == ".onnx":
        return (
            f"{path} is an ONNX file; Ganvas writes these but does not read them",
            "load the run or model folder it came from",
        )
    if start[8:9] == b"{" and length > LARGEST_HEADER:
        return f"{path} declares a header of {length:,} bytes, no model has that", safe
    if start[8:9] == b"{" and size - 8 < length:
        return f"{path} is cut short inside its header ({size:,} bytes)", GET_ANOTHER
    return f"{path} is not a safetensors file", GET_ANOTHER


def read_header(path: Path, length: int) -> dict[str, Any]:
    """The header as JSON; ModelError when it is none."""
    try:
        with open(path, "rb") as file:
            file.seek(8)
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} has no readable header ({one_line(error)})", GET_ANOTHER) from error
    if not isinstance(header, dict):
        raise ModelError(f"{path} has no readable header (it is no JSON object)", GET_ANOTHER)
    return header


def compare_header(path: Path, length: int, expected: dict[str, Tensor]) -> None:
    """Names the first tensor that differs, from the header alone: the file is too large to be read on trust."""
    header = read_header(path, length)
    shapes = {name: entry.get("shape") for name, entry in header.items() if name != "__metadata__" and isinstance(entry, dict)}
    compare(path, {name: (shape, None) for name, shape in shapes.items()}, expected)


def compare(path: Path, found: dict[str, tuple[Any, Any]], expected: dict[str, Tensor]) -> None:
    """Raises ModelError that names the first key, shape or dtype in which ``found`` is not ``expected``."""
    mend = "the weights are of another method, version or size; keep model.json and weights.safetensors together"
    for name, wanted in expected.items():
        if name not in found:
            raise ModelError(f"{path} lacks {name}, of shape {list(wanted.shape)}", mend)
        shape, dtype = found[name]
        if shape != list(wanted.shape):
            raise ModelError(f"{path}: {name} has shape {one_line(shape)}, the network needs {list(wanted.shape)}", mend)
        if dtype is not None and dtype != wanted.dtype:
            raise ModelError(f"{path}: {name} is {dtype}, the network needs {wanted.dtype}", mend)
    for name in found:
        if name not in expected:
            raise ModelError(f"{path} holds {one_line(name)}, which the network does not have", mend)


def one_line(value: object) -> str:
    """Text of unknown origin, printable and short: no line ends, no terminal codes."""
    text = ascii(str(value))[1:-1]
    return text if len(text) <= 120 else text[:117] + "..."
