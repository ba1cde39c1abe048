"""One training from the command line: builds what the flags name, follows it to its end, and says what came of it."""

from __future__ import annotations

import logging
import shlex
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from ganvas.cli import display, names
from ganvas.cli.flags import BudgetFlags, DataFlags, MachineFlags, RunFlags
from ganvas.cli.gallery import Gallery
from ganvas.cli.output import Output, speaks
from ganvas.cli.tensorboard import Board
from ganvas.data import Data, open_source
from ganvas.errors import Diverged, UsageError
from ganvas.evaluation.best import GROWTH, BestSnapshot
from ganvas.method import Method, MethodConfig
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.runs.durable import replace_file
from ganvas.training import Interrupted, Progress, train
from ganvas.training.auto import refuse_few
from ganvas.training.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Generator

Fitted = Callable[[Data], MethodConfig]
DEFAULT_MINUTES = 10.0
PAYS_FOR_LENET = 10.0
"""Minutes of training from which a minute for a feature network is well spent."""
ESTIMATE_SAMPLES = 1000


@dataclass(frozen=True)
class Training:
    """Everything that one training needs, be it new or a run that goes on. ``leaves`` are texts for its folder by file name."""

    method: Method
    data: Data
    run: Run
    budget: BudgetFlags
    machine: MachineFlags
    app: str = ""
    save_every: float = 60.0
    heal: int = 0
    score: str = "sliced"
    patience: float = 0.0
    resume: bool = False
    tensorboard: bool = False
    leaves: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a training came to: the last progress, and what to print."""

    progress: Progress
    document: dict[str, Any]
    shown: str


def begin(
    name: str,
    config: MethodConfig,
    data: DataFlags,
    budget: BudgetFlags,
    run: RunFlags,
    machine: MachineFlags,
    output: Output,
) -> None:
    """The command ``train METHOD``: starts a new run."""
    start(prepare(name, config, data, budget, run, machine, output), run, output)


def start(training: Training, run: RunFlags, output: Output) -> None:
    """Trains from the start, or with --dry-run says what would be done; and prints what came of it."""
    if run.dry_run:
        document, shown = plan(training)
        output.result(document, shown)
        return
    outcome = follow(training, output)
    output.result(outcome.document, outcome.shown)


def prepare(
    name: str, config: MethodConfig | Fitted, data: DataFlags, budget: BudgetFlags, run: RunFlags, machine: MachineFlags,
    output: Output, *, app: str = "", minutes: float = DEFAULT_MINUTES,
) -> Training:  # fmt: skip
    """Opens the data, builds the method and chooses the run's folder; writes nothing.

    Args:
        config: the method's settings, or a function of the data that says them.
        app: what the model is for.
        minutes: how long to train when no budget is given.

    Raises:
        UsageError: the folder is taken, or the method cannot do the data's shape. DataError: the data cannot be had, or there
            are too few pictures.
    """
    folder = None if run.run is None else names.folder_of(run.run)
    if folder is not None and (folder / "config.json").exists() and speaks():
        spoken, free = names.spoken(folder), names.spoken(names.free_like(folder))
        raise UsageError(f"run {spoken} exists already", f"`ganvas resume {spoken}` continues it, --run {free} is free")
    if budget.empty:
        budget = BudgetFlags(minutes=minutes)
        output.say(f"no --steps, --images or --minutes: training for {minutes:g} minutes")
    opened = open_source(data.data, **data.options())
    output.say(f"data: {describe(opened)}; from {opened.origin}; licence: {opened.licence}")
    method = build(name, config(opened) if callable(config) else config, opened, run.seed)
    if not method.translates:
        refuse_few(opened)
    called = opened.name.rpartition(":")[2] if app else opened.name  # a task says already what was done to the pictures
    place = Run(folder or names.free_name(app or name, called), seed=run.seed, keep=run.keep)
    return Training(
        method, opened, place, budget, machine, app=app, save_every=run.save_every, heal=run.heal,
        score=scored_by(run.score, method, opened, budget), patience=run.patience, tensorboard=run.tensorboard,
    )  # fmt: skip


def scored_by(word: str, method: Method, data: Data, budget: BudgetFlags) -> str:
    """What --score auto means: patches for a translator; else the LeNet's features where it fits and training is long enough to
    pay for its own, else sliced.

    An ImageNet network would cost more time on a CPU than training has.
    """
    if word != "auto":
        return word
    if method.translates:
        return "patches"
    from ganvas.metrics.networks.choice import suits

    return "lenet" if suits(data.spec) == "lenet" and (budget.minutes or 0) >= PAYS_FOR_LENET else "sliced"


def reload(name: str, budget: BudgetFlags, *, tensorboard: bool) -> Training:
    """A run that exists, ready to go on with the settings it was started with.

    Args:
        name: the run's name or path.
        budget: the new totals; those of the start when empty.

    Raises:
        ModelError: there is no such run.
        UsageError: the budget is spent already, the rates fell to zero, or the data is not the same.
    """
    run = Run(names.existing(name))
    config = run.config
    settings = config["training"]
    run = Run(run.path, seed=config["seed"], keep=settings.get("keep", 3))
    if budget.empty:
        budget = BudgetFlags(settings["steps"], settings["images"], settings["minutes"])
    checkpoint = run.load()
    last: dict[str, Any] = checkpoint.state if checkpoint else {"step": 0, "images": 0, "seconds": 0.0}
    reached = Budget(budget.steps, budget.images, budget.minutes).fraction(last["step"], last["images"], last["seconds"])
    if reached >= 1:
        had = f"{last['step']} steps, {last['images']} images, {last['seconds'] / 60:.1f} minutes"
        cause = f"run {names.spoken(run.path)} has spent its budget ({had})"
        raise UsageError(cause, "give a larger total, as in --minutes 60")
    schedule, over = config["config"].get("schedule", "constant"), config["config"].get("decay_images", 0)
    if schedule != "constant" and 0 < over <= last["images"]:
        cause = f"the learning rates of run {names.spoken(run.path)} fell to zero over its {over:,} images"
        raise UsageError(cause, "nothing would change any more; start a new run with a larger --decay-images")
    data = reopen(config)
    method = build(config["method"], METHODS[config["method"]].Config(**config["config"]), data, run.seed)
    machine = MachineFlags(settings["device"], settings["precision"], settings["threads"])
    return Training(
        method, data, run, budget, machine, app=settings.get("app", ""), save_every=settings["save_seconds"],
        heal=settings["heal"],
        score=settings.get("score", "sliced"), patience=settings.get("patience", 0.0), resume=True, tensorboard=tensorboard,
    )  # fmt: skip


def again(original: Run, folder: Path) -> Training:
    """A run's training once more from its start, to where it came, into ``folder``."""
    config = original.config
    settings = config["training"]
    step = original.steps()[-1] if original.steps() else 0
    if not step:
        raise UsageError(f"run {names.spoken(original.path)} has no steps to repeat", "resume it first")
    data = reopen(config)
    method = build(config["method"], METHODS[config["method"]].Config(**config["config"]), data, config["seed"])
    machine = MachineFlags(
        settings["device"], settings["precision"], settings["threads"], settings.get("micro_batch"),
        compile=settings.get("compiled", False), cuda_graphs=settings.get("cuda_graphs", False),
    )  # fmt: skip
    return Training(method, data, Run(folder, seed=config["seed"]), BudgetFlags(steps=step), machine, heal=settings["heal"])


