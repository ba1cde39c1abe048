"""Scores of the samples themselves: pixels or points, without a feature network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ganvas.data import Points, StackedDigits
from ganvas.errors import UsageError
from ganvas.evaluation.evidence import Evidence, held_out_of
from ganvas.evaluation.feature_scores import FEWEST
from ganvas.evaluation.measured import Measured, require
from ganvas.metrics import memorisation, mode_coverage, ms_ssim_diversity, sharpness, stacked_modes
from ganvas.metrics.lenet import lenet
from ganvas.metrics.score import Score
from ganvas.metrics.sliced import sliced_wasserstein
from ganvas.metrics.stacked import stacked_digits
from ganvas.metrics.thumbnails import THUMBNAIL, thumbnail, thumbnails

TRANSPORTED = 2000
"""Points a side of an exact distance: it takes a second."""
SLICED = 2000
"""Samples a side of a sliced distance: its directions, not they, are what time goes into."""
STACKED = 26_000
"""Pictures in which stacked MNIST's modes are counted (Metz et al. 2017)."""
SEARCHED = 2000
"""Generated samples whose nearest neighbours are looked for among all training samples."""
FEWEST_HELD_OUT = 100


def raw(evidence: Evidence) -> str:
    return "raw pixels" if evidence.is_image else "raw points"


def sliced(evidence: Evidence) -> list[Measured]:
    """The sliced Wasserstein distance between pixels, or points."""
    require_one_size(evidence, "sliced")
    require(evidence.count, FEWEST, "sliced")
    return distance(evidence, "sliced", lambda a, b: sliced_wasserstein(a, b, seed=evidence.seed), SLICED)


def transport(evidence: Evidence) -> list[Measured]:
    """The exact Wasserstein-1 distance between points."""
    if evidence.is_image:
        raise UsageError("emd between pictures compares pixel by pixel and says little", "use sliced, or frechet")
    from ganvas.transport import emd

    require(evidence.count, FEWEST, "emd")
    return distance(evidence, "emd", emd, TRANSPORTED)


def distance(evidence: Evidence, name: str, of: Callable[[Tensor, Tensor], float], most: int) -> list[Measured]:
    """A distance between samples, and that between two sets of real ones."""
    count = min(most, evidence.count)
    value = of(evidence.generated.image[:count], evidence.real.image[:count])
    score = Score(name, value, evidence.stamp(count, features=raw(evidence)))
    pair = evidence.floor_samples()
    if pair is None:
        return [Measured(name, score)]
    real, others = (side[:count] for side in pair)
    floor = Score(name, of(others, real), evidence.stamp(len(real), features=raw(evidence)))
    return [Measured(name, score, floor)]


def diversity(evidence: Evidence) -> list[Measured]:
    """The mean similarity of pairs of generated pictures; real pairs say how alike they should be."""
    require_pictures(evidence, "ms-ssim")
    require_one_size(evidence, "ms-ssim")
    require(evidence.count, FEWEST, "ms-ssim")
    values = [ms_ssim_diversity(side.image, seed=evidence.seed) for side in (evidence.generated, evidence.real)]
    return of_each(evidence, "ms-ssim", values)


def sharp(evidence: Evidence) -> list[Measured]:
    """The variance of the Laplacian; blur lowers it, noise raises it."""
    require_pictures(evidence, "sharpness")
    require_one_size(evidence, "sharpness")
    values = [sharpness(side.image[:SLICED]) for side in (evidence.generated, evidence.real)]
    return of_each(evidence, "sharpness", values)


def of_each(evidence: Evidence, name: str, values: list[float]) -> list[Measured]:
    """A property that either side has for itself: best where the real one's is."""
    shape = "x".join(map(str, evidence.generated.image.shape[2:]))
    stamp = evidence.stamp(evidence.count, features=f"raw pixels of {shape}")
    ours, real = (Score(name, value, stamp, "lower" if name == "ms-ssim" else "higher") for value in values)
    return [Measured(name, ours, real, "real")]


