"""Row D3's checks: what every method must do that is what its paper says. Each takes a second or a few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.data import ArrayData, Data, points
from ganvas.data.batches import Images, Spec
from ganvas.errors import GanvasError
from ganvas.evaluation.accept.closed_forms import CLOSED_FORMS, worst_error
from ganvas.method import Method, Terms
from ganvas.objectives.penalties import gradient_squared_norm, interpolate
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

Cast = Mapping[str, type[Method]]
"""The method that plays each name."""
CPU = torch.device("cpu")
SMALL = Spec((1, 8, 8))
MILD: dict[str, dict[str, float]] = {"wgan-gp": {"penalty": 0.1}, "r3gan": {"gamma": 0.1}, "cgan": {}}
"""Weak penalties where the objective's own direction is looked at: on points the usual ones outweigh it at first."""


class Check(NamedTuple):
    """Whether something holds, and the methods that it plays."""

    holds: Callable[[Cast, int], bool]
    plays: tuple[str, ...]


def answer(check: Check, cast: Cast, seed: int) -> bool:
    """The check's answer; a fault that stops the program is caught too."""
    try:
        return check.holds(cast, seed)
    except (RuntimeError, GanvasError):
        return False


def engine_of(kind: type[Method], data: Data | Spec, seed: int, **settings: Any) -> Engine:
    torch.manual_seed(seed)
    spec = data if isinstance(data, Spec) else data.spec
    method = kind(kind.Config(**settings), spec)
    return Engine(method, device=CPU, autocast=None, seed=seed, ranks=Ranks(CPU))


def critic_of(method: Method) -> nn.Module:
    return method.get_submodule("critic" if hasattr(method, "critic") else "discriminator")


def objectives(cast: Cast, seed: int) -> bool:
    """Every objective's value and gradient are those of its closed form."""
    scores = np.random.default_rng(seed).normal(0, 2, (2, 64))
    return all(worst_error(name, scores[0], scores[1]) <= 1e-6 for name in CLOSED_FORMS)


def watched_steps(
    cast: Cast, seed: int, see: Callable[[Engine, str, tuple[Any, ...], Callable[[], None]], None], steps: int = 3
) -> None:
    """Plays a few steps of each method on a ring of points, every update handed to ``see`` to be done and looked at."""
    ring = points("ring")
    for name in cast:
        engine = engine_of(cast[name], ring, seed, width=32, batch_size=64, learning_rate=1e-3, **MILD[name])
        stream = ring.stream(64, seed=seed)

        def watch(player: str, loss: Callable[..., Terms], *arguments: Any, engine: Engine = engine) -> None:
            see(engine, player, arguments, lambda: engine.update(player, loss, *arguments))

        for step in range(steps):
            engine.method.train_step(step, stream, watch)


def directions(cast: Cast, seed: int) -> bool:
    """The critic's updates part real from fake, and the generator's updates raise the critic's word on its samples."""
    gains: dict[tuple[str, str], float] = {}

    def see(engine: Engine, player: str, arguments: tuple[Any, ...], update: Callable[[], None]) -> None:
        method = engine.method
        before = word_on(method, player, arguments, seed)
        update()
        key = (method.name, player)
        gains[key] = gains.get(key, 0.0) + word_on(method, player, arguments, seed) - before

    watched_steps(cast, seed, see, steps=10)
    return min(gains.values()) > 0


@torch.no_grad()
def word_on(method: Method, player: str, arguments: tuple[Any, ...], seed: int) -> float:
    """What a player wants large: how far the critic parts the batch, or how it likes samples of fixed latents."""
    critic = critic_of(method)
    labels = [a for a in arguments if a.dtype == torch.int64]
    if player != "generator":
        real, fake = arguments[:2]
        return float(critic(real, *labels).mean() - critic(fake, *labels).mean())
    count = len(arguments[0])
    latent = torch.randn(count, method.config.latent_size, generator=torch.Generator().manual_seed(seed))
    return float(critic(method.sample(latent, *labels), *labels).mean())


def apart(cast: Cast, seed: int) -> bool:
    """An update moves its own player alone, and no fake that the critic is handed hangs on the generator."""
    broken: list[str] = []

    def see(engine: Engine, player: str, arguments: tuple[Any, ...], update: Callable[[], None]) -> None:
        method = engine.method
        other = critic_of(method) if player == "generator" else method.generator
        if player != "generator" and any(a.requires_grad for a in arguments):
            broken.append("attached")
        before = [weight.detach().clone() for weight in other.parameters()]
        update()
        if not all(torch.equal(a, b) for a, b in zip(before, other.parameters(), strict=True)):
            broken.append(player)

    watched_steps(cast, seed, see, steps=2)
    return not broken


