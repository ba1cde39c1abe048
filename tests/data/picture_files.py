"""Picture files, good and bad, that the tests write."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, size: tuple[int, int] = (32, 32), mode: str = "RGB") -> Image.Image:
    """Smooth random content of (width, height), different for every seed."""
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), dtype=np.uint8)
    pixels = small[..., 0] if channels == 1 else small
    return (
        Image.fromarray(pixels, mode).resize(size, Image.Resampling.BILINEAR)
        if mode == "CMYK"
        else Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    )


def fill(folder: Path, count: int = 10, size: tuple[int, int] = (32, 32), mode: str = "RGB", start: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(start, start + count):
        noise(seed, size, mode).save(folder / f"good{seed:03}.png")
    return folder


def jpeg(seed: int = 0, size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    noise(seed, size).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def whole_png() -> bytes:
    buffer = io.BytesIO()
    noise(0, (64, 64)).save(buffer, "PNG")
    return buffer.getvalue()


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, data: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG file by hand: any size may be declared, whatever the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def one_bit_bomb() -> bytes:
    """A few kilobytes that decode to 531 megapixels."""
    row = b"\0" + bytes(23_050 // 8 + 1)
    packer = zlib.compressobj(9)
    return png(23_050, 23_050, depth=1, data=packer.compress(row * 2000) + packer.flush())


BAD: dict[str, tuple[bytes, str]] = {
    "huge.png": (png(20_000, 20_000), "400 megapixels|twice the limit"),
    "giant.png": (png(40_000, 40_000), "megapixels"),
    "over.png": (png(9_000, 9_000), "81 megapixels, the limit is 64"),
    "onebit.png": (one_bit_bomb(), "megapixels"),
    "truncated.jpg": (jpeg()[:700], "cannot be decoded"),
    "empty.png": (b"", "empty"),
    "page.jpg": (b"<!DOCTYPE html><html>404 not found</html>", "a web page"),
    "text.png": (b"hello", "not a PNG, JPEG"),
    "drawing.png": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG is not supported"),
    "paper.jpg": (b"%PDF-1.4 ...", "PDF is not supported"),
    "layers.png": (b"8BPS\0\1", "Photoshop is not supported"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript is not supported"),
    "movie.png": (b"GIF89a" + bytes(20), "GIF is not supported"),
    "vector.svg": (b"<svg/>", "SVG is not supported"),
    "old.gif": (b"GIF89a", "GIF is not supported"),
    "file.psd": (b"8BPS", "PSD is not supported"),
    "file.eps": (b"%!PS", "EPS is not supported"),
    "file.pdf": (b"%PDF", "PDF is not supported"),
    "cut.png": (whole_png()[:2000], "truncated"),
    "ending.png": (whole_png()[:-8], "truncated"),
    "short.png": (png(64, 64, data=zlib.compress(bytes(64 * 65))[:20]), "cannot be decoded"),
    "flipped.png": (whole_png()[:1500] + b"?" + whole_png()[1501:], "checksum"),
    "metadata.png": (
        png(32, 32, data=zlib.compress(bytes(33 * 32)), extra=chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(80_000_000), 9))),
        "cannot be decoded",
    ),
}


def dot() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    return buffer.getvalue()


def sliver() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (1, 60_000)).save(buffer, "PNG")
    return buffer.getvalue()


BAD["dot.png"] = (dot(), "1x1 is too small")
BAD["sliver.png"] = (sliver(), "1x60000 is too small")
