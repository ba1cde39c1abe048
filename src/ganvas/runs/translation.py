"""Translating pictures with a trained method: in batches that fit into memory, with the generator's noise or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganvas.errors import UsageError
from ganvas.method import Method
from ganvas.runs.memory import at_once


@torch.no_grad()
def translate(
    method: Method,
    source: Tensor,
    label: Tensor | None,
    device: torch.device,
    *,
    back: bool,
    noise: int | None,
    batch_size: int | None,
) -> Tensor:
    """See ``Model.translate``; ``method`` is on ``device`` and in evaluation mode."""
    spec = method.spec
    refuse_strange(source, (spec.shape if back else spec.source or spec.shape)[0])
    labels = wanted_labels(method, label, len(source))

    def way(part: Tensor, start: int) -> Tensor:
        if back:
            return method.translate_back(part)
        return method.translate(part, None if labels is None else labels[start : start + len(part)].to(device))

    times = 1 if back or spec.source is None else max(1, spec.shape[1] // spec.source[1])
    rows, columns = (side * times for side in source.shape[2:])
    size = at_once(method.config.width, rows, columns, device) if batch_size is None else batch_size
    if size < 1:
        raise UsageError(f"batch_size={batch_size} is out of range", "it must be at least 1")
    if noise is not None and noise < 0:
        raise UsageError(f"noise={noise} is out of range", "it must be at least 0")
    parts = source.float().split(size if noise is None else 1)
    translated: list[Tensor] = []
    with nullcontext() if noise is None else drops_on(method, device):
        for number, part in enumerate(parts):
            if noise is not None:  # each picture its own noise, whatever stands beside it
                torch.manual_seed(int(np.random.SeedSequence([noise, number]).generate_state(1, np.uint64)[0]) >> 1)
            done = sum(len(before) for before in translated)
            translated.append(way(part.to(device), done).float().cpu().clamp(-1, 1))
    return torch.cat(translated).contiguous()


def refuse_strange(pictures: Tensor, channels: int) -> None:
    """Raises UsageError for anything but pictures (N, channels, H, W), N at least 1, in [-1, 1]."""
    if pictures.dim() != 4 or pictures.shape[1] != channels or not pictures.numel():
        raise UsageError(f"pictures are of shape {tuple(pictures.shape)}", f"the model takes (N, {channels}, H, W)")
    low, high = (float(value) for value in pictures.aminmax())
    if not -1.01 <= low <= high <= 1.01:  # also when they hold NaN
        raise UsageError(f"the pictures' values run from {low:.4g} to {high:.4g}", "scale them to -1..1")


def wanted_labels(method: Method, label: Tensor | None, count: int) -> Tensor | None:
    """What each picture shall become, from one for each or one for all; None for a method without labels.

    Class numbers are int64 (N,), attributes and shares of classes float32 (N, K).

    Raises:
        UsageError: labels that the method has not, or none where it needs them.
    """
    if not method.conditional:
        if label is not None:
            raise UsageError(f"{method.name} takes no labels", "train stargan to say what a picture shall become")
        return None
    names = method.spec.domains
    if label is None:
        raise UsageError(f"{method.name} was not told what to make of the pictures", f"give labels of {', '.join(names)}")
    each = 1 if method.spec.attributes or label.is_floating_point() else 0
    wanted = (label if label.dim() > each else label[None]).to(torch.float32 if each else torch.int64)
    wanted = wanted.expand(count, *wanted.shape[1:]) if len(wanted) == 1 else wanted
    if wanted.shape != ((count, method.spec.label_size) if each else (count,)):
        raise UsageError(f"labels are of shape {tuple(label.shape)}", f"give one a picture, of {', '.join(names)}")
    low, high = (float(value) for value in wanted.aminmax())
    if not 0 <= low <= high <= (1 if each else len(names) - 1):  # also when they hold NaN
        raise UsageError("labels are out of range", "attributes are 0 to 1" if each else f"classes are 0 to {len(names) - 1}")
    return wanted


def fitted(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of pictures (N, C, H, W) that has the shape of ``size`` (rows, columns), brought to that size."""
    rows, columns = pictures.shape[2:]
    if (rows, columns) == size:
        return pictures
    high, wide = min(rows, round(columns * size[0] / size[1])) or 1, min(columns, round(rows * size[1] / size[0])) or 1
    top, left = (rows - high) // 2, (columns - wide) // 2
    middle = pictures[..., top : top + high, left : left + wide]
    return interpolate(middle, size, mode="bilinear", antialias=True, align_corners=False)


@contextmanager
def drops_on(method: Method, device: torch.device) -> Iterator[None]:
    """The method with its dropout on; the generators of the host and of a CUDA device are left as they were."""
    drops = [part for part in method.modules() if isinstance(part, nn.Dropout)]
    if not drops:
        raise UsageError(f"{method.name} has no noise in its generator", "leave the noise out")
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        for drop in drops:
            drop.train()
        try:
            yield
        finally:
            for drop in drops:
                drop.eval()
