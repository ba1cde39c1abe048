"""``train``: a generator that plays a method's steps on data within a budget, keeps the run folder, and yields its progress."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.errors import Diverged, ResourceError
from ganvas.method import Method
from ganvas.runs import Run, provenance
from ganvas.training.budget import Budget, rate_factor
from ganvas.training.engine import Engine
from ganvas.training.interrupts import DeferredSignals, Interrupted
from ganvas.training.monitors import Finding, examine, non_finite
from ganvas.training.precision import choose_autocast, choose_device
from ganvas.training.ranks import Ranks

YIELD_SECONDS = 0.25
"""How often the loop hands control to its consumer; reading the terms is the only wait for the device."""

EARLY_RECORDS = (1, 2, 5, 10)
"""Steps that are recorded besides every ``log_steps``-th, so that a short run has a curve."""

HEALING_FACTOR = 0.5
"""What a rollback multiplies the learning rates with."""


@dataclass
class Progress:
    """Where training stands, yielded about four times a second and at the end.

    ``step``, ``images`` and ``seconds`` count from the very start of the run, resumes included. ``terms`` are means since the
    last record; ``wasserstein`` is the critic's signed estimate E[f(x)] - E[f(G(z))], None for methods without a critic.
    """

    step: int
    images: int
    seconds: float
    fraction: float
    images_per_second: float
    seconds_left: float | None
    terms: dict[str, float]
    wasserstein: float | None
    findings: list[Finding]
    saved: int | None
    done: bool
    engine: Engine = field(repr=False)

    @torch.no_grad()
    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Samples from the averaged weights, on the CPU in float32; does not disturb training."""
        method, device = self.engine.method, self.engine.device
        own = {name: getattr(method, name) for name in method.averaged}
        modes = {name: module.training for name, module in own.items()}
        try:
            for name in own:
                setattr(method, name, self.engine.averaged(name).eval())
            labels = None if label is None else label.to(device)
            samples: Tensor = method.sample(latent.to(device), labels).float().cpu()
            return samples
        finally:
            for name, module in own.items():
                setattr(method, name, module.train(modes[name]))


class Session:
    """One process's training of one run: the engine, the data's cursor, the clock and the record."""

    def __init__(self, method: Method, data: Data, run: Run, budget: Budget, engine: Engine, *, log_steps: int) -> None:
        self.method, self.data, self.run, self.budget, self.engine = method, data, run, budget, engine
        self.log_steps = log_steps
        ranks = engine.ranks
        batch = method.config.batch_size
        self.batch_images = batch * ranks.world
        self.stream = data.stream(batch, seed=run.seed, rank=ranks.rank, world=ranks.world, device=engine.device)
        self.step = 0
        self.rate_scale = 1.0
        self.rollbacks = 0
        self.saved: int | None = None
        self.history: list[dict[str, float]] = []
        self.notices: list[Finding] = []
        self.latest: dict[str, float] = {}
        self._seconds_before, self._started = 0.0, time.monotonic()
        self._speed_mark = (0, 0.0)

    @property
    def seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started

    @property
    def images(self) -> int:
        return self.step * self.batch_images

    @property
    def fraction(self) -> float:
        return self.budget.fraction(self.step, self.images, self.seconds)

    def advance(self) -> None:
        """Plays one step, averages, and writes a record when one is due."""
        c = self.method.config
        self.engine.set_rates(self.rate_scale * rate_factor(c.schedule, self.images, c.decay_images))
        self.engine.step(self.step, self.stream)
        self.step += 1
        self.engine.average(self.images, self.batch_images)
        if self.step % self.log_steps == 0 or self.step in EARLY_RECORDS:
            self.record()

    def record(self) -> None:
        """Writes the window's means to the log and empties the window; raises Diverged when one is not finite."""
        terms = self.finite_terms()
        self.history.append(terms)
        facts = {"step": self.step, "images": self.images, "seconds": round(self.seconds, 3), **terms}
        if self.engine.ranks.first:
            estimate = self.wasserstein(terms)
            self.run.log(facts if estimate is None else facts | {"wasserstein": estimate})
        self.engine.clear_terms()

    def finite_terms(self) -> dict[str, float]:
        terms = self.engine.terms()
        broken = non_finite(terms)
        (anywhere,) = self.engine.ranks.any(broken is not None)
        if anywhere:
            raise Diverged(
                f"{broken or 'a term on another rank'} became {terms.get(broken or '', float('nan'))} by step {self.step}"
            )
        self.latest = terms or self.latest
        return terms

    def wasserstein(self, terms: dict[str, float]) -> float | None:
        name = self.method.wasserstein_term
        return -terms[name] if name in terms else None

    def progress(self, done: bool = False) -> Progress:
        self.finite_terms()
        seconds, fraction = self.seconds, self.fraction
        images_before, seconds_before = self._speed_mark
        speed = (self.images - images_before) / max(seconds - seconds_before, 1e-9)
        left = (seconds - self._seconds_before) * (1 - fraction) / fraction if fraction > 0 and self.step else None
        if self.budget.minutes is not None and left is not None:
            left = min(left, max(0.0, self.budget.minutes * 60 - seconds))
        return Progress(
            self.step, self.images, seconds, fraction, speed, left, self.latest, self.wasserstein(self.latest),
            [*self.notices, *examine(self.latest, self.history)], self.saved, done, self.engine,
        )  # fmt: skip

    def save(self) -> None:
        """Writes a checkpoint and the model folder, unless this very step is saved already."""
        if self.saved == self.step:
            return
        self.finite_terms()
        tensors, state = self.engine.state()
        if self.engine.ranks.first:
            facts = {"step": self.step, "images": self.images, "seconds": self.seconds}
            own = {"cursor": self.stream.cursor, "rate_scale": self.rate_scale, "rollbacks": self.rollbacks}
            self.run.save(self.step, tensors, state | facts | own)
            weights = {
                f"{name}.{key}": value
                for name in self.method.averaged
                for key, value in self.engine.averaged(name).state_dict().items()
            }
            licences = {"data": self.data.name, "licence": self.data.licence, "seed": self.run.seed}
            self.run.write_model(self.method, weights, facts | licences)
        self.saved = self.step

    def restore(self) -> bool:
        """Goes to the last good checkpoint, if there is one, and drops the records after it."""
        checkpoint = self.run.load()
        if checkpoint is None:
            return False
        self.engine.load_state(checkpoint.tensors, checkpoint.state)
        meaning, remedy = "training continues from the last good one", "check the disk"
        self.notices = [Finding("damaged checkpoint", reason, meaning, remedy, "watch") for reason in checkpoint.skipped]
        state = checkpoint.state
        self.step, self.stream.cursor = checkpoint.step, int(state["cursor"])
        self.rate_scale, self.rollbacks = float(state["rate_scale"]), int(state["rollbacks"])
        self._seconds_before, self._started = float(state["seconds"]), time.monotonic()
        self._speed_mark = (self.images, self.seconds)
        self.saved = self.step
        if self.engine.ranks.first:
            self.run.rewind_log(self.step)
        return True

    def roll_back(self) -> None:
        """After divergence: the last good state with lower rates; the time that was lost stays on the clock."""
        seconds, scale, rollbacks = self.seconds, self.rate_scale, self.rollbacks
        self.engine.clear_terms()
        self.restore()
        self._seconds_before, self.rate_scale, self.rollbacks = seconds, scale * HEALING_FACTOR, rollbacks + 1


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
    log_steps: int = 20,
    heal: int = 0,
    resume: bool = False,
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
        log_steps: steps between records in stats.jsonl.
        heal: how often divergence is met by a rollback with half the learning rates, before it is an error.

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
    place = choose_device(device)
    if threads or (place.type == "cpu" and not data.spec.is_image):
        torch.set_num_threads(threads or 1)
    autocast = choose_autocast(precision, place, data.spec)
    ranks = Ranks(place)
    engine = Engine(method, device=place, autocast=autocast, seed=run.seed, ranks=ranks)
    session = Session(method, data, run, budget, engine, log_steps=log_steps)
    asked = {"steps": steps, "images": images, "minutes": minutes, "device": device, "precision": precision, "threads": threads}
    kept = {"log_steps": log_steps, "save_seconds": save_seconds, "save_steps": save_steps, "keep": run.keep, "heal": heal}
    if ranks.first:
        begin(run, method, data, asked | kept, resume)
    with run, DeferredSignals() as signals:
        if not (resume and session.restore()):
            session.save()
        yield from play(session, signals, save_seconds=save_seconds, save_steps=save_steps, heal=heal)


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


