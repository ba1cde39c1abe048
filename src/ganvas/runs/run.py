"""The run folder: what a training run leaves behind, readable by a person, and safe against crashes and full disks.

```
config.json            what was asked for, and where (provenance)
stats.jsonl            the terms over time, one record a line
scores.jsonl           scores of the averaged weights over time
checkpoints/step-*/    everything that training changes
model/, model-best/    the averaged weights, all that sampling needs
best.json              which step scored best
ended.json             why training ended
```
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from ganvas import __version__
from ganvas.errors import ModelError, UsageError
from ganvas.method import Method
from ganvas.runs.checkpoint import (
    SCHEMA,
    Checkpoint,
    find_steps,
    folder_of,
    is_whole,
    read_checkpoint,
    refuse_newer,
    write_checkpoint,
)
from ganvas.runs.durable import (
    TEMPORARY,
    recover,
    remove_folder,
    replace_file,
    replace_folder,
    sealed,
    unseal,
    write_file,
    writing,
)
from ganvas.runs.journal import Journal
from ganvas.runs.lock import RunLock
from ganvas.runs.model import write_model

CONFIG, STATS, SCORES, BEST, ENDED, CHECKPOINTS = (
    "config.json",
    "stats.jsonl",
    "scores.jsonl",
    "best.json",
    "ended.json",
    "checkpoints",
)


class Run:
    """A run folder. Reading needs nothing; ``start`` or ``open`` takes the run's lock, ``close`` (or ``with``) gives it back.

    Args:
        path: the folder; created by ``start``.
        seed: what all randomness of the run derives from, 0 to 2^63 - 1.
        keep: how many of the last checkpoints stay, at least 1, besides the best.
    """

    def __init__(self, path: str | Path, seed: int = 0, keep: int = 3) -> None:
        if not str(path) or "\0" in str(path):
            raise UsageError(f"{str(path)!r} is not a folder name", "name the run, for example runs/wgan-mnist")
        if len(str(path)) > 4000 or any(len(os.fsencode(part)) > 255 for part in Path(path).parts):
            raise UsageError(f"the run's name {str(path)[:40]!r}... is too long", "use at most 255 bytes a name")
        if not 0 <= seed < 2**63:
            raise UsageError(f"seed={seed} is out of range", "it must be at least 0 and below 2^63")
        if keep < 1:
            raise UsageError(f"keep={keep} is out of range", "at least 1 checkpoint must stay")
        self.path = Path(path)
        self.seed = seed
        self.keep = keep
        self._lock = RunLock(self.path)
        self._stats = Journal(self.path / STATS)
        self._scores = Journal(self.path / SCORES)

    def __repr__(self) -> str:
        steps = self.steps()
        return f"Run({str(self.path)!r}, seed={self.seed}, last checkpoint at step {steps[-1] if steps else 'none'})"

    def _repr_html_(self) -> str:
        """What a notebook shows: where the run stands, its samples over time and its curves."""
        from ganvas.runs.notebook_view import page

        return page(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- the run as a whole ---------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return (self.path / CONFIG).is_file()

    @property
    def config(self) -> dict[str, Any]:
        """What the run was started with.

        Raises:
            ModelError: there is no run here, or config.json is damaged, edited or newer than this version.
        """
        try:
            data = (self.path / CONFIG).read_bytes()
        except OSError as error:
            mend = "`ganvas runs` lists the runs there are"
            raise ModelError(f"{self.path} holds no run ({CONFIG}: {error.strerror})", mend) from error
        refuse_newer(data, SCHEMA, self.path / CONFIG)
        config = unseal(data)
        if config is None:
            raise ModelError(f"{self.path / CONFIG} is damaged or was edited", "put back the original, or start a new run")
        return config

    def start(self, config: dict[str, Any]) -> None:
        """Makes the folder a run of ``config`` (JSON values) and takes its lock.

        Raises:
            UsageError: the folder already holds a run or other files, or another process writes to it.
        """
        self._refuse_occupied()
        self._lock.acquire()
        try:
            self._refuse_occupied()  # somebody may have started here while we had no lock
            replace_file(self.path / CONFIG, sealed({"schema": SCHEMA, "ganvas": __version__, **config}))
        except BaseException:
            self.close()
            raise

    def open(self) -> dict[str, Any]:
        """Takes the lock of a run that exists, ends what a crash interrupted, and returns its config.

        Raises:
            ModelError: no run, or a damaged config. UsageError: another process has the run.
        """
        config = self.config
        self._lock.acquire()
        try:
            with writing(self.path):
                recover(self.path)
                recover(self.path / CHECKPOINTS)
                (self.path / ENDED).unlink(missing_ok=True)
        except BaseException:
            self.close()
            raise
        return config

    def close(self) -> None:
        """Gives the lock back. The run can be opened again."""
        self._lock.release()

    @property
    def holder(self) -> str | None:
        """Who trains the run at this moment, in words; None when nobody does."""
        return self._lock.current_holder()

    def _refuse_occupied(self) -> None:
        if self.exists():
            mend = f"continue it with `ganvas resume {self.path}`, or use a free folder such as {self._free_path()}"
            raise UsageError(f"{self.path} already holds a run", mend)
        if self.path.is_dir():
            # Our own lock, and what a start that crashed left, do not count.
            foreign = [p for p in self.path.iterdir() if not p.name.startswith(".") and p.suffix != TEMPORARY]
            if foreign:
                raise UsageError(f"{self.path} is not empty", f"use a free folder such as {self._free_path()}")
        elif self.path.exists():
            raise UsageError(f"{self.path} is a file", f"use a free folder such as {self._free_path()}")

    def _free_path(self) -> Path:
        stem, number = re.fullmatch(r"(.*?)(?:-(\d{1,6}))?", self.path.name, re.DOTALL).groups()  # type: ignore[union-attr]
        n = int(number or 1) + 1
        while (free := self.path.with_name(f"{stem or 'run'}-{n}") if self.path.name else Path(f"runs/run-{n}")).exists():
            n += 1
        return free

    # -- checkpoints ----------------------------------------------------------------------------------------------------

    def steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending, damaged ones included."""
        return find_steps(self.path / CHECKPOINTS)

    def save(self, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
        """Saves a checkpoint, then removes those that are past ``keep`` and neither best nor needed.

        Checkpoints of later steps belong to a future that was given up (damaged, or rolled back), and go too: the last
        checkpoint is always the one that was saved last.

        Args:
            step: generator iterations done.
            tensors: any device, dtype and memory format.
            state: JSON values; NaN and infinity survive.

        Raises:
            Diverged: a tensor is not finite. ResourceError: the disk is full. Both leave every earlier checkpoint as it was.
        """
        parent = self.path / CHECKPOINTS
        folder = write_checkpoint(parent, step, tensors, state, __version__)
        with suppress(OSError):  # the new checkpoint is safe; what could not be removed now goes after the next one
            self._prune(step)
        return folder

    def forget_after(self, step: int) -> None:
        """Removes the checkpoints after ``step``, which went wrong, so that a later resume does not start from them."""
        parent = self.path / CHECKPOINTS
        with writing(parent):
            for later in self.steps():
                if later > step:
                    remove_folder(folder_of(parent, later))

    def _prune(self, newest: int) -> None:
        parent, best = self.path / CHECKPOINTS, self.best
        whole = [step for step in reversed(self.steps()) if step <= newest and is_whole(parent, step)]
        stays = {newest, *whole[: self.keep]}
        if best is not None:
            stays |= {best["step"]}
        for step in self.steps():
            if step > newest or step not in stays:
                remove_folder(folder_of(parent, step))

    def load(self, step: int | None = None) -> Checkpoint | None:
        """The last good checkpoint, or that of ``step``; None when the run has none yet.

        Raises:
            ModelError: ``step`` is missing or damaged, or every checkpoint is damaged, or they are of a newer version.
        """
        parent = self.path / CHECKPOINTS
        if step is not None:
            return read_checkpoint(parent, step)
        skipped: list[str] = []
        for candidate in reversed(self.steps()):
            try:
                return read_checkpoint(parent, candidate)._replace(skipped=skipped)
            except ModelError as error:
                if "needs Ganvas version" in error.cause:
                    raise
                skipped.append(error.cause)
        if skipped:
            raise ModelError(f"no checkpoint of {self.path} is good ({'; '.join(skipped)})", "start a new run")
        return None

    @property
    def best(self) -> dict[str, Any] | None:
        """{"step": ..., "score": {...}} of the best snapshot; None when none is marked."""
        try:
            record = unseal((self.path / BEST).read_bytes())
        except OSError:
            return None
        return {"step": record["step"], "score": record["score"]} if record else None

    def mark_best(self, step: int, score: dict[str, Any]) -> None:
        """Marks the checkpoint of ``step`` as the best so far, and keeps it from now on."""
        replace_file(self.path / BEST, sealed({"schema": SCHEMA, "step": step, "score": score}))

    def keep_best(self, step: int, score: dict[str, Any]) -> None:
        """Makes the model that was just saved the best so far: copies model/ to model-best/, then marks its checkpoint.

        Raises:
            ResourceError: the disk is full; the former best stays.
        """
        final = self.path / "model-best"
        temporary = final.with_name(final.name + TEMPORARY)
        with writing(final, temporary):
            remove_folder(temporary)
            temporary.mkdir()
            for file in (self.path / "model").iterdir():
                write_file(temporary / file.name, file.read_bytes())
            replace_folder(temporary, final)
        self.mark_best(step, score)

    # -- the log --------------------------------------------------------------------------------------------------------

    def log(self, record: dict[str, Any]) -> None:
        """Appends a record to stats.jsonl; NaN and infinity, which JSON lacks, become null.

        Raises:
            ResourceError: the disk is full; the file ends after its last whole record.
        """
        self._stats.append(record)

    def stats(self) -> list[dict[str, Any]]:
        """The records of stats.jsonl, lines that are damaged left out."""
        return self._stats.records()

    def log_score(self, record: dict[str, Any]) -> None:
        """Appends a record to scores.jsonl: {"step", "images", "seconds", "score": Score.to_json(), ...}; see ``log``."""
        self._scores.append(record)

    def scores(self) -> list[dict[str, Any]]:
        """The records of scores.jsonl, lines that are damaged left out."""
        return self._scores.records()

    def rewind_log(self, step: int) -> None:
        """Drops the records of steps after ``step``, and what a crash tore, so that a resumed run logs each step once."""
        self._stats.rewind(step)
        self._scores.rewind(step)

    def note_end(self, record: dict[str, Any]) -> None:
        """Writes ended.json: {"reason", "words", "step", "seconds"}; reasons: budget, asked, interrupted, diverged."""
        replace_file(self.path / ENDED, sealed({"schema": SCHEMA, **record}))

    def ended(self) -> dict[str, Any] | None:
        """Why training ended; None while it goes on, after a kill, and when that is not known."""
        try:
            record = unseal((self.path / ENDED).read_bytes())
        except OSError:
            return None
        return record

    # -- the model ------------------------------------------------------------------------------------------------------

    def write_model(self, method: Method, tensors: dict[str, Tensor], facts: dict[str, Any], name: str = "model") -> Path:
        """Writes the folder ``name`` that sampling needs, see ``ganvas.runs.model.write_model``."""
        return write_model(self.path / name, method, tensors, facts)
