"""Rows B1 to B4 and B6: trainings on points in the plane, where the exact distance and the modes are known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from scipy.stats import spearmanr

from ganvas.data import Points, points
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import draw, train_for, train_through, train_to_end
from ganvas.metrics import ModeCoverage, mode_coverage
from ganvas.training import Progress
from ganvas.transport import critic_estimate, emd

BATCH = 256
SAMPLES = 25_000
"""Samples for mode coverage: a perfect sampler's KL is (K - 1) / (2 N), 0.0005 for 25 modes, where 2,500 would leave 0.005."""
TRANSPORTED = 2000
"""Points a side for the exact distance."""
PLANE: dict[str, Any] = {"latent_size": 2, "width": 128, "batch_size": BATCH, "ema_half_life": 20_000.0}
"""Shared by every row: two latents for a distribution in the plane; with 16 the modes stay blurred three times as long."""
CURVE_MARKS = range(25, 121, 5)
"""Generator steps at which B6 asks: from the end of the critic's long start, when it has caught up, while the mass travels."""
ASIDE_MARKS = range(12, 241, 12)
"""The row's first ones, for Gaussians to both sides."""


def falling(steps: int) -> dict[str, Any]:
    """Learning rates that fall to zero over the run, so that the end is not a random point of an orbit."""
    return {"schedule": "cosine", "decay_images": steps * BATCH}


def r3gan(steps: int) -> dict[str, Any]:
    return {**PLANE, **falling(steps), "gamma": 0.05, "learning_rate": 2e-3}


def wgan_gp(steps: int) -> dict[str, Any]:
    """The weight of the penalty is 0.1, as in the authors' toy code."""
    return {**PLANE, **falling(steps), "penalty": 0.1, "learning_rate": 1e-3}


def ratio_to_floor(progress: Progress, data: Points, seed: int) -> tuple[float, float]:
    """Mean EMD of samples to real points over the floor, that of real to real points, three pairs each; and the floor."""
    fresh = data.held_out()
    real = [fresh.real(TRANSPORTED, 1000 * seed + index).image for index in range(3)]
    fake = torch.split(draw(progress, 3 * TRANSPORTED, seed + 1), TRANSPORTED)
    floor = sum(emd(real[index], real[index - 1]) for index in range(3)) / 3
    return sum(map(emd, fake, real)) / 3 / floor, floor


def curve(seed: int, steps: int = 4000) -> Outcome:
    """B1: r3gan on (x, x^2)."""
    data = points("x-squared")
    ratio, floor = ratio_to_floor(train_to_end("r3gan", data, r3gan(steps), seed, steps=steps), data, seed)
    return Outcome(ratio <= 2, f"{ratio:.2f}x (floor {floor:.4f}), {steps} steps of r3gan", {"ratio": ratio, "floor": floor})


def swiss_roll(seed: int, steps: int = 3000) -> Outcome:
    """B4: wgan-gp on the Swiss roll."""
    data = points("swiss-roll")
    ratio, floor = ratio_to_floor(train_to_end("wgan-gp", data, wgan_gp(steps), seed, steps=steps), data, seed)
    return Outcome(
        ratio <= 2.5, f"{ratio:.2f}x (floor {floor:.4f}), {steps} steps of wgan-gp", {"ratio": ratio, "floor": floor}
    )


def coverage(progress: Progress, data: Points, seed: int) -> ModeCoverage:
    assert data.modes is not None and data.sigma is not None
    return mode_coverage(draw(progress, SAMPLES, seed + 1), data.modes, data.sigma)


def in_words(found: ModeCoverage) -> str:
    return f"{found.modes}, {found.high_quality_share:.3f}, {found.kl_to_uniform:.4f}"


def ring(seed: int, steps: int = 8000, wgan_steps: int = 2000) -> Outcome:
    """B2: r3gan on the ring of 8, and a report of wgan-gp."""
    data = points("ring")
    found = coverage(train_to_end("r3gan", data, r3gan(steps), seed, steps=steps), data, seed)
    other = coverage(train_to_end("wgan-gp", data, wgan_gp(wgan_steps), seed, steps=wgan_steps), data, seed)
    passed = found.modes == 8 and found.high_quality_share >= 0.75 and found.kl_to_uniform <= 0.02
    measured = f"r3gan {in_words(found)} in {steps} steps; wgan-gp {in_words(other)} in {wgan_steps}"
    return Outcome(passed, measured, {"r3gan": found._asdict(), "wgan-gp": other._asdict()})


