"""Generators of which everything is known, as trained models."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.method import Method, MethodConfig
from ganvas.runs import Model


class Plain(Method):
    """z -> pictures by any network, perhaps with one of its own for each class."""

    name = "plain"

    def __init__(self, config: MethodConfig, spec: Spec, network: nn.Module) -> None:
        super().__init__(config, spec)
        self.generator = network

    @property
    def conditional(self) -> bool:  # type: ignore[override]
        return bool(self.spec.classes)

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        made: Tensor = self.generator(latent)
        return made if label is None else made + 0.1 * label.view(-1, 1, 1, 1)


class Rows(nn.Module):
    """Two affine readers of w, a row of styles each, whose sum is the picture."""

    def __init__(self, width: int, pixels: int) -> None:
        super().__init__()
        self.mapping = nn.Linear(width, width, bias=False)
        self.coarse, self.fine = nn.Linear(width, pixels), nn.Linear(width, pixels)


class StyledRows(Method):
    """A method with styles: w = M z, picture = A_0 w_0 + A_1 w_1."""

    name = "styled"
    layers = 2

    def __init__(self, config: MethodConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.generator: Rows = Rows(config.latent_size, spec.shape[1] * spec.shape[2])

    def styles(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        w: Tensor = self.generator.mapping(latent)
        return w[:, None].expand(-1, 2, -1).clone()

    def average_style(self, label: Tensor | None = None) -> Tensor:
        return torch.zeros(self.config.latent_size)

    def synthesise(self, styles: Tensor) -> Tensor:
        flat = self.generator.coarse(styles[:, 0]) + self.generator.fine(styles[:, 1])
        return flat.view(-1, *self.spec.shape) / 2

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        return self.synthesise(self.styles(latent))


def model_of(method: Method) -> Model:
    """A trained model around a method."""
    return Model(method.eval().requires_grad_(False), {}, {"facts": {"data": "planted"}, "fingerprint": "0" * 64})


def plain(network: nn.Module, latent_size: int, shape: tuple[int, ...], *, prior: str = "normal", classes: int = 0) -> Model:
    spec = Spec(shape, tuple(str(number) for number in range(classes)))
    return model_of(Plain(MethodConfig(latent_size=latent_size, prior=prior), spec, network))  # type: ignore[arg-type]


def linear(latent_size: int = 8, side: int = 4, *, gain: float = 0.2, seed: int = 0, **options: object) -> Model:
    """Pictures that are affine in z."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(latent_size, side * side), nn.Unflatten(1, (1, side, side)))
        nn.init.normal_(network[0].weight, std=gain)  # type: ignore[arg-type]
    return plain(network, latent_size, (1, side, side), **options)  # type: ignore[arg-type]


def with_styles(latent_size: int = 6, side: int = 4, change: Callable[[Rows], None] = lambda rows: None) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        method = StyledRows(MethodConfig(latent_size=latent_size), Spec((1, side, side)))
    change(method.generator)
    return model_of(method)
