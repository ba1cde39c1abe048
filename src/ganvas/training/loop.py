"""``train``: a generator that plays a method's steps on data within a budget, keeps the run folder, and yields its progress."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import torch

from ganvas.data import Data
from ganvas.errors import Diverged, ResourceError, UsageError
from ganvas.method import Method
from ganvas.runs import Run, provenance
from ganvas.training.budget import Budget
from ganvas.training.engine import Engine
from ganvas.training.footprint import samples_that_fit
from ganvas.training.interrupts import DeferredSignals, Interrupted
from ganvas.training.precision import choose_autocast, choose_device
from ganvas.training.ranks import Ranks
from ganvas.training.session import Progress, Session

YIELD_SECONDS = 0.25
"""How often the loop hands control to its consumer; reading the terms is the only wait for the device."""

FIRST_MILESTONE = 100
"""The first step that counts as a milestone."""


def train(
    method: Method,
    data: Data,
    run: Run,
    *,
    steps: int | None = None,
    images: int | None = None,
    minutes: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    save_seconds: float = 60.0,
    save_steps: int | None = None,
    save_growth: float = 0.0,
    log_steps: int = 20,
    heal: int = 0,
    micro_batch: int | None = None,
    compiled: bool = False,
    cuda_graphs: bool = False,
    resume: bool = False,
    remember: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Progress]:
    """Trains ``method`` on ``data`` within a budget and yields its progress; closing the generator saves and stops.

    Args:
        method: built for ``data.spec``; moved to the device and trained in place.
        run: where everything is kept; a new folder, or with ``resume`` an existing one, which continues bit for bit on the
            same machine and thread count.
        steps, images, minutes: the budget, in totals since the start of the run.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: auto, fp32 or bf16 (autocast; weights stay float32); a resumed run keeps its own when auto.
        threads: of torch on the CPU; None takes 1 for points, which are too small to share, and torch's default for pictures.
        save_seconds: time between checkpoints; ``save_steps`` in steps instead.
        save_growth: save also at each milestone, when the steps have grown by this factor (from ``FIRST_MILESTONE``); 0 never.
        log_steps: steps between records in stats.jsonl.
        heal: how often divergence is met by a rollback to the last good state with half the learning rates, before it is an
            error; above 0 the doctor also gives an under-trained critic more steps and an overfitting one more augmentation.
        micro_batch: samples that an update takes at a time, its gradients added up over the batch; None is the whole batch.
            Where the free memory cannot hold that, training begins with as many as fit; whenever it runs out, that is halved,
            and training goes on from the last checkpoint.
        compiled: puts the losses through ``torch.compile``, which takes minutes and a C++ compiler, or Triton on a GPU.
        cuda_graphs: records the compiled losses as CUDA graphs as well: for small networks, whose kernels end sooner than they
            are launched. Where parts of a batch are added up (``micro_batch``), they are compiled only.
        remember: more facts for config.json's "training", for the caller to find when the run is resumed.

    Raises:
        Diverged: a term or weight became NaN or infinite; the last good checkpoint is kept.
        Interrupted: SIGINT or SIGTERM arrived; everything is saved.
        UsageError, DataError, ModelError, ResourceError: as their names say.
    """
    budget = Budget(steps, images, minutes)
    if resume:  # bits repeat only in the same number format and thread count
        recorded = run.config
        run.seed = int(recorded["seed"])
        threads = threads or recorded["training"]["threads"]
        precision = recorded["training"]["precision"] if precision == "auto" else precision
        micro_batch = micro_batch or recorded["training"].get("micro_batch")
        compiled = compiled or recorded["training"].get("compiled", False)
    place = choose_device(device)
    if threads or (place.type == "cpu" and not data.spec.is_image):
        torch.set_num_threads(threads or 1)
    autocast = choose_autocast(precision, place, data.spec)
    if cuda_graphs and place.type != "cuda":
        raise UsageError(f"CUDA graphs need a CUDA device, training is on {place.type}", "leave out --cuda-graphs")
    if resume and place.type == "cuda":  # elsewhere it goes on without
        cuda_graphs = cuda_graphs or recorded["training"].get("cuda_graphs", False)
    ranks = Ranks(place)
    fitting = None if resume or micro_batch or ranks.world > 1 else samples_that_fit(method, place)
    quick: dict[str, bool] = {"compiled": compiled, "cuda_graphs": cuda_graphs}
    engine = Engine(method, device=place, autocast=autocast, seed=run.seed, ranks=ranks, **quick)
    session = Session(method, data, run, budget, engine, log_steps=log_steps, heal=heal, micro_batch=micro_batch)
    asked = {"steps": steps, "images": images, "minutes": minutes, "device": device, "precision": precision, "threads": threads}
    kept = {"log_steps": log_steps, "save_seconds": save_seconds, "save_steps": save_steps, "keep": run.keep, "heal": heal}
    kept |= {"micro_batch": micro_batch, **quick}
    if ranks.first:
        begin(run, method, data, asked | kept | dict(remember), resume)
    with run, DeferredSignals() as signals:
        if fitting is not None:
            session.take_at_most(fitting, "the free memory does not hold what a whole batch needs")
        if not (resume and session.restore()):
            session.save()
        schedule = Saves(save_seconds, save_steps, save_growth)
        yield from play(session, signals, schedule)


def begin(run: Run, method: Method, data: Data, settings: dict[str, Any], resume: bool) -> None:
    """Claims the run folder and, for a new run, writes what is needed to understand and repeat it."""
    if resume:
        run.open()
        return
    run.start(
        {
            "schema": 1,
            "method": method.name,
            "config": asdict(method.config),
            "spec": data.spec.to_json(),
            "data": {
                "recipe": data.recipe,
                "name": data.name,
                "licence": data.licence,
                "origin": data.origin,
                "fingerprint": data.fingerprint,
            },
            "seed": run.seed,
            "training": settings | {"threads": torch.get_num_threads()},
            "provenance": provenance(),
        }
    )


@dataclass(frozen=True)
class Saves:
    """When a run is saved: see ``train``."""

    seconds: float
    steps: int | None
    growth: float

    def due(self, step: int, waited: float) -> bool:
        """Whether ``step`` is one to save at, ``waited`` seconds after the last save."""
        return step % self.steps == 0 if self.steps else waited >= self.seconds

    def milestone(self, step: int) -> bool:
        """Whether the steps have just grown by the factor; a function of the step alone, so that all ranks agree."""
        if not self.growth or step < FIRST_MILESTONE:
            return False
        grown = math.log(step / FIRST_MILESTONE) / math.log(self.growth)
        return step == math.ceil(FIRST_MILESTONE * self.growth ** math.floor(grown + 1e-9) - 1e-6)


def play(session: Session, signals: DeferredSignals, saves: Saves) -> Iterator[Progress]:
    """Steps until the budget is spent; saves on schedule, on a signal, when the consumer leaves, and at the end."""
    last_yield = last_save = time.monotonic()
    ranks = session.engine.ranks
    try:
        yield session.progress()
        (spent,) = ranks.any(ranks.first and session.fraction >= 1)
        stop = enough = short = False
        while not (spent or stop or enough):
            try:
                session.advance()
                now = time.monotonic()
                due, show = saves.due(session.step, now - last_save), now - last_yield >= YIELD_SECONDS
                # The first rank's clock decides for all, or they would wait for each other at different places.
                clocks = (due, show, session.fraction >= 1, bool(session.asked_to_stop)) if ranks.first else (False,) * 4
                stop, due, show, spent, enough = ranks.any(signals.pending is not None, *clocks)
                milestone = saves.milestone(session.step)
                if due or milestone:
                    session.save()
                    last_save = time.monotonic()
                if (due or milestone or show) and not stop:  # after a save, so that its very state can be scored
                    yield session.progress(milestone=milestone)
                    last_yield = time.monotonic()
            except Diverged as error:
                if session.rollbacks >= session.heal:
                    session.end("diverged", error.cause)
                    raise explain(error, session) from error
                session.roll_back()
            except (RuntimeError, MemoryError) as error:
                if not (ran_out_of_memory(error) and session.divisible):
                    raise
                short = True
            if short:  # not above: while the error is being handled, its traceback holds all that the step had made
                short = False
                session.divide()
        session.save()
    except GeneratorExit:
        session.save()
        raise
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        parts = f", with {session.micro_batch} samples at a time" if session.micro_batch else ""
        raise ResourceError(f"out of memory at step {session.step}{parts}", "lower --batch-size, --width or --size") from error
    if stop:
        number = signals.pending or signal.SIGTERM
        session.end("interrupted", f"stopped by {signal.Signals(number).name}, `ganvas resume` continues")
        raise Interrupted(number, session.step)
    session.end("asked" if session.asked_to_stop else "budget", session.asked_to_stop or "the budget is spent")
    yield session.progress(done=True)


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed. On a CPU torch says so in a plain RuntimeError, recognisable only by its words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def explain(error: Diverged, session: Session) -> Diverged:
    """The error that the user reads when nothing is left to try."""
    tried = f" after {session.rollbacks} rollbacks at ever lower rates" if session.rollbacks else ""
    kept = f"the state of step {session.saved} is kept" if session.saved is not None else "nothing was saved yet"
    mend = (
        "lower the learning rate or strengthen the penalty"
        if session.heal
        else "lower the learning rate, or pass --heal to roll back by itself"
    )
    return Diverged(f"training diverged{tried}: {error.cause}; {kept}", mend)