def play(
    session: Session, signals: DeferredSignals, *, save_seconds: float, save_steps: int | None, heal: int
) -> Iterator[Progress]:
    """Steps until the budget is spent; saves on schedule, on a signal, when the consumer leaves, and at the end."""
    last_yield = last_save = time.monotonic()
    ranks = session.engine.ranks
    try:
        yield session.progress()
        (spent,) = ranks.any(ranks.first and session.fraction >= 1)
        stop = False
        while not spent and not stop:
            try:
                session.advance()
                now = time.monotonic()
                due = session.step % save_steps == 0 if save_steps else now - last_save >= save_seconds
                show = now - last_yield >= YIELD_SECONDS
                # The first rank's clock decides for all, or they would wait for each other at different places.
                clocks = (due, show, session.fraction >= 1) if ranks.first else (False, False, False)
                stop, due, show, spent = ranks.any(signals.pending is not None, *clocks)
                if due:
                    session.save()
                    last_save = time.monotonic()
                if (due or show) and not stop:  # after a save, so that its very state can be scored
                    yield session.progress()
                    last_yield = time.monotonic()
            except Diverged as error:
                if session.rollbacks >= heal:
                    raise explain(error, session, heal) from error
                session.roll_back()
        session.save()
    except GeneratorExit:
        session.save()
        raise
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        raise ResourceError(f"out of memory at step {session.step}", "lower --batch-size, --width or --size") from error
    if stop:
        raise Interrupted(signals.pending or signal.SIGTERM, session.step)
    yield session.progress(done=True)


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed. On a CPU torch says so in a plain RuntimeError, recognisable only by its words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def explain(error: Diverged, session: Session, heal: int) -> Diverged:
    """The error that the user reads when nothing is left to try."""
    tried = f" after {session.rollbacks} rollbacks at ever lower rates" if session.rollbacks else ""
    kept = f"the state of step {session.saved} is kept" if session.saved is not None else "nothing was saved yet"
    mend = (
        "lower the learning rate or strengthen the penalty"
        if heal
        else "lower the learning rate, or pass --heal to roll back by itself"
    )
    return Diverged(f"training diverged{tried}: {error.cause}; {kept}", mend)
