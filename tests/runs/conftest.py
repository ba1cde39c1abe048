"""Small methods that look trained, for the tests of runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganvas.data.batches import Spec
from ganvas.method import Method
from ganvas.methods import METHODS


@pytest.fixture
def digits() -> Spec:
    return Spec((1, 28, 28), tuple("0123456789"))


@pytest.fixture
def small(digits: Spec) -> Callable[..., Method]:
    """A method of width 8 whose samples differ visibly and whose batch norms have statistics other than 0 and 1."""

    def make(name: str = "cgan", spec: Spec | None = None, **settings: Any) -> Method:
        torch.manual_seed(0)
        usual = {"width": 8} if METHODS[name].translates else {"width": 8, "latent_size": 6}
        method = METHODS[name](METHODS[name].Config(**usual | settings), spec or digits)
        with torch.no_grad():
            for parameter in method.parameters():
                if parameter.dim() > 1 and not parameter.any():
                    parameter.normal_(std=0.1)
                elif parameter.dim() > 1 and parameter.std() < 0.05:  # the start of DCGAN, not one that keeps a signal's size
                    parameter.mul_(8)
        for key, buffer in method.named_buffers():
            if buffer.is_floating_point() and "parametrizations" not in key:  # spectral norm's vectors are its weight's own
                buffer.uniform_(0.5, 2.0) if "var" in key else buffer.normal_(std=0.1)
        return method.eval()

    return make


@pytest.fixture
def weights_of() -> Callable[[Method], dict[str, Tensor]]:
    """What training hands to ``write_model``."""

    def collect(method: Method) -> dict[str, Tensor]:
        own = {name: getattr(method, name).state_dict() for name in (*method.averaged, *method.kept)}
        return {f"{name}.{key}": value.clone().contiguous() for name, state in own.items() for key, value in state.items()}

    return collect
