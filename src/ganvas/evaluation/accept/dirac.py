"""Row A5: DiracGAN (Mescheder et al. 2018, definition 2.1).

Real data is the point 0, the generator the point theta, D(x) = psi x. With f' the slope of the objective at 0 (1/2 for minimax,
1 for Wasserstein) the players' simultaneous gradient flow has the Jacobian [[0, f'], [-f', -gamma]] in (theta, psi) at its
equilibrium (0, 0), with eigenvalues -gamma/2 +- sqrt(gamma^2/4 - f'^2): plus or minus i f' without penalty, so that nothing
converges, and of negative real part with R1 or R2, for which |grad D|^2 = psi^2 everywhere. A gradient penalty towards 1
leaves (0, 0) no equilibrium at all: on psi > 0 the flow is theta'' + 2 lambda theta' + theta = 2 lambda, which rests at
theta = 2 lambda. Simultaneous gradient steps of size h multiply an eigendirection by 1 + h mu a step: their rate is
log|1 + h mu| / h.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.evaluation.accept.rows import Outcome
from ganvas.objectives import adversarial, penalties

Discriminator = Callable[[Tensor], Tensor]
Loss = Callable[[Discriminator, Tensor, Tensor], Tensor]
"""(D, real (1, 1), fake (1, 1)) -> a scalar."""

EQUILIBRIUM = (0.0, 0.0)
WEIGHT = 10.0
"""lambda of the gradient penalty towards 1."""
CLIP = 1.0


@dataclass(frozen=True)
class Game:
    """One training rule on the DiracGAN and what analysis says of it.

    Args:
        critic: what psi descends; ``generator`` what theta descends.
        eigenvalue: the flow's eigenvalue with the largest real part.
        rest: the (theta, psi) around which it is linearised.
        radius: distance from ``rest`` at the start.
        converges: whether it goes to the equilibrium (0, 0).
        clip: bound of psi, if any.
        h: step size. time: how long to follow it.
    """

    critic: Loss
    generator: Loss
    eigenvalue: complex
    converges: bool
    rest: tuple[float, float] = EQUILIBRIUM
    radius: float = 1e-3
    clip: float | None = None
    h: float = 0.05
    time: float = 40.0


def minimax(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    return adversarial.minimax_critic(critic(real), critic(fake))


def minimax_forger(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    return adversarial.minimax_generator(critic(fake))


def wasserstein(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    return adversarial.wasserstein_critic(critic(real), critic(fake))


def wasserstein_forger(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    return adversarial.wasserstein_generator(critic(fake))


def penalised(gamma: float, on_fakes: bool = False) -> Loss:
    """Minimax with gamma / 2 R1, or R2."""

    def loss(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        penalty = penalties.r2(critic, fake) if on_fakes else penalties.r1(critic, real)
        return minimax(critic, real, fake) + gamma / 2 * penalty

    return loss


def towards_one(critic: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    return wasserstein(critic, real, fake) + WEIGHT * penalties.gradient_penalty(critic, real, fake)


def slowest(gamma: float, slope: float) -> complex:
    """-gamma/2 + sqrt(gamma^2/4 - f'^2)."""
    return -gamma / 2 + cmath.sqrt(gamma**2 / 4 - slope**2)


GAMES: dict[str, Game] = {
    "minimax": Game(minimax, minimax_forger, slowest(0, 0.5), converges=False),
    "R1 gamma 3": Game(penalised(3), minimax_forger, slowest(3, 0.5), converges=True),
    "R1 gamma 0.3": Game(penalised(0.3), minimax_forger, slowest(0.3, 0.5), converges=True),
    "R2 gamma 3": Game(penalised(3, on_fakes=True), minimax_forger, slowest(3, 0.5), converges=True),
    "R2 gamma 0.3": Game(penalised(0.3, on_fakes=True), minimax_forger, slowest(0.3, 0.5), converges=True),
    # Twice lambda, because the gradient of lambda (|psi| - 1)^2 is 2 lambda (|psi| - 1).
    "penalty at 1": Game(
        towards_one, wasserstein_forger, slowest(2 * WEIGHT, 1.0), converges=False, rest=(2 * WEIGHT, 0.0), radius=1.0
    ),
    "clipping": Game(wasserstein, wasserstein_forger, slowest(0, 1.0), converges=False, clip=CLIP),
}


def follow(game: Game, angle: float, centre: tuple[float, float]) -> list[tuple[float, float]]:
    """The states (theta, psi) of simultaneous gradient steps, from ``game.radius`` off ``centre`` at ``angle``."""
    theta = torch.tensor([[centre[0] + game.radius * math.cos(angle)]], dtype=torch.float64)
    psi = torch.tensor(centre[1] + game.radius * math.sin(angle), dtype=torch.float64)
    real = torch.zeros(1, 1, dtype=torch.float64)
    states = [(theta.item(), psi.item())]
    for _ in range(round(game.time / game.h)):
        theta.requires_grad_(True)
        psi.requires_grad_(True)

        def discriminator(x: Tensor, slope: Tensor = psi) -> Tensor:
            return (slope * x).squeeze(1)

        (down,) = torch.autograd.grad(game.generator(discriminator, real, theta), theta)
        (psi_down,) = torch.autograd.grad(game.critic(discriminator, real, theta.detach()), psi)
        theta, psi = theta.detach() - game.h * down, psi.detach() - game.h * psi_down
        if game.clip is not None:
            psi.clamp_(-game.clip, game.clip)
        states.append((theta.item(), psi.item()))
    return states


def measured_rate(game: Game, states: list[tuple[float, float]]) -> float:
    """The rate of the distance to the rest over the second half, cut to whole turns where the state turns."""
    distance = [math.dist(state, game.rest) for state in states]
    last = len(distance) - 1
    first = last // 2
    frequency = abs(cmath.phase(1 + game.h * game.eigenvalue)) / game.h
    if frequency:
        half_turn = math.pi / frequency / game.h  # in steps; the distance repeats every half turn
        first = last - round(half_turn * max(1, int((last - first) / half_turn)))
    return math.log(distance[last] / distance[first]) / ((last - first) * game.h)


def dirac(seed: int) -> Outcome:
    """A5: each rule's rate within 10 % of the analysis, and from near (0, 0) only R1 and R2 converge to it."""
    # theta below its rest and psi > 0: the quarter from which the penalised flow stays where it is smooth.
    angle = math.pi - (0.3 + 0.8 * torch.rand((), generator=torch.Generator().manual_seed(seed)).item())
    facts: dict[str, float] = {}
    words, passed = [], True
    for name, game in GAMES.items():
        expected = math.log(abs(1 + game.h * game.eigenvalue)) / game.h
        states = follow(game, angle, game.rest)
        rate = measured_rate(game, states)
        if game.rest != EQUILIBRIUM:
            states = follow(game, angle, EQUILIBRIUM)
        start, end = math.hypot(*states[0]), math.hypot(*states[-1])
        converges = end < start / 10
        passed = passed and abs(rate / expected - 1) <= 0.1 and converges == game.converges
        verdict = "converges" if converges else "does not converge"
        words.append(f"{name} {rate:+.4f} (analysis {expected:+.4f}, flow {game.eigenvalue.real:+.4f}), {verdict}")
        facts[name] = rate
    return Outcome(passed, "; ".join(words), facts)