def penalties(cast: Cast, seed: int) -> bool:
    """On a linear critic of slope 5 the whole loss is known: -W + 10 (5 - 1)^2, and softplus terms + 1/2 (25 + 25)."""
    torch.manual_seed(seed)
    real, fake = torch.randn(64, 2), torch.randn(64, 2) + 1
    slope = nn.Linear(2, 1, bias=False)
    linear = nn.Sequential(slope, nn.Flatten(0))
    with torch.no_grad():
        slope.weight.copy_(torch.tensor([[3.0, 4.0]]))
        on_real, on_fake = linear(real), linear(fake)
        expected = {
            "wgan-gp": float(on_fake.mean() - on_real.mean()) + 10 * 16,
            "r3gan": float(nn.functional.softplus(on_fake - on_real).mean()) + 25,
        }
    errors = []
    for name, value in expected.items():
        method = cast[name](cast[name].Config(width=8), Spec((2,)))
        player = "critic" if name == "wgan-gp" else "discriminator"
        setattr(method, player, linear)
        terms = getattr(method, f"{player}_loss")(real, fake)
        total = sum(float(term.detach()) for term in terms.values())
        errors.append(abs(total - value) / value)
    return max(errors) <= 1e-4


def overshoot(cast: Cast, seed: int, steps: int = 500) -> bool:
    """Between two distributions 2 apart the trained critic's slope is 1 + 2 / (2 lambda) = 2 at lambda 1, within 15 %."""
    engine = engine_of(cast["wgan-gp"], Spec((2,)), seed, penalty=1.0, learning_rate=4e-3, width=32)
    loss: Callable[..., Terms] = engine.method.critic_loss
    shift = torch.tensor([2.0, 0.0])
    for _ in range(steps):
        real = torch.randn(128, 2)
        engine.update("critic", loss, real, real - shift)
    real = torch.randn(1024, 2)
    critic = critic_of(engine.method).eval()
    slope = gradient_squared_norm(critic, interpolate(real, real - shift)).sqrt().mean()
    return abs(slope.item() / 2 - 1) <= 0.15


def alone(cast: Cast, seed: int) -> bool:
    """A penalised critic's word on a sample does not depend on the rest of its batch, on points and on pictures."""
    errors = []
    for name in ("wgan-gp", "r3gan"):
        for spec in (Spec((2,)), SMALL):
            critic = critic_of(engine_of(cast[name], spec, seed, width=8).method)
            batch = torch.randn(16, *spec.shape)
            with torch.no_grad():
                together, by_itself = critic(batch)[:4], critic(batch[:4])
            errors.append(float((together - by_itself).abs().max() / together.abs().max()))
    return max(errors) <= 1e-4


def brightness(cast: Cast, seed: int, steps: int = 250) -> bool:
    """Generated pictures become as bright as the data's, within 0.16 of a range of 2."""
    pixels = np.random.default_rng(seed).normal(70, 10, (512, 1, 1, 1)) + np.linspace(-30, 30, 64).reshape(1, 1, 8, 8)
    data = ArrayData(torch.from_numpy(pixels.clip(0, 255)).to(torch.uint8))
    engine = engine_of(cast["r3gan"], data, seed, width=8, latent_size=8, batch_size=32, learning_rate=2e-3)
    made = after_training(engine, data, steps, 512)
    return abs(float(made.mean() - data.real(512).image.mean())) <= 0.16


def obedience(cast: Cast, seed: int, steps: int = 600) -> bool:
    """Conditional samples lie nearest to the mode that was asked for, nine in ten."""
    data = points("ring", modes=4, sigma=0.2)
    engine = engine_of(cast["cgan"], data, seed, width=32, latent_size=4, batch_size=64, learning_rate=2e-3)
    asked = torch.arange(400) % 4
    made = after_training(engine, data, steps, 400, asked)
    assert data.modes is not None
    nearest = torch.cdist(made, data.modes).argmin(1)
    return float((nearest == asked).float().mean()) >= 0.9


@torch.no_grad()
def drawn(method: Method, count: int, seed: int, label: Tensor | None) -> Tensor:
    latent = torch.randn(count, method.config.latent_size, generator=torch.Generator().manual_seed(seed))
    method.eval()
    return method.sample(latent, label)


def after_training(engine: Engine, data: Data, steps: int, count: int, label: Tensor | None = None) -> Tensor:
    """Samples of fixed latents after that many steps."""
    stream: Iterator[Images] = data.stream(engine.method.config.batch_size, seed=engine.seed)
    for step in range(steps):
        engine.step(step, stream)
    return drawn(engine.method, count, engine.seed + 1, label)


CHECKS = {
    "closed forms": Check(objectives, ()),
    "directions": Check(directions, ("wgan-gp", "r3gan", "cgan")),
    "players apart": Check(apart, ("wgan-gp", "r3gan", "cgan")),
    "penalty's value": Check(penalties, ("wgan-gp", "r3gan")),
    "overshoot law": Check(overshoot, ("wgan-gp",)),
    "each sample alone": Check(alone, ("wgan-gp", "r3gan")),
    "brightness": Check(brightness, ("r3gan",)),
    "labels obeyed": Check(obedience, ("cgan",)),
}
"""The checks by name."""
