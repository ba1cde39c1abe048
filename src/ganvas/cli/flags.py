"""The flags of training, grouped as the help shows them; the method's own come from its Config dataclass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from ganvas.cli.settings import ConfigFile, PresetName
from ganvas.errors import UsageError


def finite(kind: type, value: Any) -> None:
    """Refuses NaN and infinities, which a comparison with a bound would let pass."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Must be a finite number.")


def positive(kind: type, value: Any) -> None:
    finite(kind, value)
    if isinstance(value, int | float) and value <= 0:
        raise ValueError("Must be above 0.")


def at_least_0(kind: type, value: Any) -> None:
    finite(kind, value)
    if isinstance(value, int | float) and value < 0:
        raise ValueError("Must be at least 0.")


def not_negative(kind: type, value: int) -> None:
    if not 0 <= value < 2**63:
        raise ValueError("Must be at least 0.")


Count = Annotated[int | None, Parameter(validator=positive)]
Amount = Annotated[float | None, Parameter(validator=positive)]


@dataclass(frozen=True)
class DataFlags:
    """What to learn from.

    Args:
        data: mnist, mnist:3 (one digit), fashion-mnist, points:ring, faces:surprised, hf:NAME, wds:PATTERN or a folder of
            pictures; for translation paired:FOLDER, unpaired:FOLDER, degraded:noise:FOLDER; `ganvas data list` shows all.
        size: pixels of a side, or HEIGHTxWIDTH, to which pictures are brought; by default 28 if all are 28x28,
            else the power of two from 8 to 64 that fits most of them.
        fit: how pictures of another shape are brought to the size.
        channels: 1 for grey, 3 for colour; by default what the pictures have.
        only: classes to keep, by name or number, separated by commas.
        labels: a CSV file of file name and label; by default sub-folders are the labels.
        mirror: flip half of the pictures left to right, at random.
        strict: refuse data with a file that cannot be read, instead of skipping and counting it.
        max_bad: the share of files that may be unreadable, 0 to 1; 0.05 by default.
        count: how many faces or shapes to draw.
        root: a folder with MNIST's own four files, for mnist and fashion-mnist.
        split: of a Hugging Face data set.
        source_channels: of the pictures that a translation starts from; --channels are then those that it leads to.
        direction: of paired:FOLDER: whether A/ (or the left half) is the source, or B/.
        held_damage: of degraded:KIND:SOURCE: the kinds of damage that held-out pictures suffer, when they shall be others.
    """

    data: str
    size: str | None = None
    fit: Literal["crop", "pad", "stretch"] | None = None
    channels: Count = None
    only: str | None = None
    labels: Path | None = None
    mirror: Annotated[bool, Parameter(negative="")] = False
    strict: Annotated[bool, Parameter(negative="")] = False
    max_bad: Annotated[float | None, Parameter(validator=finite)] = None
    count: Count = None
    root: Path | None = None
    split: str | None = None
    source_channels: Count = None
    direction: Literal["a-to-b", "b-to-a"] | None = None
    held_damage: str | None = None

    def options(self) -> dict[str, Any]:
        """What ``open_source`` takes beside the source: those that were given."""
        given = {
            name: value for name, value in vars(self).items() if name != "data" and value is not None and value is not False
        }
        return given | ({"size": size_of(self.size)} if self.size is not None else {})


