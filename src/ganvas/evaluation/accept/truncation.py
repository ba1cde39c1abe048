"""Row F1: BigGAN's truncation trick and the regularisation that makes a generator take it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ganvas.data import mnist
from ganvas.evaluation.accept.digits import classifier_refusal
from ganvas.evaluation.accept.rows import Outcome
from ganvas.evaluation.accept.trial import train_to_end
from ganvas.metrics import precision_recall
from ganvas.metrics.lenet import lenet
from ganvas.objectives.penalties import orthogonality
from ganvas.runs.latents import draw

PSI = (2.0, 1.0, 0.5)
COMPONENTS = 2_000_000
"""Of the latents whose deviation is measured: its own error is a twentieth of a per cent."""
SETTINGS: dict[str, Any] = {
    "width": 16, "latent_size": 60, "generator_rate": 4e-4, "discriminator_rate": 4e-4, "beta2": 0.99,
}  # fmt: skip
"""For minutes where the paper has days: a narrow network, rates for batches of 64 instead of 2,048."""
STEPS = 1200
"""Of training. Steps and not minutes: a busy machine would judge another model."""


def truncated_deviation(psi: float) -> float:
    """The standard deviation of N(0, 1) given |z| <= psi: its square is 1 - 2 psi phi(psi) / P(|z| <= psi)."""
    density = math.exp(-(psi**2) / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * psi * density / math.erf(psi / math.sqrt(2)))


def deviation_error(seed: int) -> tuple[list[float], float]:
    """The deviations of drawn latents at each psi, and their worst relative error."""
    found = [float(draw(0, COMPONENTS // 100, 100, seed=seed, prior="normal", truncation=psi).double().std()) for psi in PSI]
    return found, max(abs(value / truncated_deviation(psi) - 1) for value, psi in zip(found, PSI, strict=True))


def orthogonality_errors() -> tuple[float, float]:
    """The largest gradient at orthogonal rows of any length; the worst error where they are not, against eq. 3 written out."""
    rows = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q[:8] * torch.linspace(0.5, 3, 8).double()[:, None]
    at_rest = largest_gradient(rows)
    error = 0.0
    for shape in ((5, 9), (9, 5), (6, 2, 3, 3)):  # more columns, more rows, a kernel
        weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        flat = weight.detach().flatten(1)
        gram = flat @ flat.t()
        off = torch.ones_like(gram) - torch.eye(len(gram), dtype=gram.dtype)
        (found,) = torch.autograd.grad(orthogonality([weight]), weight)
        wanted = (4 * (gram * off) @ flat).view_as(weight)  # of |W W^T * (1 - I)|_F^2
        error = max(error, float((found - wanted).abs().max() / wanted.abs().max()))
    return at_rest, error


def largest_gradient(weight: Tensor) -> float:
    weight = weight.detach().requires_grad_()
    return float(torch.autograd.grad(orthogonality([weight]), weight)[0].abs().max())


def truncates(seed: int, steps: int = STEPS, count: int = 5000) -> Outcome:
    """F1: the deviations to 1 %, the gradients to 1e-6, and what truncation does to a BigGAN trained on MNIST for ``steps``."""
    deviations, deviation = deviation_error(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        at_rest, off_diagonal = orthogonality_errors()
    data = mnist()
    judge = lenet(data)
    if refusal := classifier_refusal(judge):
        return refusal
    progress = train_to_end("biggan", data, SETTINGS, seed, steps=steps)
    config = progress.engine.method.config
    real = judge.features(data.real(count, seed).image)
    label = torch.arange(count) % len(data.spec.classes)
    precisions, recalls = [], []
    for psi in (None, *PSI):
        latent = draw(0, count, config.latent_size, seed=seed + 1, prior=config.prior, truncation=psi)
        fake = torch.cat([progress.sample(z, y) for z, y in zip(latent.split(500), label.split(500), strict=True)])
        found = precision_recall(real, judge.features(fake))
        precisions.append(found.precision)
        recalls.append(found.recall)
    # From psi = 2 on: between all of z and 2 the deviation changes by 12 %, which the scores' own error may hide.
    rises = all(after > before for before, after in zip(precisions[1:-1], precisions[2:], strict=True))
    falls = all(after < before for before, after in zip(recalls[1:-1], recalls[2:], strict=True))
    passed = deviation <= 0.01 and at_rest <= 1e-6 and off_diagonal <= 1e-6 and rises and falls
    measured = (
        f"deviations {join(deviations)}; precision {join(precisions)}, recall {join(recalls)} at no truncation, 2, 1, 0.5 "
        f"({progress.step} steps); gradient at orthogonal rows {at_rest:.0e}, elsewhere off by {off_diagonal:.0e}"
    )
    facts = {
        "deviations": deviations, "precision": precisions, "recall": recalls, "at_rest": at_rest,
        "off_diagonal": off_diagonal, "steps": progress.step,
    }  # fmt: skip
    return Outcome(passed, measured, facts)


def join(numbers: list[float]) -> str:
    return ", ".join(f"{number:.3f}" for number in numbers)
