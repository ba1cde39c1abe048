"""Figures of a run: grids of samples, the same latents over time, clouds of points, curves of the logged terms.

Every PNG is written whole or not at all, and carries what made it (seed, model hash, step) as text in its metadata.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from torch.nn.functional import interpolate

from ganvas.errors import UsageError
from ganvas.runs.durable import write_through

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 2
PAPER = (255, 255, 255)
STRIP_TILES = 10
STRIP_ROWS = 40
"""Rows of a strip before every second one is dropped: the strip of a long run stays a picture one can look at."""
HISTORY = "ganvas.history"


def to_bytes(images: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures (N, C, H, W) in [-1, 1] as RGB bytes (N, H, W, 3): -1 is 0, 1 is 255; the inverse of how data is read.

    One channel is grey; of two the first is shown, of more than three the first three.
    """
    if images.dim() != 4:
        raise UsageError(f"pictures have shape (N, C, H, W), not {tuple(images.shape)}", "use scatter for points")
    channels = images.shape[1]
    shown = images[:, :3] if channels >= 3 else images[:, :1].expand(-1, 3, -1, -1)
    scaled = shown.detach().float().nan_to_num(0.0).add(1).mul(127.5).round().clamp(0, 255)
    pixels: np.ndarray[Any, np.dtype[np.uint8]] = scaled.to("cpu", torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """Pictures (N, C, H, W) in [-1, 1] side by side, row by row; as square as can be unless ``columns`` are given."""
    pixels = to_bytes(images)
    count, height, width, _ = pixels.shape
    if not count:
        raise UsageError("a grid needs at least one picture", "ask for more samples")
    columns = min(count, columns or math.ceil(math.sqrt(count * height / width)))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), PAPER, dtype=np.uint8)
    for number, tile in enumerate(pixels):
        top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return enlarge(Image.fromarray(sheet), height)


def side_by_side(*columns: Tensor) -> Tensor:
    """Pictures (N, C_k, H_k, W_k), k columns, as (N * k, 3, H, W): the first of each, then the second of each, ...

    With ``grid(..., columns=k)`` each row shows what belongs together. Channels are shown as in ``to_bytes``; smaller pictures
    are brought to the largest size, pixel by pixel.
    """
    shown = [c[:, :3] if c.shape[1] >= 3 else c[:, :1].expand(-1, 3, -1, -1) for c in columns]
    size = [max(c.shape[dim] for c in shown) for dim in (2, 3)]
    shown = [c if [*c.shape[2:]] == size else interpolate(c, size, mode="nearest") for c in shown]
    return torch.stack(shown, dim=1).flatten(0, 1)


def enlarge(sheet: Image.Image, tile: int) -> Image.Image:
    """Whole-number magnification, so that small pictures can be seen: tiles of at least 48 pixels."""
    factor = max(1, math.ceil(48 / tile))
    small_enough = max(sheet.size) * factor <= 4096
    return sheet.resize((sheet.width * factor, sheet.height * factor), Image.Resampling.NEAREST) if small_enough else sheet


def save_picture(path: Path, picture: Image.Image, facts: Mapping[str, object] | None = None) -> Path:
    """Writes a PNG with ``facts`` in its metadata, one text chunk each, its key led by "ganvas.".

    Raises:
        ResourceError: the disk is full; what was under this name before stays.
    """
    chunks = PngInfo()
    for key, value in (facts or {}).items():
        chunks.add_text(f"ganvas.{key}", value if isinstance(value, str) else json.dumps(value))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks)

    def fill(file: BinaryIO) -> None:
        file.write(buffer.getbuffer())

    write_through(path, fill)
    return path


def save_grid(path: Path, samples: Tensor, facts: Mapping[str, object] | None = None, *, columns: int | None = None) -> Path:
    """Writes samples as a PNG: a grid of pictures (N, C, H, W), or a cloud of points (N, d)."""
    return save_picture(path, grid(samples, columns) if samples.dim() == 4 else scatter(samples), facts)


def picture_bytes(samples: Tensor) -> bytes:
    """A grid or a cloud as the bytes of a PNG."""
    buffer = io.BytesIO()
    (grid(samples) if samples.dim() == 4 else scatter(samples)).save(buffer, "PNG")
    return buffer.getvalue()


def read_facts(path: Path) -> dict[str, str]:
    """The facts in a PNG's metadata, empty when it has none."""
    with Image.open(path, formats=("PNG",)) as picture:
        picture.load()
        return {
            key[7:]: str(value) for key, value in picture.info.items() if isinstance(key, str) and key.startswith("ganvas.")
        }


# -- the same latents over time ---------------------------------------------------------------------------------------


