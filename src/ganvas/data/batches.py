"""What training consumes: batch tuples, and the spec that says what one sample is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor


class Images(NamedTuple):
    """A batch of samples with their labels.

    ``image`` is float32: pictures (N, C, H, W) in [-1, 1], or points (N, d) in data units. ``label`` is int64 (N,),
    or (N, K) of zeros and ones for K attributes (``Spec.attributes``), followed by a mask where sets are joined
    (``Spec.sets``), or None.
    """

    image: Tensor
    label: Tensor | None = None


class Pairs(NamedTuple):
    """Aligned pictures of two domains: ``target`` is what ``source`` should be translated to. Both (N, C, H, W) in [-1, 1]."""

    source: Tensor
    target: Tensor


class TwoDomains(NamedTuple):
    """Pictures of two domains without correspondence. Both (N, C, H, W) in [-1, 1]."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Spec:
    """What one sample is: everything that a method needs to know of the data to build its networks.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a point.
        classes: the class names in label order; empty when there are no labels.
        source: (C, H, W) of the pictures that a translation starts from, ``shape`` being what it leads to; None for data that
            is not for translation. Batches are then ``Pairs`` if ``paired``, else ``TwoDomains`` (x is the source).
        paired: whether each source picture has its own target.
        attributes: names of what a picture has or has not, in groups: of a group of several every picture has exactly one,
            a group of one is a yes or no. Labels are then (N, K), in the order of all groups' names; ``classes`` is empty.
        sets: of pictures from several sets with labels of their own, how many of the groups are each set's; empty for one set.
            Labels are then (N, K + sets): unknown attributes are 0, and at the end is a 1 for the picture's set.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    source: tuple[int, ...] | None = None
    paired: bool = False
    attributes: tuple[tuple[str, ...], ...] = ()
    sets: tuple[int, ...] = ()

    @property
    def label_size(self) -> int:
        """How many numbers tell a generator what a picture shall be: one a domain, and the mask of the sets."""
        return len(self.domains) + len(self.sets)

    @property
    def places(self) -> tuple[slice, ...]:
        """Which of the domains are each set's; all of them, where there is one set."""
        sizes = [len(group) for group in self.attributes] or [len(self.classes)]
        ends, group = [0], 0
        for count in self.sets or (len(sizes),):
            ends.append(ends[-1] + sum(sizes[group : group + count]))
            group += count
        return tuple(slice(start, stop) for start, stop in itertools.pairwise(ends))

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of what a picture can be: the attributes of all groups, or the classes."""
        return tuple(name for group in self.attributes for name in group) or self.classes

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    @property
    def value_range(self) -> tuple[float, float] | None:
        """(-1, 1) for pictures; None for points, which are in data units."""
        return (-1.0, 1.0) if self.is_image else None

    def to_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"shape": list(self.shape), "classes": list(self.classes)}
        if self.attributes:
            fields["attributes"] = [list(group) for group in self.attributes]
        if self.sets:
            fields["sets"] = list(self.sets)
        return fields if self.source is None else fields | {"source": list(self.source), "paired": self.paired}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Spec:
        source = fields.get("source")
        return cls(
            tuple(int(n) for n in fields["shape"]),
            tuple(str(name) for name in fields["classes"]),
            None if source is None else tuple(int(n) for n in source),
            bool(fields.get("paired", False)),
            tuple(tuple(str(name) for name in group) for group in fields.get("attributes", ())),
            tuple(int(n) for n in fields.get("sets", ())),
        )
