"""Row D3: methods with one planted fault each, made from the real code, which the checks must tell from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.evaluation.accept import mutant_checks
from ganvas.evaluation.accept.mutant_checks import CHECKS, Cast
from ganvas.evaluation.accept.rows import Outcome
from ganvas.method import Method, Terms, Update
from ganvas.methods import CGAN, R3GAN, WGANGP, cgan, wgan_gp
from ganvas.networks.dcgan import DCGANDiscriminator
from ganvas.objectives import adversarial

REAL: Cast = {"wgan-gp": WGANGP, "r3gan": R3GAN, "cgan": CGAN}


class NoPenalty(WGANGP):
    """lambda is 0, whatever the settings say."""

    def __init__(self, config: Any, spec: Spec) -> None:
        super().__init__(replace(config, penalty=0.0), spec)


class BatchNormCritic(WGANGP):
    """The critic normalises over the batch, so that a sample's slope is not its own."""

    def __init__(self, config: Any, spec: Spec) -> None:
        super().__init__(config, spec)
        if spec.is_image:
            self.critic = DCGANDiscriminator(spec, width=config.width, batch_norm=True)
        else:
            (size,) = spec.shape
            self.critic = nn.Sequential(
                nn.Linear(size, 32), nn.BatchNorm1d(32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Flatten(0)
            )


class AttachedFakes(CGAN):
    """The discriminator's update is handed fakes that still hang on the generator."""

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        real, label = next(batches)
        update("discriminator", self.discriminator_loss, real, self.generator(self.latent(len(real)), label), label)
        update("generator", self.generator_loss, self.generator(self.latent(len(real)), label), label)


class CriticTrainsGenerator(AttachedFakes):
    """Moreover the discriminator's optimiser holds the generator's weights."""

    def optimizers(self) -> dict[str, Optimizer]:
        both = [*self.discriminator.parameters(), *self.generator.parameters()]
        return {**super().optimizers(), "discriminator": Adam(both, self.config.learning_rate)}


class GeneratorTrainsCritic(R3GAN):
    """The generator's optimiser holds the discriminator's weights, which then learn to like the fakes."""

    def optimizers(self) -> dict[str, Optimizer]:
        both = [*self.generator.parameters(), *self.discriminator.parameters()]
        return {**super().optimizers(), "generator": Adam(both, self.config.learning_rate)}


class BrightReals(R3GAN):
    """Half of the real pictures are brightened before the discriminator sees them, and no fakes: the change leaks."""

    def brighten(self, pictures: Tensor) -> Tensor:
        chosen = torch.rand(len(pictures), 1, 1, 1) < 0.5
        return pictures + 0.6 * chosen if self.spec.is_image else pictures

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        return super().discriminator_loss(self.brighten(real), fake, label)

    def generator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        return super().generator_loss(self.brighten(real), fake, label)


class BrightBoth(BrightReals):
    """The same augmentation done right, on both: no mutant, and every check must pass it."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        return super().discriminator_loss(real, self.brighten(fake), label)

    def generator_loss(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Terms:
        return super().generator_loss(real, self.brighten(fake), label)


class SwappedLabels(CGAN):
    """Real samples are shown to the discriminator under the next class's label."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, label: Tensor) -> Terms:
        wrong = (label + 1) % len(self.spec.classes)
        return {"minimax": adversarial.minimax_critic(self.discriminator(real, wrong), self.discriminator(fake, label))}


class ShuffledLabels(CGAN):
    """The batch's labels are in another order than its samples."""

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        batch = next(batches)
        assert batch.label is not None
        super().train_step(step, iter([Images(batch.image, batch.label.roll(1))]), update)


def minus(objective: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *scores: -objective(*scores)


@dataclass(frozen=True)
class Mutant:
    """A fault: methods that take the place of real ones, and functions that take the place of a module's.

    ``harmless`` marks a control, which every check must pass.
    """

    name: str
    methods: Mapping[str, type[Method]]
    functions: tuple[tuple[ModuleType, str], ...] = ()
    harmless: bool = False

    @contextmanager
    def planted(self) -> Iterator[Cast]:
        """The cast with the fault in it; functions are put back at the end."""
        with ExitStack() as stack:
            for module, name in self.functions:
                original = getattr(module, name)
                setattr(module, name, minus(original))
                stack.callback(setattr, module, name, original)
            yield {**REAL, **self.methods}


MUTANTS = (
    Mutant("flipped sign, critic", {}, ((adversarial, "wasserstein_critic"), (wgan_gp, "wasserstein_critic"))),
    Mutant("flipped sign, generator", {}, ((adversarial, "non_saturating_generator"), (cgan, "non_saturating_generator"))),
    Mutant("missing detach", {"cgan": AttachedFakes}),
    Mutant("critic trains generator", {"cgan": CriticTrainsGenerator}),
    Mutant("generator trains critic", {"r3gan": GeneratorTrainsCritic}),
    Mutant("lambda 0", {"wgan-gp": NoPenalty}),
    Mutant("batch norm in the critic", {"wgan-gp": BatchNormCritic}),
    Mutant("augmentation on reals only", {"r3gan": BrightReals}),
    Mutant("augmentation on both (no fault)", {"r3gan": BrightBoth}, harmless=True),
    Mutant("swapped labels", {"cgan": SwappedLabels}),
    Mutant("shuffled labels", {"cgan": ShuffledLabels}),
)


def planted_faults(seed: int) -> Outcome:
    """D3: every check passes the real code, and every mutant fails at least one."""
    with torch.random.fork_rng(devices=[]):
        healthy = {name: mutant_checks.answer(check, REAL, seed) for name, check in CHECKS.items()}
        table = {mutant.name: verdicts(mutant, healthy, seed) for mutant in MUTANTS}
    caught = {name: [check for check, passed in row.items() if not passed] for name, row in table.items()}
    faulty = [mutant.name for mutant in MUTANTS if not mutant.harmless]
    false_alarms = [name for name, passed in healthy.items() if not passed]
    false_alarms += [f"{name} ({', '.join(caught[name])})" for name in caught if name not in faulty and caught[name]]
    missed = [name for name in faulty if not caught[name]]
    words = "; ".join(f"{name}: {', '.join(caught[name]) or 'MISSED'}" for name in faulty)
    alarms = f"false alarms: {', '.join(false_alarms)}" if false_alarms else "no false alarm"
    measured = f"{len(faulty) - len(missed)} of {len(faulty)} caught, {alarms}. {words}"
    return Outcome(not missed and not false_alarms, measured, {"real code": healthy, **table})


def verdicts(mutant: Mutant, healthy: dict[str, bool], seed: int) -> dict[str, bool]:
    """Each check's answer on a mutant; that on the real code where the fault cannot reach what the check plays."""
    with mutant.planted() as cast:
        found = {}
        for name, check in CHECKS.items():
            reached = bool(mutant.functions) or any(method in check.plays for method in mutant.methods)
            found[name] = mutant_checks.answer(check, cast, seed) if reached else healthy[name]
        return found