def size_of(text: str) -> int | tuple[int, int]:
    """ "64" -> 64, "64x48" -> (64, 48), height first."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 100_000 for part in parts):
        raise UsageError(f"--size {text} is no size", "give pixels, as in 64, or HEIGHTxWIDTH, as in 64x48")
    sides = [int(part) for part in parts]
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


@dataclass(frozen=True)
class TaskFlags:
    """What a task leaves to choose; everything else its recipe says. `ganvas train METHOD` has all settings.

    Args:
        width: channels of the narrowest layer: wider is better and slower; 64 is the papers'.
        batch_size: pictures an update; less where memory is short.
    """

    width: Count = None
    batch_size: Count = None


@dataclass(frozen=True)
class BudgetFlags:
    """How long to train: what ends first, in totals since the start of the run. 10 minutes when nothing is given.

    Args:
        steps: generator steps.
        images: real images that the generator's steps have seen.
        minutes: minutes of wall-clock time.
    """

    steps: Count = None
    images: Count = None
    minutes: Amount = None

    @property
    def empty(self) -> bool:
        return self.steps is None and self.images is None and self.minutes is None


@dataclass(frozen=True)
class RunFlags:
    """Where everything is kept, and how often.

    Args:
        run: a name (below runs/) or a path; by default runs/METHOD-DATA-NNN.
        seed: of all randomness: weights, order of the data, latents.
        save_every: seconds between checkpoints.
        keep: how many of the last checkpoints stay, beside the best.
        heal: how often divergence is answered by going back to the last good state with half the learning rates (3 is
            sensible); above 0 also gives an under-trained critic more steps, and an overfitting one more augmentation.
        score: what finds the best snapshot: sliced (Wasserstein distance of pixels or points), patches (of translators: how
            near they come, and whether that goes with their input), or the Frechet distance of a feature network: lenet,
            efficientnet, inception, dinov2, clip, each also as NETWORK:WEIGHTS; auto takes patches for translators, lenet for
            small labelled pictures in trainings of 10 minutes or more, else sliced.
        patience: stop once training has gone on for so many times as long as it took to get to the last improvement of the
            score, without another; 0 never.
        tensorboard: write TensorBoard event files too (needs ganvas[tensorboard]).
        dry_run: say what would be done, and do nothing.
        preset: a recipe that comes with ganvas, or a TOML file whose keys are flags.
        config: a TOML file with a table [train] or [train.METHOD]; by default ganvas.toml, where there is one.
    """

    run: str | None = None
    seed: Annotated[int, Parameter(validator=not_negative)] = 0
    save_every: Annotated[float, Parameter(validator=positive)] = 60.0
    keep: Annotated[int, Parameter(validator=positive)] = 3
    heal: Annotated[int, Parameter(validator=not_negative)] = 0
    score: str = "auto"
    patience: Annotated[float, Parameter(validator=at_least_0)] = 4.0
    tensorboard: Annotated[bool, Parameter(negative="")] = False
    dry_run: Annotated[bool, Parameter(negative="")] = False
    preset: PresetName = None
    config: ConfigFile = None


@dataclass(frozen=True)
class MachineFlags:
    """What to train on.

    Args:
        device: auto (cuda > mps > cpu), cpu, cuda, cuda:1 or mps.
        precision: fp32, bf16 (autocast, weights stay fp32), or auto: bf16 for pictures on a GPU that has it.
        threads: CPU threads; a run repeats bit for bit at the same number only.
        micro_batch: samples of a batch that an update takes at a time, its gradients added up; by default the whole batch,
            and half as many whenever memory runs out.
        compile: put the losses through torch.compile; it takes minutes to begin, for long trainings on a GPU.
        cuda_graphs: record the compiled losses as CUDA graphs, too: for small networks on a CUDA GPU.
    """

    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: Count = None
    micro_batch: Count = None
    compile: Annotated[bool, Parameter(negative="")] = False
    cuda_graphs: Annotated[bool, Parameter(negative="")] = False


DataGroup = Annotated[DataFlags, Parameter(name="*", group=Group("Data", sort_key=1))]
BudgetGroup = Annotated[BudgetFlags, Parameter(name="*", group=Group("Budget", sort_key=2))]
RunGroup = Annotated[RunFlags, Parameter(name="*", group=Group("Run", sort_key=3))]
MachineGroup = Annotated[MachineFlags, Parameter(name="*", group=Group("Machine", sort_key=5))]
NO_BUDGET = BudgetFlags()
METHOD_GROUP = Group("Method", sort_key=4)
TASK_GROUP = Group("Task", sort_key=0)
TaskGroup = Annotated[TaskFlags, Parameter(name="*", group=TASK_GROUP)]
