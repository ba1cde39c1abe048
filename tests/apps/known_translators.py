"""Translators of which the answer is known, in the shape of a trained model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.method import TranslatorConfig
from ganvas.runs import Model


class Method(nn.Module):
    """As much of a method as an app looks at."""

    def __init__(self, translates: bool, multiple: int) -> None:
        super().__init__()
        self.conditional, self.name = False, "planted"
        self.translates, self.config, self.generator = translates, TranslatorConfig(width=4), nn.Module()
        self.generator.multiple = multiple  # type: ignore[assignment]


class Planted(Model):
    """A model that answers with a function; ``largest`` is the largest picture that it was shown, in pixels."""

    def __init__(
        self,
        answer: Callable[[Tensor], Tensor],
        source: int,
        target: int,
        *,
        times: int = 1,
        data: str = "",
        translates: bool = True,
        multiple: int = 8,
    ) -> None:
        self.spec = Spec((target, 32 * times, 32 * times), source=(source, 32, 32), paired=True)
        self.method = Method(translates, multiple)  # type: ignore[assignment]
        self.method_name, self.answer, self.facts, self.hash = "planted", answer, {"data": data}, "0" * 64
        self.device, self.largest, self.ways = torch.device("cpu"), 0, []

    def translate(self, source: Tensor, label: Tensor | None = None, *, back: bool = False, **_: Any) -> Tensor:
        assert source.dtype == torch.float32
        assert source.min() >= -1
        assert source.max() <= 1
        self.largest = max(self.largest, source.shape[2] * source.shape[3])
        self.ways.append(back)
        return self.answer(source)


class Told(Planted):
    """A planted StarGAN: ``answer`` takes a picture and a label (K,), and every picture is ``own`` to its critic."""

    def __init__(self, answer: Callable[[Tensor, Tensor], Tensor], spec: Spec, own: Tensor) -> None:
        super().__init__(lambda source: source, spec.shape[0], spec.shape[0], multiple=4)
        self.told, self.spec, self.own, self.looked = answer, spec, own, 0
        self.method.conditional = True
        self.method.name = self.method_name = "stargan"

    def translate(self, source: Tensor, label: Tensor | None = None, *, back: bool = False, **_: Any) -> Tensor:
        assert label is not None
        self.largest = max(self.largest, source.shape[2] * source.shape[3])
        return self.told(source, label)

    def recognise(self, pictures: Tensor) -> Tensor:
        self.looked += 1
        return self.own.expand(len(pictures), -1)
