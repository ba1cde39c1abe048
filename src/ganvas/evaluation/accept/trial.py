"""How acceptance rows train: real runs of ``ganvas.training.train`` in a folder that is thrown away."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.methods import METHODS
from ganvas.runs import Model, Run, load
from ganvas.training import Progress, train

NO_CHECKPOINTS = 10**6.0
"""Seconds between checkpoints: only the first and the last are written."""


def train_through(
    name: str,
    data: Data,
    settings: dict[str, Any],
    seed: int,
    *,
    stops: Iterable[int] | None = None,
    minutes: float | None = None,
) -> Generator[Progress]:
    """Trains the method called ``name`` and yields its progress at each of ``stops``, in steps, or after ``minutes``.

    The random state of the caller is left alone. Between stops the run is saved and resumed, which is bit-exact.
    """
    with torch.random.fork_rng(devices=[]), TemporaryDirectory(prefix="ganvas-accept-", ignore_cleanup_errors=True) as folder:
        torch.manual_seed(seed)
        kind = METHODS[name]
        method = kind(kind.Config(**settings), data.spec)
        for index, stop in enumerate([None] if stops is None else stops):
            budget: dict[str, Any] = {"minutes": minutes} if stop is None else {"steps": stop}
            run = Run(folder, seed=seed, keep=1)
            for progress in train(method, data, run, save_seconds=NO_CHECKPOINTS, resume=index > 0, **budget):
                if progress.done:
                    yield progress


def train_for(name: str, data: Data, settings: dict[str, Any], seed: int, seconds: float, *, stride: int = 500) -> Progress:
    """Trains until ``seconds`` of this process's CPU time are used, to within ``stride`` steps.

    CPU time, so that two trainings are given the same however busy the machine was during either.
    """
    end = time.process_time() + seconds
    trial = train_through(name, data, settings, seed, stops=count(stride, stride))
    last = next(progress for progress in trial if time.process_time() >= end)
    trial.close()
    return last


def steps_within(name: str, data: Data, settings: dict[str, Any], seed: int, minutes: float, trial: int = 30) -> int:
    """The steps that this machine does in ``minutes`` of all the threads that torch uses, by the second ``trial`` of them.

    In processor time, so that a busy machine trains as long as an idle one, with 3 % to spare.
    """
    first = train_through(name, data, settings, seed, stops=(trial, 2 * trial))
    next(first)
    started = time.process_time()
    next(first)
    seconds = (time.process_time() - started) / trial
    first.close()
    return int(0.97 * 60 * minutes * torch.get_num_threads() / seconds)


def train_to_end(
    name: str, data: Data, settings: dict[str, Any], seed: int, *, steps: int | None = None, minutes: float | None = None
) -> Progress:
    """Trains to the end of one budget."""
    (last,) = train_through(name, data, settings, seed, stops=None if steps is None else [steps], minutes=minutes)
    return last


def trained_model(
    name: str, data: Data, settings: dict[str, Any], seed: int, *, steps: int | None = None, minutes: float | None = None
) -> Model:
    """Trains to the end of one budget, and gives the model that a user would then load."""
    with torch.random.fork_rng(devices=[]), TemporaryDirectory(prefix="ganvas-accept-", ignore_cleanup_errors=True) as folder:
        torch.manual_seed(seed)
        kind = METHODS[name]
        run = Run(folder, seed=seed, keep=1)
        method = kind(kind.Config(**settings), data.spec)
        for _ in train(method, data, run, save_seconds=NO_CHECKPOINTS, steps=steps, minutes=minutes):
            pass
        return load(folder)


def draw(progress: Progress, number: int, seed: int, label: Tensor | None = None) -> Tensor:
    """``number`` samples from the averaged weights, their latents drawn from ``seed``."""
    config = progress.engine.method.config
    source = torch.Generator().manual_seed(seed)
    if config.prior == "uniform":
        latent = torch.rand(number, config.latent_size, generator=source) * 2 - 1
    else:
        latent = torch.randn(number, config.latent_size, generator=source)
    batches = [] if label is None else list(torch.split(label, 500))
    chunks = [progress.sample(z, batches[i] if batches else None) for i, z in enumerate(torch.split(latent, 500))]
    return torch.cat(chunks)
