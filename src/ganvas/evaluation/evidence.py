"""What scores are computed from: generated and real samples and their features, each drawn and computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ganvas.data import ArrayData, Data, open_source
from ganvas.data.batches import Images, Spec
from ganvas.data.dataset import SUBSET, permutation
from ganvas.errors import UsageError
from ganvas.evaluation.subject import Subject
from ganvas.metrics.aliasing import SMALLEST, aliased
from ganvas.metrics.features import as_features
from ganvas.metrics.manifold import ManifoldScores, ball_radii, manifold_scores
from ganvas.metrics.networks import FeatureNetwork, feature_network
from ganvas.metrics.real_statistics import KEPT, real_statistics
from ganvas.metrics.stamp import Stamp

COUNT = 10_000
"""Samples a side, where there are so many."""
LARGEST_SIDE = 1 << 28
"""Values a side by default: 1 GiB of float32; large pictures are scored on fewer."""
ENOUGH_HELD_OUT = 1000
"""With fewer held-out samples the training samples are the reference: distances to a few hundred say little."""
Report = Callable[[str], None]


class Real(NamedTuple):
    """The real side.

    ``samples`` are what the generated ones are held against. ``stand_ins``, as many and disjoint from them, take the generated
    ones' place to say what a perfect sampler would score; None where there are too few. ``inner``: they are the second half of
    ``samples`` themselves, for want of more. ``training``: they are training samples beside held-out ``samples``. ``split`` is
    "test", "train" or "all"; ``remarks`` what a reader must know.
    """

    samples: Images
    stand_ins: Images | None
    inner: bool
    split: str
    fingerprint: str
    remarks: tuple[str, ...] = ()
    training: bool = False


def real_side(against: Data | Tensor, count: int, *, seed: int, split: str | None) -> Real:
    """Up to ``count`` real samples and their stand-ins.

    With a held-out part, that part is the reference (``split`` "test") and training samples are the stand-ins: what the best
    learner of the training data would score. Without one, or with one too small, one part serves for both, halved if need be.

    Raises:
        UsageError: an unknown split, or "test" where nothing is held out.
    """
    if split not in (None, "test", "train", "all"):
        raise UsageError(f"there is no split {split!r}", "choose test, train or all")
    if isinstance(against, Tensor):
        rows = permutation(len(against), seed, SUBSET, 0)
        fingerprint = hashlib.sha256(against.contiguous().numpy().tobytes()).hexdigest()
        return halved(Images(against[rows[: 2 * count]]), count, "all", fingerprint)
    held_out = held_out_of(against)
    remarks: tuple[str, ...] = ()
    if split is None:
        few = held_out is not None and 0 < len(held_out) < min(count, ENOUGH_HELD_OUT, len(against))
        split = "all" if held_out is None else "train" if few else "test"
        if few and held_out is not None:
            remarks = (
                f"only {len(held_out):,} samples were held out, so the training samples are the reference: copying them is "
                "not punished here (see memorisation)",
            )
    if split == "test":
        if held_out is None:
            raise UsageError(f"{against.name} has no held-out part", "use split train or all (--split)")
        if len(against) == 0 or len(against) < count:  # endless, or small
            return halved(held_out.real(2 * count, seed), count, split, held_out.fingerprint)
        real = held_out.real(count, seed)
        stand_ins = against.real(len(real.image), seed)
        return Real(real, stand_ins, False, split, held_out.fingerprint, training=True)
    if split == "train" or held_out is None:
        return halved(against.real(2 * count, seed), count, split, against.fingerprint, remarks)
    parts = [part.real(2 * count, seed) for part in (against, held_out)]
    joined = torch.cat([part.image for part in parts])
    labels = [part.label for part in parts if part.label is not None]
    rows = permutation(len(joined), seed, SUBSET, 1)[: 2 * count]
    both = Images(joined[rows], torch.cat(labels)[rows] if len(labels) == 2 else None)
    return halved(both, count, split, against.fingerprint)


def halved(pool: Images, count: int, split: str, fingerprint: str, remarks: tuple[str, ...] = ()) -> Real:
    """Samples and stand-ins from one pool in random order: two times ``count`` where there are so many."""
    image, label = pool
    samples = Images(image[:count], None if label is None else label[:count])
    if len(image) >= 2 * count:
        rest = slice(count, 2 * count)
        return Real(samples, Images(image[rest], None if label is None else label[rest]), False, split, fingerprint, remarks)
    half = len(samples.image) // 2
    rest = slice(half, 2 * half)
    stand_ins = Images(samples.image[rest], None if label is None else label[rest]) if half else None
    return Real(samples, stand_ins, True, split, fingerprint, remarks)


def held_out_of(data: Data) -> Data | None:
    try:
        held_out = data.held_out()
    except UsageError:
        return None
    return None if held_out is data else held_out


class Evidence:
    """Both sides of an evaluation. Everything dear is computed when first asked for, and kept.

    Args:
        subject: who is judged.
        against: real data, or real samples.
        count: samples a side; by default 10,000 or what there is, fewer for large pictures.
        features: the feature network's word, see ``ganvas.metrics.networks``.
        split: of the real data; see ``real_side``.
        seed: of the generated samples and of every random choice.
        report: is told, in a sentence, of what takes time.
        device: of the feature network.

    Raises:
        UsageError: sides that cannot be compared, or samples that are not finite or all alike.
    """

    def __init__(
        self, subject: Subject, against: Data | Tensor, *, count: int | None, features: str, split: str | None, seed: int,
        report: Report, device: str = "cpu",
    ) -> None:  # fmt: skip
        self.subject, self.seed, self.report = subject, seed, report
        self.word, self.device = features, device
        self.data = None if isinstance(against, Tensor) else against
        self.spec = Spec(tuple(against.shape[1:])) if isinstance(against, Tensor) else against.spec
        values = max(1, torch.Size(self.spec.shape).numel())
        wanted = count or max(1, min(COUNT, LARGEST_SIDE // values))
        wanted = min(wanted, subject.count or wanted)
        if wanted < 2:
            raise UsageError(f"{subject.name} is a single sample", "give at least two, better 1,000")
        real = real_side(against, wanted, seed=seed, split=split)
        self.real, self.split, self.fingerprint = real.samples, real.split, real.fingerprint
        self.stand_ins, self._inner, self._stand_ins_are_training = real.stand_ins, real.inner, real.training
        self.remarks = [*real.remarks]
        self.count = min(wanted, len(self.real.image))
        if count and self.count < count:
            self.remarks.append(f"{count:,} samples a side were asked for, there are {self.count:,}")
        self.report(f"drawing {self.count:,} samples")
        drawn = subject.draw(self.count, seed, self.real.label if self.labels_agree else None)
        self.generated = Images(as_grey(drawn.image, self.real.image), drawn.label)
        self._refuse_unlike()

    @property
    def labels_agree(self) -> bool:
        """Whether the subject's labels are the data's: then samples are asked for in the real side's own proportions."""
        model = self.subject.model
        return self.subject.conditional and model is not None and model.spec.classes == self.spec.classes

    @property
    def is_image(self) -> bool:
        return self.spec.is_image

    @property
    def same_size(self) -> bool:
        return self.generated.image.shape[1:] == self.real.image.shape[1:]

    def _refuse_unlike(self) -> None:
        mine, theirs = self.generated.image, self.real.image
        if mine.dim() != theirs.dim():
            kinds = ["pictures" if side.dim() == 4 else "points" for side in (mine, theirs)]
            raise UsageError(f"{kinds[0]} cannot be held against {kinds[1]}", "name data of the subject's own kind")
        if mine.shape[1] != theirs.shape[1]:
            what = "channels" if mine.dim() == 4 else "dimensions"
            mend = "convert one side: make both grey or both colour" if mine.dim() == 4 else "use the same space"
            raise UsageError(f"the generated samples have {mine.shape[1]} {what}, the real ones {theirs.shape[1]}", mend)
        broken = int((~torch.isfinite(mine.flatten(1))).any(1).sum())
        if broken:
            raise UsageError(
                f"{broken:,} of {len(mine):,} generated samples hold NaN or infinity", "take an earlier checkpoint of the run"
            )
        if not torch.isfinite(theirs).all():
            raise UsageError("the real samples hold NaN or infinity", "mend the data")
        if alike(theirs):
            raise UsageError(f"all {len(theirs):,} real samples are alike", "name other data: nothing can be compared with one")
        if alike(mine):
            self.remarks.append("all generated samples are alike: the generator has collapsed to one")
        if not self.same_size:
            sizes = ["x".join(map(str, side.shape[2:])) for side in (mine, theirs)]
            self.remarks.append(
                f"generated pictures are {sizes[0]}, real ones {sizes[1]}: only scores of features compare them, each resized "
                f"by the feature network's rule ({self.network.resizer})"
            )
        if self.subject.model is None and self.is_image:
            self.remarks += resized_badly(mine, theirs)

    # -- features -----------------------------------------------------------------------------------------------------

    @cached_property
    def network(self) -> FeatureNetwork:
        return feature_network(self.word, unnarrowed(self.data), report=self.report, device=self.device)

    @cached_property
    def generated_features(self) -> Tensor:
        return self.features_of(self.generated.image, "generated")

    @cached_property
    def real_features(self) -> Tensor:
        return self.kept_features(self.real.image, "test" if self.split == "test" else "train", "real")

    @cached_property
    def stand_in_features(self) -> Tensor | None:
        if self.stand_ins is None:
            return None
        if self._inner:  # they are among the real ones
            half = len(self.stand_ins.image)
            return self.real_features[half : 2 * half]
        if self.split == "test" and self._stand_ins_are_training:
            return self.kept_features(self.stand_ins.image, "train", "training")
        return self.features_of(self.stand_ins.image, "other real")

    def kept_features(self, image: Tensor, split: Literal["train", "test"], whose: str) -> Tensor:
        """Features of real samples, from the cache where an evaluation or a training has had the very same ones before."""
        # Only of a finite set are the first n of a larger random choice those of a smaller one.
        known = isinstance(self.data, ArrayData) and self.split != "all" and len(image) <= KEPT
        if not known or self.data is None or not self.network.weights:
            return self.features_of(image, whose)
        self.report(f"features of {len(image):,} {whose} samples ({self.network.name}), computed once")
        return real_statistics(self.network, self.data, len(image), self.seed, split=split).features

    def features_of(self, image: Tensor, whose: str) -> Tensor:
        self.report(f"features of {len(image):,} {whose} samples ({self.network.name})")
        return self.network.features(image)

    def floor_features(self) -> tuple[Tensor, Tensor] | None:
        """Features of real samples and, disjoint from them, of as many others that stand in for generated ones."""
        others = self.stand_in_features
        return None if others is None else (self.real_features[: len(others)], others)

    def floor_samples(self) -> tuple[Tensor, Tensor] | None:
        """The same of the samples themselves."""
        if self.stand_ins is None:
            return None
        return self.real.image[: len(self.stand_ins.image)], self.stand_ins.image

    @cached_property
    def manifold(self) -> ManifoldScores:
        return manifold_scores(self.real_features, self.generated_features, radii=self._radii)

    @cached_property
    def manifold_floor(self) -> ManifoldScores | None:
        pair = self.floor_features()
        if pair is None or len(pair[0]) < 10:
            return None
        return manifold_scores(*pair, radii=self._radii if len(pair[0]) == len(self.real_features) else None)

    @cached_property
    def _radii(self) -> tuple[Tensor, Tensor]:
        return ball_radii(as_features(self.real_features)[0], 3, 5)

    # -- stamps -------------------------------------------------------------------------------------------------------

    def stamp(self, generated: int, real: int | None = None, *, features: str | None = None, weights: str = "") -> Stamp:
        """How a score came about; of the feature network unless ``features`` names what else it was computed from."""
        count = generated if real is None else real
        if features is None:
            network = self.network
            return Stamp(
                network.name, network.weights, network.resizer, count, generated, self.split, self.seed, self.fingerprint
            )
        return Stamp(features, weights, "none", count, generated, self.split, self.seed, self.fingerprint)