def build(name: str, config: MethodConfig, data: Data, seed: int) -> Method:
    """The method for this data, its weights drawn from ``seed``."""
    torch.manual_seed(seed)
    return METHODS[name](config, data.spec)


def reopen(config: dict[str, Any]) -> Data:
    """The data of a run, from its config.

    Raises:
        UsageError: the run was trained on data that only a Python program had. DataError: it cannot be had any more.
    """
    recipe = config["data"].get("recipe")
    if not recipe:
        cause = f"the run was trained on {config['data'].get('name')}, which was made in Python"
        raise UsageError(cause, "continue it there with ganvas.train(..., resume=True)")
    data = open_source(**recipe)
    if data.fingerprint != config["data"]["fingerprint"]:
        raise UsageError(f"the data {data.name} changed since the run was trained on it", "put it back, or start a new run")
    return data


def describe(data: Data) -> str:
    """ "mnist, 60,000 samples of 1x28x28, 10 classes"."""
    shape = "x".join(str(n) for n in data.spec.shape)
    if data.spec.source is not None:
        source = "x".join(str(n) for n in data.spec.source)
        return f"{data.name}, {len(data):,} {'pairs' if data.spec.paired else 'pictures a domain'}, {source} to {shape}"
    count = f"{len(data):,} samples" if len(data) else "endless samples"
    kind = f"{count} of {shape}" if data.spec.is_image else f"{count}, points in {shape} dimensions"
    spec = data.spec
    labels = f", {len(spec.classes)} classes" if spec.classes else f", {len(spec.domains)} attributes" if spec.domains else ""
    labels = labels or ", no labels"
    return f"{data.name}, {kind}{labels}"


