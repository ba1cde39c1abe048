"""Slices of a brain: a magnetic resonance picture and the tissue that each of its points is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganvas.data import pack as packing
from ganvas.data.cache import cache_dir
from ganvas.data.download import PyPI, Unavailable, first_available, read_members, unzipped
from ganvas.data.pack import Item
from ganvas.data.pictures import Look
from ganvas.data.translation import PairData
from ganvas.data.wanted import Size

NILEARN = PyPI("nilearn", "0.14.1", "725206484e9fb3f6691f9c2d20204a068759d5072f12055324702ee0cb2bbe8a")
LICENCE = "MNI ICBM152 2009 template (McConnell Brain Imaging Centre, McGill; free with its notice); nilearn, BSD-3"
VOLUMES = tuple(f"nilearn/datasets/data/mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz" for kind in ("t1", "gm", "wm"))
SIZE = (112, 96)
BRAIN = 0.05
HELD_OUT, APART = 14, 3
Volume = np.ndarray[Any, np.dtype[np.uint8]]


def brain_slices(*, size: Size = None) -> PairData:
    """Level slices of the MNI152 brain, 1 mm apart: T1 (N, 1, H, W) to tissue (N, 3, H, W): red grey, green white matter.

    It is *one* brain, the mean of 152 people's: enough to see a method work, not to learn anything about brains. Neighbouring
    slices are much alike, so 14 in a row are held out and the 3 on either side of them are left out; the brain is symmetric,
    so mirroring adds nothing.

    Args:
        size: (height, width) in pixels; (112, 96) by default, half of the 1 mm grid.

    Raises:
        UsageError: a size that cannot be. DataError: the volumes cannot be had.
    """
    sides = (size, size) if isinstance(size, int) else size or SIZE
    looks = Look((sides[0], sides[1]), 1), Look((sides[0], sides[1]), 3)
    keys = [packing.key_of("brain", NILEARN.sha256, look) for look in looks]
    packs = [packing.load(key) for key in keys]
    if packs[0] is None or packs[1] is None:
        (t1, grey, white), _ = first_available(
            "brain-slices", [(NILEARN, volumes_of)], cache_dir() / "packs", "run it once where pip can reach its registry"
        )
        levels = [level for level in range(t1.shape[2]) if (t1[:, :, level] > 25).mean() >= BRAIN]
        tissue = np.stack([grey, white, np.zeros_like(grey)], -1)
        packs = [
            packing.build(key, (slice_of(volume, level) for level in levels), look, expected=len(levels))
            for key, volume, look in zip(keys, (t1, tissue), looks, strict=True)
        ]
    source, target = packs
    assert source is not None and target is not None
    count = len(target)
    first = (count - HELD_OUT) // 2
    held, rest = torch.arange(first, first + HELD_OUT), torch.cat(
        [torch.arange(first - APART), torch.arange(first + HELD_OUT + APART, count)]
    )  # fmt: skip
    data = PairData(
        source.images,
        target.images,
        name="brain-slices",
        licence=LICENCE,
        origin=NILEARN.title,
        fingerprint=packing.key_of(source.fingerprint, target.fingerprint),
        recipe={"source": "brain-slices", **({} if size is None else {"size": size})},
        notes=(f"{count} level slices of one mean brain; {HELD_OUT} in a row are held out, {APART} on either side left out",),
    )
    return data.part(rest, "brain-slices", "train", lambda: data.part(held, "brain-slices (held out)", "test"))


def slice_of(volume: Volume, level: int) -> Item:
    """One level slice, front of the head up."""
    from PIL.Image import fromarray

    pixels = np.ascontiguousarray(volume[:, :, level].swapaxes(0, 1)[::-1])
    return Item(f"z{level:03}", lambda: fromarray(pixels))


def volumes_of(wheel: Path) -> tuple[Volume, Volume, Volume]:
    """T1, grey and white matter of the template, (197, 233, 189) uint8 each. Raises ``Unavailable``."""
    t1, grey, white = (nifti(unzipped(content)) for content in read_members(wheel, VOLUMES))
    if not t1.shape == grey.shape == white.shape:
        raise Unavailable(f"its volumes are of different shape: {t1.shape}, {grey.shape}, {white.shape}")
    return t1, grey, white


def nifti(content: bytes) -> Volume:
    """A NIfTI-1 file of unsigned bytes without scaling, (x, y, z).

    Raises:
        Unavailable: it is another kind of file.
    """
    if len(content) < 352 or content[344:348] != b"n+1\0" or struct.unpack("<i", content[:4])[0] != 348:
        raise Unavailable("a volume is no little-endian NIfTI-1 file")
    axes, *shape = struct.unpack("<4h", content[40:48])
    (kind,), (start, slope) = struct.unpack("<h", content[70:72]), struct.unpack("<2f", content[108:116])
    size = int(np.prod(shape))
    if axes != 3 or kind != 2 or slope not in (0, 1) or len(content) < int(start) + size:
        raise Unavailable(f"a volume has {axes} axes of type {kind}, slope {slope}: not bytes as they are")
    return np.frombuffer(content, np.uint8, size, int(start)).reshape(shape, order="F")
