"""Points in a file: NumPy's .npy without pickle, or a CSV of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.data.dataset import to_float
from ganvas.data.listing import shown
from ganvas.errors import DataError

ENDINGS = (".npy", ".csv")
FORM = "give numbers: points (N, d), or pictures (N, C, H, W) in -1..1"
Numbers = np.ndarray[Any, np.dtype[Any]]


def read_points(path: Path) -> Tensor:
    """The points (N, d), or pictures (N, C, H, W), of a file, float32; uint8 pictures are brought to [-1, 1].

    Raises:
        DataError: the file is missing, damaged, no array of numbers, empty, or holds NaN or infinity (naming the row).
    """
    name = shown(str(path))
    try:
        array = read_npy(path) if path.suffix.lower() == ".npy" else read_csv(path)
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror or error})", "give a .npy or .csv file of points") from error
    except (ValueError, EOFError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{name} is no array of numbers ({said[:120]})", FORM) from error
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2, 4):
        raise DataError(f"{name} holds an array of shape {array.shape} and {array.dtype}", FORM)
    if not array.size:
        raise DataError(f"{name} holds no points", FORM)
    if array.ndim == 4 and array.dtype == np.uint8:
        return to_float(torch.from_numpy(np.array(array)))
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        points = torch.from_numpy(np.array(array, dtype=np.float32))
    points = points[:, None] if points.dim() == 1 else points
    bad = (~torch.isfinite(points.flatten(1)).all(dim=1)).nonzero()[:, 0]
    if len(bad):
        others = f" and {len(bad) - 1:,} more" if len(bad) > 1 else ""
        raise DataError(f"{name} holds NaN or infinity in row {int(bad[0]) + 1}{others}", "leave such rows out")
    return points


def read_npy(path: Path) -> Numbers:
    # Mapped, so that a header that declares more than the file holds is refused before memory is asked for.
    array: Numbers = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def read_csv(path: Path) -> Numbers:
    """Rows of numbers with commas between them; a first line of words is a heading."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
        if not first.strip():
            raise ValueError("its first line is empty")
        heading = not all(is_number(cell) for cell in first.split(","))
        if not heading:
            file.seek(0)
        lines = [line for line in file if line.strip()]
    # loadtxt warns of an empty file; what is empty is told by the caller.
    return np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, 1))


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