def place(training: Training) -> str:
    """Where it trains, in words: "cpu, fp32, 2 threads"."""
    from ganvas.training.precision import choose_autocast, choose_device

    device, spec = choose_device(training.machine.device), training.data.spec
    precision = training.machine.precision
    if training.resume and precision == "auto":
        precision = training.run.config["training"]["precision"]
    words = [str(device)]
    if device.type == "cuda":
        words = [f"{device}, {torch.cuda.get_device_name(device)}"]
    automatic = precision == "auto" and choose_autocast(precision, device, spec) is not None
    words.append("bf16" if precision == "bf16" or automatic else "fp32")
    if device.type == "cpu":
        threads = training.machine.threads or (torch.get_num_threads() if spec.is_image else 1)
        words.append(f"{threads} thread{'s' if threads > 1 else ''}")
    return ", ".join(words)


def plan(training: Training) -> tuple[dict[str, Any], str]:
    """What --dry-run shows."""
    from ganvas.training.precision import choose_device

    method = training.method
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in method.named_children()}
    players = {name: count for name, count in counts.items() if count}
    budget = {name: value for name, value in asdict(training.budget).items() if value is not None}
    document = {
        "run": str(training.run.path),
        "method": method.name,
        "config": asdict(method.config),
        "data": {"name": training.data.name, "samples": len(training.data), **training.data.spec.to_json()},
        "parameters": players,
        "budget": budget,
        "device": str(choose_device(training.machine.device)),
        "seed": training.run.seed,
    }
    sizes = ", ".join(f"{name} {count:,} parameters" for name, count in players.items())
    lengths = ", ".join(f"{value:,} {name}" for name, value in budget.items())
    lines = [
        f"would train {method.name} ({sizes})",
        f"on {describe(training.data)}",
        f"for {lengths} on {document['device']}, seed {training.run.seed}",
        f"into {training.run.path}",
    ]
    return document, "\n".join(lines)


def follow(training: Training, output: Output) -> Outcome:
    """Trains to the end of the budget: shows progress, draws samples on their schedule, and measures the critic at the end.

    Raises:
        Interrupted: a signal stopped it; the error names the command that continues it.
    """
    method, run, budget, machine = training.method, training.run, training.budget, training.machine
    output.say(f"on {place(training)}; seed {run.seed}")
    progresses = train(
        method, training.data, run, steps=budget.steps, images=budget.images, minutes=budget.minutes,
        device=machine.device, precision=machine.precision, threads=machine.threads, micro_batch=machine.micro_batch,
        compiled=machine.compile, cuda_graphs=machine.cuda_graphs,
        save_seconds=training.save_every, save_growth=GROWTH, heal=training.heal, resume=training.resume,
        remember={"score": training.score, "patience": training.patience} | ({"app": training.app} if training.app else {}),
    )  # fmt: skip
    if not speaks():
        (last,) = deque(progresses, maxlen=1)
        return Outcome(last, {}, "")
    progress, leaves = None, dict(training.leaves)
    try:
        with ExitStack() as stack:
            # Whatever happens below, the trainer saves and gives back the run's lock before the error goes on.
            stack.enter_context(closing(cast("Generator[Progress]", progresses)))
            view = stack.enter_context(display.choose(output, f"{method.name} on {training.data.name}: {run.path}"))
            gallery = Gallery(run, method, training.data, resume=training.resume)
            best = BestSnapshot(run, method, training.data, measure=training.score, patience=training.patience)
            board = stack.enter_context(Board(run.path)) if training.tensorboard else None
            for progress in progresses:
                while leaves:  # the folder exists from the first progress on
                    name, text = leaves.popitem()
                    replace_file(run.path / name, text.encode())
                view.show(progress)
                gallery.see(progress)
                best.see(progress)
                if board:
                    board.see(progress)
    except Interrupted as stop:
        # The engine knows the step, only the command line knows how the run is called.
        stop.args = (f"{stop.cause}: continue with `{resume_command(training)}`",)
        raise
    except Diverged:
        for line in report_lines(training, {}):
            output.say(line)
        raise
    assert progress is not None
    return conclude(training, progress, gallery)


def resume_command(training: Training) -> str:
    """The command that continues a training; a resumed one's new budget is in no file, so it is repeated."""
    budget = vars(training.budget).items() if training.resume else ()
    flags = [f"--{name} {value}" for name, value in budget if value is not None]
    return " ".join(["ganvas resume", names.spoken(training.run.path), *flags])