def as_grey(image: Tensor, other: Tensor) -> Tensor:
    """Grey pictures with as many channels as the other side's grey ones: files of grey pictures often hold them three times."""
    if image.dim() != 4 or other.dim() != 4 or {image.shape[1], other.shape[1]} != {1, 3}:
        return image
    colour = image if image.shape[1] == 3 else other
    if not bool((colour == colour[:, :1]).all()):
        return image
    return image[:, :1] if image.shape[1] == 3 else image.expand(-1, 3, -1, -1)


def alike(samples: Tensor) -> bool:
    """Whether all samples are one and the same."""
    return len(samples) > 1 and bool((samples == samples[:1]).all())


def resized_badly(generated: Tensor, real: Tensor) -> list[str]:
    """What the spectrum says of how somebody else's pictures were resized; nothing where it says nothing against them."""
    if min(*generated.shape[2:], *real.shape[2:]) < SMALLEST:
        return []
    generated, real = generated[:1000], real[:1000]
    same_size = generated.shape[1:] == real.shape[1:]
    sides = {"generated": aliased(generated, real if same_size else None), "real": aliased(real)}
    return [
        f"{name} pictures: {found}: scores against pictures that were shrunk otherwise mislead"
        for name, found in sides.items()
        if found.verdict == "aliased" or found.unlike
    ]


def unnarrowed(data: Data | None) -> Data | None:
    """The set of all classes of which ``data`` is a few: a classifier of one class has no features."""
    if data is None or "only" not in data.recipe:
        return data
    return open_source(**{option: value for option, value in data.recipe.items() if option != "only"})
