"""Every score by its word: what it says, what it needs, and the function of the evidence that measures it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ganvas.data import Points, StackedDigits
from ganvas.errors import UsageError
from ganvas.evaluation import classifier_scores, feature_scores, sample_scores
from ganvas.evaluation.evidence import Evidence
from ganvas.evaluation.measured import Measured


class Metric(NamedTuple):
    """A row of the registry: what the score says, what it needs, and what measures it."""

    title: str
    needs: str
    measure: Callable[[Evidence], list[Measured]]


METRICS: dict[str, Metric] = {
    "frechet": Metric("distance between Gaussians of features; FID on Inception's", "features", feature_scores.frechet),
    "frechet-infinity": Metric("the same, extrapolated to endless samples", "features, 10 d samples", feature_scores.infinity),
    "kid": Metric("unbiased kernel distance between features", "features", feature_scores.kid),
    "inception-score": Metric("confident and varied classes", "features with classes", feature_scores.inception),
    "precision": Metric("generated samples that look real: quality", "features", feature_scores.precision),
    "recall": Metric("real samples that could be generated: variety", "features", feature_scores.recall),
    "density": Metric("precision that outliers do not spoil", "features", feature_scores.density),
    "coverage": Metric("recall that outliers do not spoil", "features", feature_scores.coverage),
    "sliced": Metric("Wasserstein distance of projections of pixels or points", "one size", sample_scores.sliced),
    "emd": Metric("exact Wasserstein-1 distance", "points", sample_scores.transport),
    "ms-ssim": Metric("how alike two generated pictures are", "pictures", sample_scores.diversity),
    "memorisation": Metric("share of copies of training samples", "a model, its finite data", sample_scores.copying),
    "accuracy": Metric("samples of the class asked for", "a conditional model", classifier_scores.accuracy),
    "cas": Metric("accuracy of classifiers trained on samples", "a conditional model, minutes", classifier_scores.teaching),
    "cas-augmented": Metric("what samples add to few real pictures", "a conditional model, minutes", classifier_scores.helping),
    "modes": Metric("how many of the known modes are covered", "ring, grid, stacked-mnist", sample_scores.modes),
    "ppl": Metric("how far samples move for a small step of the latent", "a model", feature_scores.path_length),
    "cmmd": Metric("kernel distance between CLIP's embeddings", "CLIP's weights", feature_scores.cmmd_score),
    "sharpness": Metric("variance of the Laplacian", "pictures", sample_scores.sharp),
}
"""The registry. Nothing here costs more than about a minute for 10,000 small pictures but what needs "minutes"."""

ALIASES = {"fid": "frechet", "fid-infinity": "frechet-infinity", "swd": "sliced", "is": "inception-score", "w1": "emd"}
"""Other words for some of them."""

OF_PICTURES = (
    "frechet", "kid", "inception-score", "precision", "recall", "density", "coverage", "sliced", "ms-ssim", "memorisation",
    "sharpness",
)  # fmt: skip
OF_POINTS = ("emd", "sliced", "precision", "recall", "density", "coverage")


def metric_named(word: str) -> str:
    """The registry's word for a metric or an alias of one.

    Raises:
        UsageError: there is none; names the nearest.
    """
    name = ALIASES.get(word.strip().lower(), word.strip().lower())
    if name in METRICS:
        return name
    near = difflib.get_close_matches(name, [*METRICS, *ALIASES], n=1)
    raise UsageError(
        f"there is no metric {word!r}", f"did you mean {near[0]}?" if near else f"choose from {', '.join(METRICS)}"
    )


def named_metrics(words: Sequence[str]) -> list[str]:
    """The registry's words for what was asked, each once."""
    return list(dict.fromkeys(metric_named(word) for word in words))


def default_metrics(evidence: Evidence) -> list[str]:
    """What suits the data and takes seconds to a minute; those that need classifiers trained must be named."""
    names = [*(OF_PICTURES if evidence.is_image else OF_POINTS)]
    data = evidence.data
    if isinstance(data, StackedDigits) or (isinstance(data, Points) and data.modes is not None):
        names.insert(0, "modes")
    if evidence.labels_agree and evidence.is_image:
        names.append("accuracy")
    return names
