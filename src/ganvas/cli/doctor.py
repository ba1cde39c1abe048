"""``ganvas doctor``: whether this machine can train, and what a run suffers from."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ganvas.cli.output import NORMAL, Speaking

PACKAGES = ("torch", "numpy", "scipy", "pillow", "safetensors", "cyclopts", "rich", "matplotlib")
EXTRAS = {
    "onnx": "onnxruntime",
    "tensorboard": "tensorboard",
    "faces": "resvg-py",
    "hf": "datasets",
}


def doctor(
    run: str | None = None, /, *, system: Annotated[bool, Parameter(negative="")] = False, output: Speaking = NORMAL
) -> None:
    """Examine the machine (devices, versions, disk, a real run of three steps), or a run.

    For example:

        ganvas doctor --system
        ganvas doctor wgan-gp-mnist-001

    Args:
        run: a run's name or path; the machine is examined without one.
        system: examine the machine, whether or not a run is named.
    """
    document: dict[str, Any] = {}
    if run is not None:
        document["run"] = examine_run(run)
    if system or run is None:
        document["system"] = examine_system()
    findings = document.get("run", {}).get("findings", [])
    lines = [
        f"{f['severity']}: {f['name']} ({f['sure']})\n  seen   {f['seen']}\n  means  {f['meaning']}\n  try    {f['remedy']}"
        for f in findings
    ]
    if run is not None and not lines:
        lines.append(f"{run}: nothing wrong")
    ended = document.get("run", {}).get("ended")
    if ended:
        lines.append(f"ended at step {ended['step']:,}: {ended['words']}")
    for key, value in document.get("system", {}).items():
        if isinstance(value, dict):
            lines.append(f"{key}")
            lines += [f"  {name:14} {item}" for name, item in value.items()]
        else:
            lines.append(f"{key:16} {value}")
    output.result(document, "\n".join(lines))


def examine_run(name: str) -> dict[str, Any]:
    """The doctor's findings on a run's record."""
    from ganvas.cli import names
    from ganvas.runs import Run
    from ganvas.training.monitors import examine

    run = Run(names.existing(name))
    findings = [finding.to_json() for finding in examine(run.stats(), run.scores())]
    return {"run": str(run.path), "findings": findings, "ended": run.ended()}


def examine_system() -> dict[str, Any]:
    """Devices, versions, room, and a real run of three steps in a temporary folder."""
    import platform

    import psutil
    import torch

    from ganvas import __version__
    from ganvas.data import cache_dir
    from ganvas.training.precision import choose_device

    threads = f"{psutil.cpu_count()} logical cores, {torch.get_num_threads()} threads"
    memory = psutil.virtual_memory()
    cuda = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return {
        "ganvas": __version__,
        "python": f"{platform.python_version()} on {platform.platform()}",
        # torch's own says which build it is (+cpu, +cu130), its package's need not
        "versions": {name: version(name) for name in PACKAGES} | {"torch": str(torch.__version__)},
        "extras": {extra: version(package) for extra, package in EXTRAS.items()},
        "devices": {
            "chosen": str(choose_device("auto")),
            "cuda": ", ".join(cuda) or "none",
            "mps": "yes" if torch.backends.mps.is_available() else "none",
            "cpu": f"{platform.processor() or platform.machine()}, {threads}",
        },
        "memory": f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
        "disk": {"here": free(Path.cwd()), "cache": f"{free(cache_dir())}, {cache_dir()}"},
        "run of 3 steps": three_steps(),
    }


def version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def free(folder: Path) -> str:
    """Free room where ``folder`` lies or would lie."""
    import shutil

    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB free"


def three_steps() -> str:
    """Trains a small GAN on points for three steps, saves it, loads it and samples from it."""
    import tempfile

    from ganvas.data import points
    from ganvas.methods import GAN, GANConfig
    from ganvas.runs import Run, load
    from ganvas.training import train

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ganvas-doctor-") as folder:
        data = points("ring")
        method = GAN(GANConfig(width=16, batch_size=16), data.spec)
        steps = [progress.step for progress in train(method, data, Run(Path(folder) / "run"), steps=3)]
        samples = load(Path(folder) / "run").sample(4)
    if steps[-1] != 3 or tuple(samples.shape) != (4, 2):
        return f"failed: {steps[-1]} steps, samples of shape {tuple(samples.shape)}, on {sys.platform}"
    return f"trained, saved, loaded and sampled in {time.monotonic() - started:.1f} s"
