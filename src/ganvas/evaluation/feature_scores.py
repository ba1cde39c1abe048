"""Scores of features: how far apart the two sides lie, and how far they cover each other."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.evaluation.evidence import Evidence
from ganvas.evaluation.measured import Measured, require
from ganvas.metrics import cmmd, frechet_distance, frechet_infinity, inception_score, kernel_distance
from ganvas.metrics.jackknife import frechet_error
from ganvas.metrics.manifold import ManifoldScores
from ganvas.metrics.perceptual import perceptual_path_length
from ganvas.metrics.score import Score

DEAR = 512
"""Components from which a Frechet distance takes a second and more, and its error is not computed."""
FEWEST = 50
FLOOR_SUBSETS = 20
"""Of the kernel distance between real samples, which is 0 but for its error."""
PATHS = 2000
STRIDE = 1e-3
"""Of a path: ten times the usual 1e-4, at which float32 rounds away what small pictures change."""


def frechet(evidence: Evidence) -> list[Measured]:
    """The Frechet distance, FID when the features are Inception's; its error by the jackknife where that is cheap."""
    real, generated = evidence.real_features, evidence.generated_features
    size = real.shape[1]
    require(len(generated), size + 1, "frechet", f"for features of {size:,} components (kid does with fewer)")
    error = frechet_error(real, generated) if size <= DEAR else None
    name, stamp = evidence.network.score_name, evidence.stamp(len(generated), len(real))
    score = Score(name, frechet_distance(real, generated), stamp, standard_error=error)
    pair = evidence.floor_features()
    if pair is None or len(pair[0]) <= size:
        return [Measured("frechet", score)]
    return [Measured("frechet", score, Score(name, frechet_distance(*pair), evidence.stamp(len(pair[0]))))]


def infinity(evidence: Evidence) -> list[Measured]:
    """The Frechet distance of endless samples, both sides extrapolated."""
    real, generated = evidence.real_features, evidence.generated_features
    needed = 10 * (real.shape[1] + 2)
    require(len(generated), needed, "frechet-infinity", f"for features of {real.shape[1]:,} components")
    name = f"{evidence.network.score_name}-infinity"
    value = frechet_infinity(generated, real, seed=evidence.seed).value
    score = Score(name, value, evidence.stamp(len(generated), len(real)))
    pair = evidence.floor_features()
    if pair is None or len(pair[0]) < needed:
        return [Measured("frechet-infinity", score)]
    floor = Score(name, frechet_infinity(pair[1], pair[0], seed=evidence.seed).value, evidence.stamp(len(pair[0])))
    return [Measured("frechet-infinity", score, floor)]


def kid(evidence: Evidence) -> list[Measured]:
    """The kernel distance with its standard error; unbiased, so that real samples score 0 up to that error."""
    real, generated = evidence.real_features, evidence.generated_features
    require(len(generated), FEWEST, "kid")
    found = kernel_distance(real, generated, seed=evidence.seed)
    score = Score("kid", found.value, evidence.stamp(len(generated), len(real)), standard_error=found.standard_error)
    pair = evidence.floor_features()
    if pair is None or len(pair[0]) < 4:
        return [Measured("kid", score)]
    least = kernel_distance(*pair, subsets=FLOOR_SUBSETS, seed=evidence.seed)
    floor = Score("kid", least.value, evidence.stamp(len(pair[0])), standard_error=least.standard_error)
    return [Measured("kid", score, floor, facts={"subsets": found.subsets, "size": found.size})]


def cmmd_score(evidence: Evidence) -> list[Measured]:
    """CMMD, which is defined on CLIP's embeddings and no others."""
    if evidence.word.partition(":")[0] != "clip":
        raise UsageError("cmmd is defined on CLIP's features", "pass features clip (--features clip, or clip:PATH)")
    real, generated = evidence.real_features, evidence.generated_features
    require(len(generated), FEWEST, "cmmd")
    score = Score("cmmd", cmmd(real, generated), evidence.stamp(len(generated), len(real)))
    pair = evidence.floor_features()
    floor = None if pair is None else Score("cmmd", cmmd(*pair), evidence.stamp(len(pair[0])))
    return [Measured("cmmd", score, floor)]


def inception(evidence: Evidence) -> list[Measured]:
    """The Inception Score in ten parts, on the feature network's own classes; only Inception's is the literature's."""
    probabilities = evidence.network.probabilities(evidence.generated.image)
    if probabilities is None:
        raise UsageError(f"{evidence.network.name} has no classes for inception-score", "pass features inception or lenet")
    require(len(probabilities), 10 * FEWEST, "inception-score", "for its ten parts")
    name = "inception-score"
    found = inception_score(probabilities)
    error = found.spread / 10**0.5
    score = Score(name, found.value, evidence.stamp(len(probabilities), 0), "higher", error)
    reference = evidence.network.probabilities(evidence.real.image)
    if reference is None or len(reference) < len(probabilities):
        return [Measured(name, score, aim="higher")]
    floor = Score(name, inception_score(reference).value, evidence.stamp(len(reference), 0), "higher")
    return [Measured(name, score, floor, "higher")]


def path_length(evidence: Evidence) -> list[Measured]:
    """The perceptual path length, full, in z; a uniform prior is reached through the normal distribution function."""
    model = evidence.subject.model
    if model is None:
        raise UsageError("ppl needs a model to walk through", "leave it out")
    method, uniform = model.ready(), model.method.config.prior == "uniform"

    def sample(latent: Tensor) -> Tensor:
        latent = latent.float()
        return method.sample((2 * torch.special.ndtr(latent) - 1 if uniform else latent).to(model.device)).float().cpu()

    found = perceptual_path_length(
        sample, evidence.network, method.config.latent_size, count=PATHS, epsilon=STRIDE, seed=evidence.seed
    )
    stamp = replace(evidence.stamp(found.paths, 0), features=f"{evidence.network.name}, steps of {STRIDE:g}")
    return [Measured("ppl", Score("ppl", found.value, stamp, standard_error=found.standard_error))]


def precision(evidence: Evidence) -> list[Measured]:
    return of_manifold(evidence, "precision")


def recall(evidence: Evidence) -> list[Measured]:
    return of_manifold(evidence, "recall")


def density(evidence: Evidence) -> list[Measured]:
    return of_manifold(evidence, "density")


def coverage(evidence: Evidence) -> list[Measured]:
    return of_manifold(evidence, "coverage")


def of_manifold(evidence: Evidence, name: str) -> list[Measured]:
    """One of the four scores that share their distances; they are computed together."""
    count = len(evidence.generated_features)
    require(count, FEWEST, name)
    score = manifold_score(evidence.manifold, name, evidence, count)
    floor = evidence.manifold_floor
    pair = evidence.floor_features()
    if floor is None or pair is None:
        return [Measured(name, score, aim="higher")]
    return [Measured(name, score, manifold_score(floor, name, evidence, len(pair[0])), "higher")]


def manifold_score(scores: ManifoldScores, name: str, evidence: Evidence, count: int) -> Score:
    value, error = scores._asdict()[name]
    return Score(name, value, evidence.stamp(count), "higher", error)