def grid(seed: int, steps: int = 20_000, wgan_steps: int = 2000) -> Outcome:
    """B3: r3gan on the grid of 25 against the non-saturating GAN with networks and latents of the same size in equal time."""
    data = points("grid")
    started = time.process_time()
    progress = train_to_end("r3gan", data, r3gan(steps), seed, steps=steps)
    seconds = time.process_time() - started
    found = coverage(progress, data, seed)
    plain = train_for("gan", data, PLANE, seed, seconds)
    baseline = coverage(plain, data, seed)
    other = coverage(train_to_end("wgan-gp", data, wgan_gp(wgan_steps), seed, steps=wgan_steps), data, seed)
    passed = (
        found.modes == 25
        and found.high_quality_share >= 0.70
        and found.kl_to_uniform <= 0.02
        and found.kl_to_uniform < baseline.kl_to_uniform / 3
    )
    measured = (
        f"r3gan {in_words(found)} in {steps} steps; gan {in_words(baseline)} in {plain.step} steps of equal time; "
        f"wgan-gp {in_words(other)} in {wgan_steps}"
    )
    return Outcome(passed, measured, {"r3gan": found._asdict(), "gan": baseline._asdict(), "wgan-gp": other._asdict()})


class Travel(NamedTuple):
    """What wgan's critic said while the mass travelled, at each stop.

    Args:
        estimates: E[f(x)] - E[f(G(z))], signed.
        distances: exact Wasserstein-1 between the same points.
        lipschitz: the critic's largest measured slope.
        correlation: Spearman's, of estimates with distances.
    """

    estimates: list[float]
    distances: list[float]
    lipschitz: list[float]
    correlation: float

    def __str__(self) -> str:
        return f"{self.correlation:.3f} (EMD {self.distances[0]:.2f} to {self.distances[-1]:.2f})"


def travel(data: Points, seed: int, marks: Sequence[int]) -> Travel:
    """Trains wgan on ``data`` and asks its critic and the exact solver at each of ``marks``, in generator steps.

    The estimate follows the distance only as far as the critic is near its optimum over the clipped weights, hence 50 critic
    steps, 200 in the first 25 generator steps while the weights grow to their bounds, and a clip of 0.03 that they reach.
    """
    settings = {**PLANE, "width": 64, "clip": 0.03, "critic_steps": 50, "early_critic_steps": 200}
    real = data.held_out().real(TRANSPORTED // 2, seed).image
    estimates, distances, slopes = [], [], []
    for progress in train_through("wgan", data, settings, seed, stops=marks):
        method = progress.engine.method
        with torch.no_grad():  # the raw generator, whom the critic judged
            latent = torch.randn(len(real), method.config.latent_size, generator=torch.Generator().manual_seed(seed))
            fake = method.generator(latent)
        estimate = critic_estimate(method.get_submodule("critic"), real, fake)
        estimates.append(estimate.value)
        slopes.append(estimate.lipschitz)
        distances.append(emd(real, fake))
    return Travel(estimates, distances, slopes, float(spearmanr(estimates, distances).statistic))


def tracks_distance(seed: int, marks: Sequence[int] = CURVE_MARKS, aside_marks: Sequence[int] = ASIDE_MARKS) -> Outcome:
    """B6: the estimate of wgan's critic against the exact distance while the mass travels to (x, x^2), |x| <= 3.

    The way there is long and in one direction, upwards. Beside it, reported and not judged, the row's first form: two Gaussians
    6 apart with the generator starting between them. There mass that crosses from one side to the other leaves the exact
    distance level, while a clipped critic, whose slope may be three times as steep on one side, sees the crossing as progress.
    """
    curve = travel(points("x-squared", reach=3), seed, marks)
    aside = travel(points("two-gaussians"), seed, aside_marks)
    measured = f"{curve} over {len(marks)} stops on (x, x^2); as first set, on Gaussians to both sides of the start: {aside}"
    facts = {**curve._asdict(), "as_first_set": aside._asdict()}
    return Outcome(curve.correlation >= 0.9, measured, facts)
