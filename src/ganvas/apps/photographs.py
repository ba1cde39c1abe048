"""Picture files in and out at their full size: upright, with alpha, 16 bits brought to 8 as training data is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.data.pictures import BadPicture, Look, check_sums, in_colour, opened, orientation, reason, upright
from ganvas.errors import DataError, UsageError
from ganvas.runs.durable import write_through

LOSSLESS = {".png", ".tif", ".tiff", ".bmp"}
ENDINGS = {*LOSSLESS, ".jpg", ".jpeg", ".webp"}
WITHOUT_ALPHA = {".jpg", ".jpeg", ".bmp"}
QUALITY = 95


@dataclass(frozen=True)
class Photograph:
    """A picture as an app works on it.

    Args:
        pixels: uint8 (C, H, W).
        alpha: uint8 (1, H, W), or None for an opaque picture (and where alpha is one of the pixels' channels).
        profile: the ICC profile, as the file has it, or None.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    profile: bytes | None = None


def read(path: Path, channels: int) -> Photograph:
    """Reads a picture at its own size, turned upright by its EXIF orientation.

    Colours under transparent pixels are kept as they are, but for wholly transparent ones, which become white.

    Args:
        channels: 1 (grey, ITU-R BT.601), 3 (RGB) or 4 (RGB and alpha).

    Raises:
        DataError: it is damaged, too large or no picture; the message names it and says why.
    """
    try:
        with opened(path) as picture:
            if picture.format == "PNG":
                check_sums(path)
            turned = 1 if picture.format == "TIFF" else orientation(picture)  # Pillow turns TIFFs itself
            profile = picture.info.get("icc_profile")
            picture.load()
            shown, alpha = upright(picture, turned), None
            if channels != 4 and shown.has_transparency_data:
                layers = np.asarray(shown.convert("RGBA"))
                alpha = torch.from_numpy(layers[..., 3].copy())[None]
                colour = np.where(layers[..., 3:] == 0, np.uint8(255), layers[..., :3])
                from PIL import Image

                shown = Image.fromarray(colour)
            pixels = np.asarray(in_colour(shown, Look((1, 1), channels)))
    except BadPicture as error:
        raise DataError(f"{path}: {error}", "give a picture that other programs open") from None
    except MemoryError:
        raise DataError(f"{path}: not enough memory to decode it", "make it smaller") from None
    except Exception as error:  # a damaged or hostile file may make a decoder raise anything
        raise DataError(f"{path}: {reason(error)}", "give a picture that other programs open") from error
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return Photograph(torch.from_numpy(np.array(planes, order="C")), alpha, profile)


def write(path: Path, photograph: Photograph) -> None:
    """Writes a picture, whole or not at all, in the format of the path's ending (one of ``ENDINGS``).

    JPEG and BMP have no alpha: transparent pixels are composited on white. WebP is written lossless, JPEG at quality 95.

    Raises:
        UsageError: pixels of two channels or more than four, or an unknown ending. ResourceError: the disk is full.
    """
    from PIL import Image

    pixels, ending = photograph.pixels, path.suffix.lower()
    if ending not in ENDINGS or len(pixels) not in (1, 3, 4):
        raise UsageError(
            f"{path} cannot hold a picture of {len(pixels)} channels", f"use 1, 3 or 4 and {', '.join(sorted(ENDINGS))}"
        )
    if photograph.alpha is not None and len(pixels) != 4:
        pixels = torch.cat([pixels, photograph.alpha])
    planes = pixels.permute(1, 2, 0).contiguous().numpy()
    image = Image.fromarray(planes[..., 0] if len(pixels) == 1 else planes)  # two channels are grey and alpha
    if ending in WITHOUT_ALPHA and image.mode in ("LA", "RGBA"):
        plain = "L" if image.mode == "LA" else "RGB"
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert(plain)
    options: dict[str, Any] = {"quality": QUALITY} if ending in (".jpg", ".jpeg") else {}
    options |= {"lossless": True} if ending == ".webp" else {}
    options |= {"icc_profile": photograph.profile} if photograph.profile and len(photograph.pixels) > 1 else {}
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}.get(ending, ending[1:].upper())
    write_through(path, lambda file: image.save(file, kind, **options))
