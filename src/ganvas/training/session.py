"""One process's training of one run: what it holds, records, saves and restores, and what it shows of itself."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ganvas.data import Data
from ganvas.data.batches import Images
from ganvas.errors import Diverged
from ganvas.method import Method
from ganvas.runs import Run
from ganvas.training.budget import Budget, rate_factor
from ganvas.training.checkup import Checkup, next_checkup, unseen
from ganvas.training.engine import Engine
from ganvas.training.healing import REST, remedy, runs_away
from ganvas.training.monitors import LASTING, Finding, History, examine, is_checkup, non_finite
from ganvas.training.translator_checkup import TranslatorCheckup

EARLY_RECORDS = (1, 2, 5, 10)
"""Steps that are recorded besides every ``log_steps``-th, so that a short run has a curve."""

LOOKED_AT, FEWEST_UNSEEN = 4, 16
"""Batches of held-out pictures that adaptive augmentation goes by, and how few pictures say too little of the rest."""
UNSEEN_SEED = 5

HEALING_FACTOR = 0.5
"""What a rollback multiplies the learning rates with."""


@dataclass
class Progress:
    """Where training stands, yielded about four times a second and at the end.

    ``step``, ``images`` and ``seconds`` count from the very start of the run, resumes included. ``terms`` are means since the
    last record; ``wasserstein`` is the critic's signed estimate E[f(x)] - E[f(G(z))], None for methods without a critic.
    ``milestone``: the state was saved because the images grew by a set factor: the moments at which to score.
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
    milestone: bool = False
    session: Session | None = field(default=None, repr=False)

    def stop(self, words: str) -> None:
        """Ends training after the step under way, on every rank, as if the budget were spent; ``words`` say why."""
        if self.session is not None:
            self.session.asked_to_stop = words

    def take_score(self, record: dict[str, Any]) -> None:
        """Lets the doctor know of a score: a record of scores.jsonl."""
        if self.session is not None:
            self.session.scores.append(record)
            self.session.examine()

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Samples from the averaged weights, on the CPU in float32; does not disturb training."""
        return self.engine.sample(latent, label)

    def translate(self, source: Tensor, label: Tensor | None = None, *, back: bool = False) -> Tensor:
        """Translations of pictures (N, C, H, W) in [-1, 1] with the averaged weights, on the CPU in float32; see ``Engine``."""
        return self.engine.translate(source, label, back=back)


class Session:
    """One process's training of one run: the engine, the data's cursor, the clock and the record."""

    def __init__(
        self, method: Method, data: Data, run: Run, budget: Budget, engine: Engine, *, log_steps: int, heal: int = 0,
        micro_batch: int | None = None,
    ) -> None:  # fmt: skip
        self.method, self.data, self.run, self.budget, self.engine = method, data, run, budget, engine
        self.log_steps, self.heal = log_steps, heal
        ranks = engine.ranks
        batch = method.config.batch_size
        self.batch_images = batch * ranks.world
        self.stream = data.stream(batch, seed=run.seed, rank=ranks.rank, world=ranks.world, device=engine.device)
        self.step = 0
        self.rate_scale = 1.0
        self.rollbacks = 0
        self.changes: dict[str, Any] = {}
        self.changed_at = 0
        self.micro_batch = micro_batch
        engine.take_at_most(micro_batch)
        self.show_unseen()
        self.saved: int | None = None
        self.history = History()
        self.scores: list[dict[str, Any]] = []
        self.notices: list[Finding] = []
        self.findings: list[Finding] = []
        self.checkup: Checkup | TranslatorCheckup | None = None
        if ranks.first:
            checkup = TranslatorCheckup(engine, data) if method.translates else Checkup(engine, data)
            self.checkup = checkup if checkup.possible else None
        self.latest: dict[str, float] = {}
        self.asked_to_stop = ""
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
        due = (self.step + 1) % self.log_steps == 0 or self.step + 1 in EARLY_RECORDS
        self.engine.gauging = due
        self.engine.step(self.step, self.stream)
        self.step += 1
        self.engine.average(self.images, self.batch_images)
        if due:
            self.record()
        if c.schedule != "constant" and 0 < c.decay_images <= self.images and self.fraction < 1:
            self.asked_to_stop = "the learning rates have fallen to zero"  # no further step would change anything

    def record(self) -> None:
        """Writes the window's means to the log, with the doctor's figures, and empties the window; Diverged when not finite."""
        terms = self.finite_terms()
        if self.engine.ranks.first:
            record: dict[str, Any] = {"step": self.step, "images": self.images, "seconds": round(self.seconds, 3), **terms}
            estimate = self.wasserstein(terms)
            if estimate is not None:
                record["wasserstein"] = estimate
            record["health"] = self.health()
            self.run.log(record)
            self.history.append(record)
            self.examine()
        self.engine.clear_terms()
        if self.heal:
            self.treat()

    def examine(self) -> None:
        """Lets the doctor look at all records so far."""
        self.findings = examine(self.history.records, self.scores)

    def treat(self) -> None:
        """Applies the doctor's remedies; the first rank decides for all. Raises Diverged when the game runs away."""
        first = self.engine.ranks.first
        decision = self.engine.ranks.share(self.decide() if first else None)
        if decision["away"]:
            raise Diverged(f"{decision['away']} by step {self.step}")
        if decision["change"]:
            self.change(decision["change"])
            self.changed_at = self.step
            if first:
                words = ", ".join(f"{name} is now {value}" for name, value in decision["change"].items())
                self.notices.append(Finding("healing", decision["because"], words, "nothing to do", "watch", "certain"))
                record = {"step": self.step, "healing": decision["change"], "because": decision["because"]}
                self.run.log(record)
                self.history.append(record)  # a resumed run reads it there, too, and must come to the same findings

    def decide(self) -> dict[str, Any]:
        """What to do: "away" is the sign of a game that runs away, or empty; "change" the settings, "because" of what sign."""
        away = runs_away(self.findings)
        since = [record for record in self.history.records if record["step"] > self.changed_at and is_checkup(record)]
        change, because = remedy(self.findings, self.method.config, self.data.spec.is_image) if len(since) >= REST else ({}, "")
        return {"away": away.seen if away else "", "change": change, "because": because}

    def change(self, settings: dict[str, Any]) -> None:
        """Trains on with other settings of the method; a checkpoint keeps them."""
        self.changes |= settings
        self.method.config = replace(self.method.config, **settings)
        self.show_unseen()

    def show_unseen(self) -> None:
        """Gives the engine pictures that are never trained on, where adaptive augmentation goes by how they are scored."""
        method, device = self.method, self.engine.device
        if not method.augments.adapts or method.translates:
            return
        held_out = unseen(self.data, LOOKED_AT * self.batch_images, fewest=FEWEST_UNSEEN, seed=UNSEEN_SEED)
        if held_out is not None:
            image, label = held_out
            self.engine.unseen = Images(image.to(device), None if label is None else label.to(device))

    def health(self) -> dict[str, float]:
        """What the doctor goes by, beside the terms: the engine's gauges and, when one is due, a checkup."""
        before = self.history.records[-1]["step"] if self.history.records else 0
        figures = self.engine.read_gauges(self.method.wasserstein_term, self.step - before)
        if self.checkup is not None and next_checkup(before, self.checkup.stride) <= self.step:
            figures |= self.checkup.measure()
        return figures

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

    def progress(self, done: bool = False, milestone: bool = False) -> Progress:
        self.finite_terms()
        seconds, fraction = self.seconds, self.fraction
        images_before, seconds_before = self._speed_mark
        speed = (self.images - images_before) / max(seconds - seconds_before, 1e-9)
        left = (seconds - self._seconds_before) * (1 - fraction) / fraction if fraction > 0 and self.step else None
        if self.budget.minutes is not None and left is not None:
            left = min(left, max(0.0, self.budget.minutes * 60 - seconds))
        return Progress(
            self.step, self.images, seconds, fraction, speed, left, self.latest, self.wasserstein(self.latest),
            [*self.notices, *self.findings], self.saved, done, self.engine, milestone, self,
        )  # fmt: skip

    def save(self) -> None:
        """Writes a checkpoint and the model folder, unless this very step is saved already."""
        if self.saved == self.step:
            return
        self.finite_terms()
        tensors, state = self.engine.state()
        if self.engine.ranks.first:
            facts = {"step": self.step, "images": self.images, "seconds": self.seconds}
            own: dict[str, Any] = {"cursor": self.stream.cursor, "rate_scale": self.rate_scale, "rollbacks": self.rollbacks}
            own |= {"changes": self.changes, "changed_at": self.changed_at, "micro_batch": self.micro_batch}
            self.run.save(self.step, tensors, state | facts | own)
            weights = {
                f"{name}.{key}": value
                for name in self.method.averaged
                for key, value in self.engine.averaged(name).state_dict().items()
            }
            for name in self.method.kept:
                weights |= {f"{name}.{key}": value for key, value in getattr(self.method, name).state_dict().items()}
            licences = {"data": self.data.name, "licence": self.data.licence, "seed": self.run.seed}
            self.run.write_model(self.method, weights, facts | licences)
        self.saved = self.step

    def restore(self, step: int | None = None) -> bool:
        """Goes to the last good checkpoint (or that of ``step``), if there is one, and drops the records after it."""
        checkpoint = self.run.load(step)
        if checkpoint is None:
            return False
        self.engine.load_state(checkpoint.tensors, checkpoint.state)
        meaning, remedy = "training continues from the last good one", "check the disk"
        self.notices = [Finding("damaged checkpoint", reason, meaning, remedy, "watch") for reason in checkpoint.skipped]
        state = checkpoint.state
        self.step, self.stream.cursor = checkpoint.step, int(state["cursor"])
        self.rate_scale, self.rollbacks = float(state["rate_scale"]), int(state["rollbacks"])
        self.changed_at = int(state.get("changed_at", 0))
        self.change(state.get("changes", {}))
        sizes = [size for size in (self.micro_batch, state.get("micro_batch")) if size is not None]
        self.micro_batch = min(sizes, default=None)
        self.engine.take_at_most(self.micro_batch)
        self._seconds_before, self._started = float(state["seconds"]), time.monotonic()
        self._speed_mark = (self.images, self.seconds)
        self.saved = self.step
        if self.engine.ranks.first:
            self.run.rewind_log(self.step)
            self.history = History(self.run.stats())
            self.scores = self.run.scores()
            self.examine()
        return True

    def end(self, reason: str, words: str) -> None:
        """Writes down why training ended."""
        if self.engine.ranks.first:
            self.run.note_end({"reason": reason, "words": words, "step": self.step, "seconds": round(self.seconds, 3)})

    def roll_back(self) -> None:
        """After divergence: the last good state with lower rates."""
        step = self.engine.ranks.share(self.last_good() if self.engine.ranks.first else None)
        self.go_back(step)
        if self.engine.ranks.first:
            self.run.forget_after(self.step)
        self.rate_scale, self.rollbacks = self.rate_scale * HEALING_FACTOR, self.rollbacks + 1

    def go_back(self, step: int | None = None) -> None:
        """Back to the last checkpoint (or that of ``step``); the time that was lost stays on the clock."""
        seconds, scale, rollbacks = self.seconds, self.rate_scale, self.rollbacks
        divided = [notice for notice in self.notices if notice.name == "memory"]
        self.engine.clear_terms()
        self.restore(step)
        self.notices += divided
        self._seconds_before, self.rate_scale, self.rollbacks = seconds, scale, rollbacks

    @property
    def divisible(self) -> bool:
        """Whether updates can be made from smaller parts of a batch; ranks would have to agree while one of them is stuck."""
        return self.engine.ranks.world == 1 and (self.micro_batch or self.method.config.batch_size) > 1

    def divide(self) -> None:
        """After memory ran out: on from the last checkpoint with half as many samples at a time, the same effective batch."""
        reached = self.step
        for optimizer in self.engine.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        gc.collect()
        if self.engine.device.type == "cuda":
            torch.cuda.empty_cache()
        smaller = -(-(self.micro_batch or self.method.config.batch_size) // 2)
        self.go_back()
        self.take_at_most(smaller, f"memory ran out in step {reached + 1}")

    def take_at_most(self, samples: int, because: str) -> None:
        """Makes updates from parts of a batch from now on, and says so."""
        self.micro_batch = samples
        self.engine.take_at_most(samples)
        words = f"each update now takes {samples} samples at a time, the effective batch stays {self.method.config.batch_size}"
        self.notices.append(Finding("memory", because, words, "lower --width or --size to be faster", "watch", "certain"))
        record = {"step": self.step, "micro_batch": samples, "because": because}
        self.run.log(record)
        self.history.append(record)

    def last_good(self) -> int | None:
        """The step of the newest checkpoint from before the signs of divergence set in; None for the newest of all."""
        if not runs_away(self.findings):
            return None  # NaN: no checkpoint holds it
        checkups = [record["step"] for record in self.history.records if is_checkup(record)]
        before = checkups[-LASTING] if len(checkups) >= LASTING else 0
        steps = self.run.steps()
        return max((step for step in steps if step < before), default=min(steps))
