"""Scores and slopes in one go equal autograd's double backward, in value and in every weight's gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganvas.data.batches import Spec
from ganvas.networks.dcgan import DCGANDiscriminator
from ganvas.networks.mlp import MLP
from ganvas.networks.modern import ModernDiscriminator
from ganvas.networks.reference import ReferenceDiscriminator
from ganvas.networks.slopes import by_autograd, layers_of, scores_and_slopes


def normalised() -> nn.Module:
    critic = MLP(3, 1, width=7, slope=0.2, squeeze=True)
    for layer in critic:
        if isinstance(layer, nn.Linear):
            spectral_norm(layer)
    return critic.eval()


CRITICS = {
    "mlp": (lambda: MLP(2, 1, width=9, squeeze=True), (2,)),
    "leaky mlp": (lambda: MLP(5, 1, width=6, depth=2, slope=0.2, squeeze=True), (5,)),
    "width 1": (lambda: MLP(3, 1, width=1, depth=1, slope=0.2, squeeze=True), (3,)),
    "dcgan": (lambda: DCGANDiscriminator(Spec((3, 16, 24)), width=4, batch_norm=False), (3, 16, 24)),
    "bottlenecks": (lambda: ModernDiscriminator(Spec((2, 8, 16)), width=8, blocks=2), (2, 8, 16)),
    "basic": (lambda: ModernDiscriminator(Spec((1, 16, 16)), width=6, blocks=2, block="basic", patch=2), (1, 16, 16)),
    "dense ends": (lambda: ModernDiscriminator(Spec((2, 8, 16)), width=8, blocks=1, ends="dense"), (2, 8, 16)),
    "fine": (lambda: ModernDiscriminator(Spec((2, 8, 16)), width=6, blocks=1, patch=2, fine=3, ends="dense"), (2, 8, 16)),
    "spectral": (normalised, (3,)),
}


def gradients(critic: nn.Module, found: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Of a loss that weighs every score and slope differently."""
    torch.manual_seed(1)
    loss = sum((part * torch.randn_like(part)).sum() + part.square().mean() for part in found)
    return list(torch.autograd.grad(loss, list(critic.parameters())))  # type: ignore[arg-type]


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", CRITICS)
def test_equals_double_backward(name: str, elsewhere: bool, channels_last: bool) -> None:
    torch.manual_seed(0)
    build, shape = CRITICS[name]
    critic = build().double()
    if channels_last:
        critic = critic.to(memory_format=torch.channels_last)
    for parameter in critic.parameters():  # biases that are not zero
        nn.init.normal_(parameter, std=0.5)
    samples = torch.randn(5, *shape, dtype=torch.float64)
    at = torch.randn(3, *shape, dtype=torch.float64) if elsewhere else None
    before = samples.clone()
    assert layers_of(critic) is not None
    ours, theirs = scores_and_slopes(critic, samples, at), by_autograd(critic, samples, at)
    assert len(ours[0]) == 5
    assert len(ours[1]) == (3 if elsewhere else 5)
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference)
    for mine, reference in zip(gradients(critic, ours), gradients(critic, theirs), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-9)
    assert torch.equal(samples, before)


LABELLED = {
    "residual": lambda: ModernDiscriminator(Spec((1, 8, 8)), width=6, blocks=1, block="basic", classes=3),
    "dcgan": lambda: DCGANDiscriminator(Spec((1, 8, 8)), width=6, batch_norm=False, classes=3),
}


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("name", LABELLED)
def test_a_label_says_which_score_and_slope(name: str, elsewhere: bool) -> None:
    torch.manual_seed(0)
    critic = LABELLED[name]().double()
    for parameter in critic.parameters():
        nn.init.normal_(parameter, std=0.5)
    samples, at = torch.randn(5, 1, 8, 8).double(), torch.randn(3, 1, 8, 8).double() if elsewhere else None
    label = torch.arange(8 if elsewhere else 5) % 3
    ours, theirs = (f(critic, samples, at, label=label) for f in (scores_and_slopes, by_autograd))
    torch.testing.assert_close(ours[0], critic(samples, label[:5]))
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference)
    for mine, reference in zip(gradients(critic, ours), gradients(critic, theirs), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-9)
    assert layers_of(critic) is None  # without a label it has no one score


@pytest.mark.parametrize("elsewhere", [False, True])
def test_under_autocast_it_is_near_float32(elsewhere: bool) -> None:
    torch.manual_seed(0)
    critic = DCGANDiscriminator(Spec((3, 16, 16)), width=16, batch_norm=False).to(memory_format=torch.channels_last)
    samples = torch.randn(8, 3, 16, 16)
    at = torch.randn(8, 3, 16, 16) if elsewhere else None
    exact = gradients(critic, scores_and_slopes(critic, samples, at))
    with torch.autocast("cpu", torch.bfloat16):
        found = scores_and_slopes(critic, samples, at)
    assert {part.dtype for part in found} == {torch.float32}
    rounded = gradients(critic, found)
    assert {gradient.dtype for gradient in rounded} == {torch.float32}
    mine, reference = (torch.cat([g.flatten() for g in group]) for group in (rounded, exact))
    assert torch.nn.functional.cosine_similarity(mine, reference, dim=0) > 0.999


def test_other_critics_go_through_autograd() -> None:
    torch.manual_seed(0)
    smooth = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 1), nn.Flatten(0))
    assert layers_of(smooth) is None
    assert layers_of(ReferenceDiscriminator(Spec((1, 28, 28)), batch_norm=True)) is None
    assert layers_of(DCGANDiscriminator(Spec((1, 28, 28)), width=4)) is None
    scores, slopes = scores_and_slopes(smooth, torch.randn(4, 2), torch.randn(3, 2))
    slopes.sum().backward()
    assert scores.shape == (4,)
    assert slopes.shape == (3,)
    assert smooth[0].weight.grad is not None  # type: ignore[union-attr]


def test_the_gradient_can_be_taken_only_once() -> None:
    critic = MLP(2, 1, width=4, squeeze=True)
    scores, slopes = scores_and_slopes(critic, torch.randn(4, 2))
    (scores.sum() + slopes.sum()).backward(retain_graph=True)  # type: ignore[no-untyped-call]
    with pytest.raises(RuntimeError, match="only once"):
        scores.sum().backward()  # type: ignore[no-untyped-call]


def test_frozen_critics_only_give_values() -> None:
    critic = MLP(2, 1, width=4, squeeze=True).requires_grad_(False)
    samples = torch.randn(4, 2)
    scores, slopes = scores_and_slopes(critic, samples)
    assert not scores.requires_grad
    assert torch.allclose(scores, critic(samples))
    assert slopes.shape == (4,)
