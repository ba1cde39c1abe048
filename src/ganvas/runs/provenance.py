"""Where, when and with what a run was made: what it takes to understand it later and to repeat it."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

PACKAGES = ("ganvas", "torch", "numpy", "pillow", "safetensors", "scipy")
"""The packages whose versions can change a result or the reading of a file."""


def provenance(folder: str | Path = ".") -> dict[str, Any]:
    """JSON values: date, command line, versions, git state of ``folder``, machine. Nothing of the user or the network."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": [*sys.argv],
        "versions": versions(),
        "git": git_state(folder),
        "machine": machine(),
    }


def versions() -> dict[str, str | None]:
    """Of Python and ``PACKAGES``; torch's says which build it is (+cpu, +cu130), which its package's need not."""
    found = {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}
    return found | {"torch": str(torch.__version__)}


def machine() -> dict[str, Any]:
    """The machine in figures: system, processor, cores, threads, memory in bytes, accelerators."""
    facts: dict[str, Any] = {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory": psutil.virtual_memory().total,
        "accelerators": [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())],
    }
    if torch.cuda.is_available():
        facts["cuda"] = torch.version.cuda
        facts["cudnn"] = torch.backends.cudnn.version()
    if torch.backends.mps.is_available():
        facts["accelerators"].append("Apple MPS")
    return facts


def git_state(folder: str | Path) -> dict[str, Any] | None:
    """{"commit", "branch", "changed": number of files that differ from it}; None outside a repository or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "changed": None if changes is None else len(changes.splitlines()),
    }


def _git(folder: str | Path, *arguments: str) -> str | None:
    # Optional locks off: looking must not disturb a commit that somebody makes at the same time.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=5, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's name; platform.processor() is empty on most Linux systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