def append_to_strip(path: Path, samples: Tensor, step: int, caption: str = "") -> Path:
    """Adds a row to a strip that shows the same latents over time, the newest at the bottom.

    Rows of ``step`` or later, from before a resume, give way. A strip that cannot be read is begun anew.

    Args:
        path: the PNG.
        samples: of the same latents each time: pictures, of which the first ten are shown, or points, shown as one cloud.
        step: training steps done.
        caption: what stands at the row's left; the step by default.
    """
    rows = [row for row in read_strip(path) if row[0] < step]
    if len(rows) >= STRIP_ROWS:
        rows = rows[::2]
    tile = grid(samples[:STRIP_TILES], STRIP_TILES) if samples.dim() == 4 else scatter(samples, size=2.0)
    rows.append((step, captioned(tile, caption or f"step {step:,}")))
    width = max(picture.width for _, picture in rows)
    sheet = Image.new("RGB", (width, sum(picture.height for _, picture in rows)), PAPER)
    top = 0
    for _, picture in rows:
        sheet.paste(picture, (0, top))
        top += picture.height
    return save_picture(path, sheet, {"history": [[number, picture.height] for number, picture in rows]})


def read_strip(path: Path) -> list[tuple[int, Image.Image]]:
    """Step and picture of each row of a strip."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.load()
            history = json.loads(str(picture.info[HISTORY]))
            sheet = picture.convert("RGB")
        rows, top = [], 0
        for step, height in history:
            rows.append((int(step), sheet.crop((0, top, sheet.width, top + int(height)))))
            top += int(height)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError):
        return []
    return rows if top == sheet.height else []


def captioned(picture: Image.Image, caption: str) -> Image.Image:
    """The picture with words at its left."""
    font = ImageFont.load_default(16)
    margin = 150
    row = Image.new("RGB", (margin + picture.width, picture.height), PAPER)
    row.paste(picture, (margin, 0))
    ImageDraw.Draw(row).text((margin - 8, picture.height // 2), caption, fill=(60, 60, 60), font=font, anchor="rm")
    return row


# -- points and curves ------------------------------------------------------------------------------------------------


def scatter(points: Tensor, real: Tensor | None = None, *, size: float = 5.0) -> Image.Image:
    """A cloud of points (N, d), their first two components; ``real`` samples lie beneath in grey. ``size`` in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size, size), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for cloud, colour in ((real, "0.7"), (points, "C0")):
        if cloud is not None:
            xy = plane(cloud)
            axes.scatter(xy[:, 0], xy[:, 1], s=size, c=colour, linewidths=0, alpha=0.7)
    # The frame holds 98 % of each axis, so that a stray point does not shrink the rest; it never follows the fakes when
    # there are real samples, or the picture would move from one step to the next.
    frame = plane(points if real is None else real)
    low, high = np.quantile(frame, [0.01, 0.99], axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) * 0.65, 1e-3)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect("equal")
    return drawn(figure)


def plane(points: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(N, d) as finite (N, 2) in float64; points on a line get the height 0."""
    xy = points.detach().to("cpu", torch.float64).reshape(len(points), -1)[:, :2]
    xy = torch.cat([xy, torch.zeros_like(xy)], dim=1)[:, :2] if xy.shape[1] < 2 else xy
    finite: np.ndarray[Any, np.dtype[np.float64]] = xy[xy.isfinite().all(dim=1)].numpy()
    return finite if len(finite) else np.zeros((1, 2))


def save_curves(path: Path, records: list[dict[str, Any]]) -> Path | None:
    """Draws the logged terms against images, one panel a player and one for the Wasserstein estimate; None if there are none.

    Args:
        path: the PNG.
        records: of stats.jsonl: "step", "images", terms named "player/term", and "wasserstein".
    """
    picture = drawn_curves(records)
    return None if picture is None else save_picture(path, picture)


def curves_bytes(records: list[dict[str, Any]]) -> bytes | None:
    """What ``save_curves`` draws, as the bytes of a PNG."""
    picture = drawn_curves(records)
    if picture is None:
        return None
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def drawn_curves(records: list[dict[str, Any]]) -> Image.Image | None:
    panels = curves(records)
    if not panels:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.6 * len(panels)), dpi=100, layout="constrained")
    for number, (title, lines) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(len(panels), 1, number)
        for name, (x, y) in lines.items():
            axes.plot(x, y, linewidth=1, label=plain_text(name))
        axes.set_title(plain_text(title), loc="left", fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    axes.set_xlabel("images")
    return drawn(figure)


def curves(records: list[dict[str, Any]]) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Panel -> line -> (images, values), of at most 2000 evenly spaced records; values that are missing leave gaps."""
    records = records[:: max(1, math.ceil(len(records) / 2000))]
    panels: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for record in records:
        x = record.get("images", record.get("step"))
        if not isinstance(x, int | float):
            continue
        for name, value in record.items():
            player, slash, term = name.partition("/")
            if name == "wasserstein":
                player, slash, term = "Wasserstein estimate E[f(x)] - E[f(G(z))], raw", "/", name
            if slash:
                line = panels.setdefault(player, {}).setdefault(term, ([], []))
                line[0].append(float(x))
                line[1].append(float(value) if isinstance(value, int | float) else math.nan)
    return panels


def plain_text(text: str) -> str:
    """Text that matplotlib does not take for mathematics, nor for a line to hide."""
    return text.replace("$", r"\$").lstrip("_")


def drawn(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with Image.open(buffer, formats=("PNG",)) as picture:
        return picture.convert("RGB")
