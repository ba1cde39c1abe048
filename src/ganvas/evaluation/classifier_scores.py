"""Scores by a classifier, of conditional models: whether samples are of the class asked for, and whether they can teach."""

from __future__ import annotations

from ganvas.data import Data
from ganvas.data.batches import Images
from ganvas.errors import UsageError
from ganvas.evaluation.evidence import Evidence, held_out_of
from ganvas.evaluation.feature_scores import FEWEST
from ganvas.evaluation.measured import Measured, require
from ganvas.metrics import conditional_accuracy
from ganvas.metrics.classification import STEPS, Interval, augmentation, classification_accuracy
from ganvas.metrics.lenet import BATCH_SIZE, lenet
from ganvas.metrics.score import Score
from ganvas.metrics.stamp import Stamp


def accuracy(evidence: Evidence) -> list[Measured]:
    """The share of conditional samples that the data's LeNet takes for the class asked for; the floor is its own accuracy."""
    data, generated = labelled(evidence, "accuracy")
    judge = lenet(data, report=evidence.report)
    require(len(generated.image), FEWEST, "accuracy")
    assert generated.label is not None
    found = conditional_accuracy(judge.classify(generated.image), generated.label, len(data.spec.classes))
    stamp = evidence.stamp(len(generated.image), 0, features=f"classes by {judge.name}", weights=judge.weights)
    score = Score("accuracy", found.accuracy, stamp, "higher", found.standard_error)
    floor = Score("accuracy", judge.accuracy, stamp, "higher")
    worst = min(range(len(found.by_class)), key=lambda index: found.by_class[index])
    words = f"least for {data.spec.classes[worst]}: {found.by_class[worst]:.1%}"
    return [Measured("accuracy", score, floor, "higher", words, {"by_class": list(found.by_class)})]


def teaching(evidence: Evidence) -> list[Measured]:
    """The classification accuracy score: classifiers trained on samples against ones trained on as many real pictures."""
    data, generated = labelled(evidence, "cas")
    real, test = train_and_test(evidence, data)
    require(len(generated.image), BATCH_SIZE, "cas")
    count = min(len(generated.image), len(real.image))
    evidence.report(f"training ten classifiers on {count:,} pictures each, {STEPS} steps")
    found = classification_accuracy(generated, real, test, data.spec.classes, seed=evidence.seed, report=evidence.report)
    stamp = evidence.stamp(count, len(test.image), features=f"LeNets of {STEPS} steps, 5 repeats")
    ours, control = (scored("cas", each, stamp) for each in (found.synthetic, found.real))
    words = f"{found.gap.mean:+.1%} against real pictures (95 % interval {found.gap.low:+.1%} to {found.gap.high:+.1%})"
    return [Measured("cas", ours, control, "higher", words, {"gap": [*found.gap[:3]]})]


def helping(evidence: Evidence) -> list[Measured]:
    """What generated pictures add to few real ones when a classifier is trained on both."""
    data, generated = labelled(evidence, "cas-augmented")
    real, test = train_and_test(evidence, data)
    evidence.report("training thirty classifiers on few real pictures, without and with generated ones")
    found = augmentation(generated, real, test, data.spec.classes, seed=evidence.seed, report=evidence.report)
    measured = []
    for each in found:
        features = f"LeNets of {STEPS} steps, 5 repeats, {each.pictures:,} real pictures"
        stamp = evidence.stamp(len(generated.image), len(test.image), features=features)
        gain = scored(f"cas-augmented/{each.pictures}", each.gain, stamp)
        verdict = "they help" if each.gain.low > 0 else "they harm" if each.gain.high < 0 else "no effect that shows"
        words = (
            f"{each.alone.mean:.1%} from {each.pictures:,} real pictures alone, {each.gain.mean:+.1%} with generated ones "
            f"(95 % interval {each.gain.low:+.1%} to {each.gain.high:+.1%}): {verdict}"
        )
        measured.append(Measured(gain.name, gain, None, "higher", words, {"alone": each.alone.mean, "gain": [*each.gain[:3]]}))
    return measured


def scored(name: str, found: Interval, stamp: Stamp) -> Score:
    return Score(name, found.mean, stamp, "higher", found.standard_error)


def labelled(evidence: Evidence, name: str) -> tuple[Data, Images]:
    """The data and the generated samples with the labels that they were asked for.

    Raises:
        UsageError: the subject is no conditional model, its classes are not the data's, or there is only one.
    """
    data = evidence.data
    if data is None or not data.spec.is_image or not evidence.labels_agree or evidence.generated.label is None:
        raise UsageError(
            f"{name} needs a conditional model and labelled pictures of its classes", "train cgan, or leave it out"
        )
    if len(data.spec.classes) < 2:
        raise UsageError(f"{name} needs more than the one class of {data.name}", "leave it out")
    if not evidence.same_size:
        raise UsageError(f"{name} takes pictures of the data's own size", "leave it out")
    return data, evidence.generated


def train_and_test(evidence: Evidence, data: Data) -> tuple[Images, Images]:
    """Real pictures to train classifiers on, at most as many as there are samples, and held-out ones to test them on."""
    held_out = held_out_of(data)
    if held_out is None or len(held_out) < FEWEST:
        raise UsageError(f"{data.name} has no held-out pictures to test a classifier on", "use data with a test set")
    return data.real(max(evidence.count, 5000), evidence.seed), held_out.real(len(held_out), evidence.seed)
