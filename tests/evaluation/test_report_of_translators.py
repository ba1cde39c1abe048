"""The part of a report that shows translations: best, median and worst of held-out pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.data.dataset import ArrayData
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.evaluation.report import translations
from ganvas.evaluation.report.extremes import extremes
from ganvas.runs import Model
from ganvas.runs.grids import side_by_side


class Answering(Model):
    """A model that answers with a function of picture and label."""

    def __init__(self, spec: Spec, answer: Callable[..., Tensor]) -> None:
        self.spec, self.answer, self.method_name = spec, answer, "planted"
        self.method = cast(Any, nn.Module())
        self.method.translates, self.method.conditional = True, bool(spec.domains)

    def translate(self, source: Tensor, label: Tensor | None = None, *, back: bool = False, **_: Any) -> Tensor:
        return self.answer(source) if label is None else self.answer(source, label)


def levels(count: int = 40) -> Tensor:
    """Flat pictures, each of its own brightness, uint8 (count, 1, 6, 8)."""
    return (torch.arange(count) * 5).byte().view(-1, 1, 1, 1).expand(-1, 1, 6, 8).contiguous()


def test_pairs_are_ranked_by_their_targets() -> None:
    source = levels()
    data = PairData(source, source.expand(-1, 3, -1, -1).contiguous()).split(0.5)
    model = Answering(data.spec, lambda x: (x + 0.5).clamp(max=1).expand(-1, 3, -1, -1) * (x > -0.8))
    found = extremes(model, data)
    assert found is not None and found.third == "target" and found.of == 20
    given, target = data.held_out().pairs(64)
    errors = sorted((model.translate(given) - target).abs().mean((1, 2, 3)).tolist())
    assert found.distances == pytest.approx([errors[0], errors[10], errors[-1]])
    assert [side.shape[1] for side in found.columns] == [1, 3, 3]
    page = translations(None, None, 3, model, data)
    assert "The best, the median and the worst of 20 held-out pictures" in page and page.count("<img") == 1
    assert "<img" not in translations(None, None, 3, model, None)


def test_domains_and_labels_are_ranked_by_the_way_back() -> None:
    domains = TwoDomainData(levels(), levels()).split(0.5)
    found = extremes(Answering(domains.spec, lambda x: x * 0.9), domains)
    assert found is not None and found.third == "and back"
    assert found.distances[0] < found.distances[1] < found.distances[2]
    labelled = ArrayData(levels(), torch.arange(40) % 2, classes=("cat", "dog")).split(0.5)
    found = extremes(Answering(labelled.spec, lambda x, label: x * 0.5), labelled)
    assert found is not None and set(found.asked) <= {"cat", "dog"} and "Asked for, row by row: " in found.caption()[0]

    def refuse(x: Tensor) -> Tensor:
        raise UsageError("no way back", "")

    assert extremes(Answering(domains.spec, refuse), domains) is None


def test_pictures_of_two_sizes_stand_side_by_side() -> None:
    small, large = torch.rand(2, 1, 3, 4), torch.rand(2, 3, 6, 8)
    sheet = side_by_side(small, large)
    assert sheet.shape == (4, 3, 6, 8)
    assert torch.equal(sheet[0, 0, ::2, ::2], small[0, 0]) and torch.equal(sheet[1], large[0])
