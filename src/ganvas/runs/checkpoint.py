"""One checkpoint: a folder of tensors, state and a manifest, written whole or not at all, and verified to the bit when read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as render_tensors
from torch import Tensor

from ganvas.errors import Diverged, ModelError
from ganvas.runs.durable import TEMPORARY, remove_folder, replace_folder, sealed, unseal, write_file, writing

SCHEMA = 1
TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


class Checkpoint(NamedTuple):
    """What ``Run.load`` gives back. ``skipped`` names the newer checkpoints that were damaged, with the reason."""

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]
    skipped: list[str]


def folder_of(parent: Path, step: int) -> Path:
    return parent / f"step-{step:09d}"


def step_of(folder: Path) -> int | None:
    """The step that a checkpoint folder's name states; None for anything else, temporary folders included."""
    digits = folder.name.removeprefix("step-")
    return int(digits) if folder.name.startswith("step-") and digits.isascii() and digits.isdigit() else None


def find_steps(parent: Path) -> list[int]:
    """Steps of the checkpoint folders in ``parent``, ascending; damaged ones included."""
    if not parent.is_dir():
        return []
    return sorted(step for path in parent.iterdir() if (step := step_of(path)) is not None and path.is_dir())


def write_checkpoint(parent: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any], written_by: str) -> Path:
    """Writes ``parent/step-*`` : temporary name, files and manifest onto the disk, rename, parent onto the disk.

    Args:
        tensors: any device, dtype and memory format; stored as contiguous CPU copies, bit for bit.
        state: JSON values.
        written_by: the version of Ganvas, for the message that an older one gives.

    Raises:
        Diverged: a tensor is not finite. ResourceError: the disk is full. Either way nothing is left behind.
    """
    refuse_non_finite(tensors, f"step {step}")
    final = folder_of(parent, step)
    temporary = final.with_name(final.name + TEMPORARY)
    with writing(final, temporary):
        parent.mkdir(parents=True, exist_ok=True)
        remove_folder(temporary)
        temporary.mkdir()
        files = {
            TENSORS: write_file(temporary / TENSORS, render_tensors(plain(tensors))),
            STATE: write_file(temporary / STATE, json.dumps(state, indent=1).encode() + b"\n"),
        }
        manifest = {"schema": SCHEMA, "ganvas": written_by, "step": step, "files": files}
        write_file(temporary / MANIFEST, sealed(manifest))
        replace_folder(temporary, final)
    return final


def read_checkpoint(parent: Path, step: int) -> Checkpoint:
    """Reads and verifies one checkpoint.

    Raises:
        ModelError: it is missing, damaged (the message says which file and how) or of a newer version.
    """
    folder = folder_of(parent, step)
    files = _read_manifest(folder, step)["files"]
    parts = {name: _read_verified(folder / name, files[name]) for name in (TENSORS, STATE)}
    try:
        return Checkpoint(step, read_tensors(parts[TENSORS]), json.loads(parts[STATE]), [])
    except (SafetensorError, ValueError, RecursionError) as error:
        raise _damaged(folder, str(error)) from error


def is_whole(parent: Path, step: int) -> bool:
    """Whether a checkpoint's files are there in their full size, without reading the tensors."""
    folder = folder_of(parent, step)
    try:
        files = _read_manifest(folder, step)["files"]
        return all((folder / name).stat().st_size == facts["size"] for name, facts in files.items())
    except (ModelError, OSError):
        return False


def _read_manifest(folder: Path, step: int) -> dict[str, Any]:
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise _damaged(folder, f"{MANIFEST} cannot be read, {error.strerror}") from error
    refuse_newer(data, SCHEMA, folder)
    manifest = unseal(data)
    if manifest is None or manifest.get("step") != step or set(manifest.get("files", ())) != {TENSORS, STATE}:
        raise _damaged(folder, f"{MANIFEST} is not what was written")
    return manifest


def _read_verified(path: Path, facts: dict[str, Any]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path.parent, f"{path.name} cannot be read, {error.strerror}") from error
    if len(data) != facts["size"]:
        raise _damaged(path.parent, f"{path.name} has {len(data)} of {facts['size']} bytes")
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise _damaged(path.parent, f"{path.name} does not match its sha256")
    return data


def _damaged(folder: Path, reason: str) -> ModelError:
    return ModelError(f"checkpoint {folder} is damaged ({reason})", "resume the run: it takes the last good one")


def refuse_newer(data: bytes, ours: int, what: Path) -> None:
    """Raises ModelError when a file states a schema above ``ours``; says nothing of files it cannot read."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(record, dict) and isinstance(schema := record.get("schema"), int) and schema > ours:
        writer = str(record.get("ganvas", "a newer one"))[:40]
        raise ModelError(
            f"{what} needs Ganvas version {writer} or newer (schema {schema}, this one reads {ours})", "upgrade ganvas"
        )


def plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same values as contiguous CPU tensors that share no memory, as safetensors stores them."""
    copies, seen = {}, set()
    for name, tensor in tensors.items():
        copy = tensor.detach().to("cpu").contiguous()
        storage = copy.untyped_storage().data_ptr()
        if storage in seen:
            copy = copy.clone()
        seen.add(storage)
        copies[name] = copy
    return copies


def refuse_non_finite(tensors: dict[str, Tensor], where: str) -> None:
    """Raises Diverged, naming the tensor, when one holds NaN or infinity."""
    for name, tensor in tensors.items():
        if (tensor.is_floating_point() or tensor.is_complex()) and not is_finite(tensor):
            raise Diverged(
                f"{name} is not finite at {where}; it was not saved", "resume from the last checkpoint with a lower rate"
            )


def is_finite(tensor: Tensor) -> bool:
    # One sum is finite only if every term is, and far faster than a mask; finite terms may overflow it, so look again then.
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())