def copying(evidence: Evidence) -> list[Measured]:
    """Whether training samples are copied: nearest neighbours among all of them against held-out ones.

    The held-out samples may be of another kind of people (MNIST's are). So a part of the training samples that is taken out of
    the search plays the honest generator, and its score stands beside: what is above it is copying.
    """
    data, name = evidence.data, "memorisation"
    held_out = None if data is None else held_out_of(data)
    if data is None or held_out is None or not len(data) or evidence.subject.model is None:
        raise UsageError(f"{name} needs a model and the finite training data with a held-out part", "leave it out")
    require_one_size(evidence, name)
    if len(held_out) < FEWEST_HELD_OUT or len(data) < 2 * FEWEST_HELD_OUT:
        sizes = f"{len(held_out):,} held-out and {len(data):,} training samples"
        raise UsageError(f"{name} needs {FEWEST_HELD_OUT} held-out samples, there are {sizes}", "leave it out")
    evidence.report(f"nearest neighbours among {len(data):,} training samples")
    count = min(SEARCHED, evidence.count, len(data) // 4)
    train, decoys = thumbnails(data, evidence.seed), thumbnails(held_out, evidence.seed)
    generated = thumbnail(evidence.generated.image[:count])
    found = memorisation(generated, train, decoys, seed=evidence.seed)
    honest = memorisation(train[:count], train[count:], decoys, seed=evidence.seed)
    features = f"pixels averaged to {THUMBNAIL}x{THUMBNAIL}" if evidence.is_image else "raw points"
    scores = [
        Score(name, each.copies, evidence.stamp(count, size, features=features))
        for each, size in ((found, len(train)), (honest, len(train) - count))
    ]
    detected = found.detected and found.copies > honest.copies
    words = str(found) if detected or not found.detected else "no more copies than unseen training samples would show"
    facts = {
        "detected": detected, "p_value": found.p_value, "authenticity": found.authenticity,
        "authenticity_of_real": honest.authenticity, "nearer_train": found.nearer_train, "expected": found.expected,
        "held_out": len(decoys),
    }  # fmt: skip
    return [Measured(name, scores[0], scores[1], "lower", words, facts)]


def modes(evidence: Evidence) -> list[Measured]:
    """How many of the known modes are covered: of a mixture of points, or of stacked digits."""
    data = evidence.data
    if isinstance(data, StackedDigits):
        return stacked(evidence, data)
    if not isinstance(data, Points) or data.modes is None or data.sigma is None:
        raise UsageError("modes are known of points:ring, points:grid and stacked-mnist only", "use recall or coverage")
    require(evidence.count, 10 * len(data.modes), "modes", f"for {len(data.modes)} modes")
    centres, sigma = data.modes, data.sigma
    count, known = evidence.count, len(data.modes)
    stamp = evidence.stamp(count, features=f"{known} modes, within 3 sigma")
    sides = [mode_coverage(side.image, centres, sigma) for side in (evidence.generated, evidence.real)]
    measured = []
    for key, field in (("modes", "modes"), ("modes/high-quality", "high_quality_share"), ("modes/kl", "kl_to_uniform")):
        ours, real = (
            Score(key, float(getattr(side, field)), stamp, "lower" if key == "modes/kl" else "higher") for side in sides
        )
        measured.append(Measured(key, ours, real, ours.better, f"of {known}" if key == "modes" else ""))
    return measured


def stacked(evidence: Evidence, data: StackedDigits) -> list[Measured]:
    """Stacked MNIST: how many of 1,000 triples of digits, and KL(drawn || uniform), by a classifier of single digits."""
    available = evidence.subject.count
    count = min(STACKED, available) if available else STACKED
    require(count, 10_000, "modes", "for 1,000 modes")
    judge = lenet(data.digits, report=evidence.report)
    evidence.report(f"reading the digits of {count:,} stacked pictures")
    drawn = evidence.subject.draw(count, evidence.seed, None)
    real = data.held_out().real(count, evidence.seed)
    found, perfect = (stacked_modes(stacked_digits(judge, side.image)) for side in (drawn, real))
    stamp = evidence.stamp(count, features=f"digits read by {judge.name}", weights=judge.weights)
    words = f"of 1,000, read by a classifier with {judge.accuracy:.2%} of real digits right"
    facts = {"classifier_accuracy": judge.accuracy}
    counts = [Score("modes", float(each.modes), stamp, "higher") for each in (found, perfect)]
    divergences = [Score("modes/kl", each.reverse_kl, stamp) for each in (found, perfect)]
    return [
        Measured("modes", counts[0], counts[1], "higher", words, facts),
        Measured("modes/kl", divergences[0], divergences[1]),
    ]


def require_pictures(evidence: Evidence, name: str) -> None:
    if not evidence.is_image:
        raise UsageError(f"{name} is of pictures, these are points", "leave it out")


def require_one_size(evidence: Evidence, name: str) -> None:
    if not evidence.same_size:
        raise UsageError(f"{name} is of pixels, and the pictures differ in size", "bring both sides to one size")
