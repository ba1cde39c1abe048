"""Where training runs and in which number format."""

from __future__ import annotations

import logging
import platform

import torch

from ganvas.data.batches import Spec
from ganvas.errors import UsageError


def choose_device(name: str = "auto") -> torch.device:
    """cuda > mps > cpu for "auto"; UsageError for a device that this machine lacks."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"unknown device {name!r}", "use auto, cpu, cuda, cuda:1 or mps") from error
    missing = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if missing.get(device.type, device.type != "cpu"):
        raise UsageError(f"this machine has no {device.type} device that torch can use", "use --device auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"there is no {name}, torch sees {torch.cuda.device_count()}", "use --device auto")
    return device


def choose_autocast(precision: str, device: torch.device, spec: Spec) -> torch.dtype | None:
    """The autocast dtype, or None for plain float32.

    "auto" takes bf16 for pictures on a GPU that has it natively, float32 elsewhere: on a CPU, bf16 is a choice to be made
    knowingly. Points are too small to gain.
    """
    if precision == "fp32":
        return None
    if precision == "bf16":
        if device.type == "cpu" and not has_bf16():
            logging.getLogger("ganvas").warning("this processor has no bf16 instructions: bf16 will be slower than fp32 here")
        return torch.bfloat16
    if precision != "auto":
        raise UsageError(f"unknown precision {precision!r}", "use auto, fp32 or bf16")
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native and spec.is_image else None


def has_bf16() -> bool:
    """Whether the processor multiplies bf16 natively (AVX-512 BF16, AMX, or an ARM core that is Apple's or newer than 2020)."""
    if platform.machine().lower() in {"arm64", "aarch64"}:
        return True  # torch does not tell; nearly all that run it today do
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
