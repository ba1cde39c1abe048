"""How far one set of samples is from another, with the floor that says how far is far, and what a critic makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.data import ArrayData, Data, folder, open_source
from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, ModelError, UsageError
from ganvas.evaluation.point_files import ENDINGS, read_points
from ganvas.evaluation.subject import Subject, against_of, folder_as_it_is, of_samples, subject_of, whole
from ganvas.examples.figures import Frame
from ganvas.examples.plans import plan_of_pictures, plan_of_points
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.transport import CriticEstimate, Distance, critic_estimate, distance, transport_plan
from ganvas.transport.distances import Method

FEWEST = 10
"""Samples of a side below which a distance says nothing of what they were drawn from."""


@dataclass(frozen=True)
class Side:
    """One of the two sets: ``samples`` are compared, ``halves`` are two disjoint samples of the same, for the floor."""

    name: str
    samples: Tensor
    halves: tuple[Tensor, Tensor]
    run: Path | None = None

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "count": len(self.samples), "shape": list(self.samples.shape[1:])}


@dataclass(frozen=True)
class Transported:
    """The distance between two sides.

    Args:
        a, b: the sides.
        distance: between their samples.
        floor: the same quantity between two disjoint samples of ``floor_of``: what sampling alone costs.
        critics: for each run with a Wasserstein critic, the step of its last checkpoint and the critic's estimate.
        seed: of all draws.
    """

    a: Side
    b: Side
    distance: Distance
    floor: Distance
    floor_of: str
    critics: dict[str, tuple[int, CriticEstimate]]
    seed: int

    def to_json(self) -> dict[str, Any]:
        critics = {
            name: {"step": step, "estimate_signed": found.value, "lipschitz": found.lipschitz, "w1_at_least": found.bound,
                   "measured_on": found.measured_on}
            for name, (step, found) in self.critics.items()
        }  # fmt: skip
        sides = {"a": self.a.to_json(), "b": self.b.to_json(), "units": self.units}
        floor = {"of": self.floor_of, **self.floor.to_json()}
        return {**sides, "distance": self.distance.to_json(), "floor": floor, "critics": critics, "seed": self.seed}

    @property
    def units(self) -> str:
        """What a distance of 1 is."""
        shape = tuple(self.a.samples.shape[1:])
        count = self.a.samples[0].numel()
        return f"Euclidean, over {count:,} pixel values in -1..1" if len(shape) == 3 else f"Euclidean, {count} coordinates"

    def __str__(self) -> str:
        found, floor = self.distance, self.floor
        lines = [
            f"{self.a.name} against {self.b.name}",
            f"distance  {found.value:.5g}  {found.quantity}; {found.a:,} against {found.b:,} samples",
            f"floor     {floor.value:.5g}  the same between two samples of {self.floor_of}, {floor.a:,} each"
            + ("" if floor.a >= min(found.a, found.b) else "; fewer, so it is higher than at the distance's counts"),
        ]
        if found.facts:
            lines.append("          " + ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in found.facts.items()))
        if floor.value > 0:
            lines.append(f"ratio     {found.value / floor.value:.3g}  distance over floor; 1 is as near as sampling can tell")
        for name, (step, critic) in self.critics.items():
            lines.append(f"critic    {critic.value:+.4g}  of {name} at step {step:,}: E[f(x)] - E[f(G(z))], signed")
            lines.append(f"          {critic.lipschitz:.4g}  its largest slope over {critic.measured_on}")
            lines.append(f"          {critic.bound:.4g}  their ratio: W1 is at least that, as far as the slope was found")
        return "\n".join([*lines, f"units     {self.units}; seed {self.seed}"])


def transported(
    a: str | Path, b: str | Path | None, *, order: int = 1, count: int = 1000, method: Method = "auto", seed: int = 0
) -> Transported:
    """W_p between samples of ``a`` and ``b``: each a run, model or folder (Path), a file of points, or a word of ``SOURCES``.

    Args:
        b: None for the data that the run ``a`` was trained on. Against a model, data is the held-out part where it is large
            enough for ``count`` and the floor.
        order, method: see ``ganvas.transport.distance``.
        count: samples a side, or as many as there are.
        seed: of the draws.

    Raises:
        UsageError: the sides differ in shape, or ``b`` is missing where ``a`` is no run.
        DataError, ModelError: a side cannot be read or has fewer than ``FEWEST`` samples.
        ResourceError: more samples than the method can do.
    """
    first, second = sides(a, b)
    here = drawn(first, count, 2 * seed)
    # Other randomness than the first side's: formulas of points would otherwise share their noise.
    there = drawn(second, count, 2 * seed + 1)
    if b is not None and a == b:
        here, there = replace(here, samples=here.halves[0]), replace(here, samples=here.halves[1])
    if here.samples.shape[1:] != there.samples.shape[1:]:
        shapes = " and ".join(f"{side.name} of {'x'.join(map(str, side.samples.shape[1:]))}" for side in (here, there))
        raise UsageError(f"the samples differ in shape: {shapes}", "bring both to one size, number of channels or dimension")
    found = distance(here.samples, there.samples, order, method=method, seed=seed)
    # Of the real side, where one is a model's: how far real data is from itself.
    reference = there if first.model is not None and second.model is None else here
    floor = distance(*reference.halves, order, method=found.method, seed=seed)  # type: ignore[arg-type]
    critics = {}
    for own, other in ((here, there), (there, here)):
        if own.run is not None and (judged := critic_of(own.run)) is not None:
            step, critic = judged
            critics[own.name] = (step, critic_estimate(critic, other.samples, own.samples, seed=seed))
    return Transported(here, there, found, floor, reference.name, critics, seed)


def sides(a: str | Path, b: str | Path | None) -> tuple[Subject, Subject]:
    """Both sides, data at the size of the model on the other side."""
    runs = [isinstance(word, Path) and is_model(word) for word in (a, b)]
    if b is None:
        if not runs[0]:
            raise UsageError(f"{a} stands alone", "name what to compare it with")
        model = subject_of(a)
        data = against_of(None, model)
        assert not isinstance(data, Tensor)
        return model, held_out(data)
    if runs[0] == runs[1]:
        return side_of(a), side_of(b)
    if runs[1]:
        second, first = sides(b, a)
        return first, second
    model = subject_of(a)
    assert model.model is not None
    return model, side_of(b, model.model.spec)


def is_model(path: Path) -> bool:
    """Whether it is a run or model, and no file of points and no folder of pictures."""
    if path.is_dir():
        return any((path / own).exists() for own in ("config.json", "model.json"))
    return path.suffix.lower() not in ENDINGS


def side_of(word: str | Path, like: Spec | None = None) -> Subject:
    """A side by its word or path; ``like`` is what the model on the other side makes: data for it is its held-out part."""
    path = Path(word)
    if path.suffix.lower() in ENDINGS:
        return of_samples(Images(read_points(path)), str(word))
    if isinstance(word, Path):
        if is_model(word):
            return subject_of(word)
        if like is not None and like.is_image:
            return held_out(folder(word, size=(like.shape[1], like.shape[2]), channels=like.shape[0]))
        return named(whole(folder_as_it_is(word)), str(word))
    data = open_source(word)
    return held_out(data) if like is not None else named(data, word)


def named(data: Data, name: str) -> Subject:
    return replace(subject_of(data), name=name)


def held_out(data: Data) -> Subject:
    """The part that training did not see, where there is one of 2 x ``FEWEST`` samples or more."""
    try:
        part = data.held_out()
    except UsageError:
        return subject_of(data)
    if isinstance(part, ArrayData) and len(part) < 2 * FEWEST:
        return named(data, f"{data.name} (what it was trained on)")
    return named(part, data.name if "held out" in data.name else f"{data.name} (held out)")


def drawn(subject: Subject, count: int, seed: int) -> Side:
    """``count`` samples of a side and two disjoint ones for its floor.

    Raises:
        DataError: there are fewer than ``FEWEST``.
    """
    if (subject.count and subject.count < FEWEST) or count < FEWEST:
        there = min(subject.count or count, count)
        raise DataError(f"{there} samples of {subject.name} are too few for a distance", f"give {FEWEST} or more")
    samples = subject.draw(2 * count, seed, None).image
    half = min(count, len(samples) // 2)
    return Side(subject.name, samples[:count], (samples[:half], samples[half : 2 * half]), subject.run)


def critic_of(folder: Path) -> tuple[int, nn.Module] | None:
    """Step and critic of a run's last checkpoint; None where the method has no Wasserstein critic or nothing was saved.

    Raises:
        ModelError: the checkpoint is not that of the run's config.
    """
    run = Run(folder)
    config = run.config
    kind = METHODS.get(config["method"])
    if kind is None or kind.wasserstein_term is None or (checkpoint := run.load()) is None:
        return None
    player = kind.wasserstein_term.partition("/")[0]
    with torch.random.fork_rng(devices=[]):  # the weights drawn here are replaced
        critic = kind(kind.Config(**config["config"]), Spec.from_json(config["spec"])).get_submodule(player)
    prefix = f"method.{player}."
    own = {key.removeprefix(prefix): value for key, value in checkpoint.tensors.items() if key.startswith(prefix)}
    try:
        critic.load_state_dict(own)
    except RuntimeError as error:
        raise ModelError(f"the critic in {folder} is not that of its config", "train the run again") from error
    return checkpoint.step, critic.eval()


def plan_figure(found: Transported) -> bytes:
    """The PNG of the optimal plan between the two sides' samples.

    Raises:
        UsageError: the distance was not an exact one, so that there is no plan.
    """
    if not found.distance.exact:
        raise UsageError(f"a {found.distance.method} distance has no plan to draw", "use --method exact, or leave --figure out")
    a, b, order = found.a.samples, found.b.samples, found.distance.order
    plan = transport_plan(a, b, order)
    frame = Frame(
        f"The optimal plan, W{order} = {plan.distance:.4g}",
        f"{found.a.name} ({len(a):,}) to {found.b.name} ({len(b):,}); floor {found.floor.value:.3g}",
        f"Exact, network simplex; {found.units}; seed {found.seed}",
    )
    draw = plan_of_pictures if a.dim() == 4 else plan_of_points
    return draw(frame, a, b, plan, (found.a.name, found.b.name))