def conclude(training: Training, progress: Progress, gallery: Gallery) -> Outcome:
    """What a finished training prints: figures, where everything lies, and what to do next."""
    run, spoken = training.run, names.spoken(training.run.path)
    document: dict[str, Any] = {
        "run": str(run.path),
        "method": training.method.name,
        "data": training.data.name,
        "step": progress.step,
        "images": progress.images,
        "seconds": progress.seconds,
        "terms": progress.terms,
        "findings": [finding.to_json() for finding in progress.findings],
        "model": str(run.path / "model"),
        "samples": str(gallery.latest),
        "curves": str(gallery.curves) if gallery.curves else None,
    }
    lines = [
        f"trained {training.method.name} on {training.data.name}: {progress.step:,} steps, {progress.images:,} images, "
        f"{display.clock(progress.seconds)}",
        *(f"  {term}" for term in display.numbers(progress.terms)),
    ]
    estimate = measure(training, progress)
    if estimate is not None:
        document["wasserstein"] = estimate
        lines += words(estimate)
    document |= {"best": run.best, "scores": run.scores(), "ended": run.ended()}
    lines += course(document)
    lines += [
        f"doctor: {display.doctor(progress)}",
        f"samples   {gallery.latest}  (over time: {gallery.strip})",
        *([f"curves    {gallery.curves}"] if gallery.curves else []),
        f"model     {run.path / 'model'}",
        *report_lines(training, document),
        f"next      {next_command(training, spoken)}",
    ]
    return Outcome(progress, document, "\n".join(lines))


def next_command(training: Training, spoken: str) -> str:
    """What a user does with the model."""
    method = training.method
    if not method.translates:
        return f"ganvas sample {spoken} -n 64 -o grid.png"
    app = training.app or ("edit" if method.spec.attributes else "translate")
    names = method.spec.domains
    told = "" if not names else f" --{'set' if method.spec.attributes else 'to'} {shlex.quote(names[-1])}"
    return f"ganvas apply {app} {spoken} PICTURE -o result.png{told}"


def report_lines(training: Training, document: dict[str, Any]) -> list[str]:
    """Writes report.html and says where it lies. Training is done by now: a report that fails costs a warning, no more."""
    from ganvas.evaluation import report

    try:
        path, judgement = report.write(training.run.path, names.spoken(training.run.path), training.data)
    except Exception as error:  # whatever it is, the model and the record are whole without the report
        logging.getLogger("ganvas").warning("report.html was not written: %s: %s", type(error).__name__, error)
        return []
    document["report"], document["verdict"] = str(path), judgement.to_json()
    return [f"report    {path}  ({judgement.headline})"]


def course(document: dict[str, Any]) -> list[str]:
    """Best and last score, what real samples would have, and why training stopped."""
    shown, best, scores, ended = [], document["best"], document["scores"], document["ended"]
    if best and scores:
        last, floor = scores[-1], scores[-1].get("floor")
        real = "" if floor is None else f", real samples {floor:.4g}"
        shown.append(
            f"best      step {best['step']:,}: {best['score']['name']} {best['score']['value']:.4g} to held-out data "
            f"(last, at step {last['step']:,}: {last['score']['value']:.4g}{real})"
        )
    if ended and ended["reason"] == "asked":
        mend = "; --patience 0 goes on regardless" if "has not improved" in ended["words"] else ""
        shown.append(f"stopped   {ended['words']}{mend}")
    return shown


def measure(training: Training, progress: Progress) -> dict[str, Any] | None:
    """The critic's Wasserstein estimate between data and samples with its Lipschitz constant; None without such a critic."""
    critic = getattr(training.method, "critic", None)
    method = training.method
    if method.wasserstein_term is None or method.translates or not isinstance(critic, torch.nn.Module):
        return None
    from ganvas.runs.latents import draw
    from ganvas.transport import critic_estimate

    device = next(critic.parameters()).device
    real = training.data.real(ESTIMATE_SAMPLES).image
    config = training.method.config
    fake = progress.sample(draw(0, len(real), config.latent_size, seed=1, prior=config.prior))
    estimate = critic_estimate(critic, real.to(device), fake.to(device))
    return asdict(estimate) | {"bound": estimate.bound}


def words(estimate: dict[str, Any]) -> list[str]:
    """The estimate as it may be read: its sign, its slope, and what both say of the distance."""
    return [
        f"critic's Wasserstein estimate E[f(x)] - E[f(G(z))] = {estimate['value']:+.4g} ({display.SIGNED})",
        f"  its steepest slope is {estimate['lipschitz']:.4g} over {estimate['measured_on']}",
        f"  divided by it: {estimate['bound']:.4g}, a lower bound of the Wasserstein-1 distance between data and samples",
    ]
