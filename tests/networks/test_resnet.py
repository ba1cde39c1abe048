"""Residual networks of sngan and biggan: the joined resampling, conditions, attention and projection against their formulas."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.attention import SelfAttention
from ganvas.networks.conditional_norm import by_class, by_vector
from ganvas.networks.projection import Projection
from ganvas.networks.resampled import DownConv2d, UpConv2d
from ganvas.networks.residual import DeepDownBlock, DeepUpBlock, DownBlock, UpBlock
from ganvas.networks.resnet import BigGANGenerator, ResNetDiscriminator, attended_stage
from ganvas.training.footprint import Alive

DIGITS = Spec((1, 28, 28), tuple("0123456789"))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("fast", [True, False])
def test_doubling_and_convolving_in_one(fast):
    layer, x = UpConv2d(5, 7).double(), noise(2, 5, 3, 4).double().requires_grad_()
    layer.fast = fast and layer.fast
    wanted = F.conv2d(F.interpolate(x, scale_factor=2.0), layer.weight, layer.bias, padding=1)
    assert_same(layer(x), wanted, [x, layer.weight, layer.bias])


def test_convolving_and_halving_in_one():
    layer, x = DownConv2d(5, 7).double(), noise(2, 5, 6, 4).double().requires_grad_()
    wanted = F.avg_pool2d(F.conv2d(x, layer.weight, layer.bias, padding=1), 2)
    assert_same(layer(x), wanted, [x, layer.weight, layer.bias])


def assert_same(found: Tensor, wanted: Tensor, leaves: list[Tensor]) -> None:
    torch.testing.assert_close(found, wanted)
    weights = torch.linspace(-1, 1, wanted.numel(), dtype=wanted.dtype).view_as(wanted)
    gradients = [torch.autograd.grad((value * weights).sum(), leaves) for value in (found, wanted)]
    for mine, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, plain)


def test_blocks_compute_what_their_docstrings_say():
    x, norm = noise(2, 6, 4, 6), by_class(0)
    up = UpBlock(6, 4, norm).eval()
    grown = F.interpolate(F.relu(up.norm1(x)), scale_factor=2.0)
    h = up.conv2(F.relu(up.norm2(F.conv2d(grown, up.conv1.weight, up.conv1.bias, padding=1))))
    torch.testing.assert_close(up(x, None), up.skip(F.interpolate(x, scale_factor=2.0)) + h)
    down = DownBlock(6, 8)
    h = F.conv2d(F.relu(down.conv1(F.relu(x))), down.conv2.weight, down.conv2.bias, padding=1)
    torch.testing.assert_close(down(x), F.avg_pool2d(down.skip(x) + h, 2), rtol=1e-4, atol=1e-5)
    assert not torch.equal(DownBlock(6, 6, first=True, halve=False)(x), DownBlock(6, 6, halve=False)(x))


def test_the_deep_blocks_keep_channels_on_the_way_around():
    x = noise(2, 8, 4, 6)
    up = DeepUpBlock(8, 4, by_class(0), grow=True)
    nn.init.zeros_(up.convs[-1].weight)
    nn.init.zeros_(up.convs[-1].bias)
    assert torch.equal(up(x, None), F.interpolate(x[:, :4], scale_factor=2.0))
    down = DeepDownBlock(8, 12, halve=True)
    nn.init.zeros_(down.last.weight)
    nn.init.zeros_(down.last.bias)
    found = down(x)
    assert torch.equal(found[:, :8], F.avg_pool2d(x, 2))
    torch.testing.assert_close(found[:, 8:], F.avg_pool2d(down.widen(x), 2))
    assert DeepUpBlock(8, 8, by_class(0), grow=False)(x, None).shape == DeepDownBlock(8, 8, halve=False)(x).shape == x.shape


def test_gain_and_shift_are_the_classes_own():
    norm, x, label = by_class(3)(4), noise(5, 4, 3, 3), torch.tensor([0, 1, 2, 1, 0])
    plain = nn.BatchNorm2d(4, affine=False)(x)
    torch.testing.assert_close(norm(x, label), plain)  # it starts as plain batch norm
    nn.init.normal_(norm.gain.weight)
    nn.init.normal_(norm.shift.weight)
    wanted = torch.stack(
        [
            p * (1 + norm.gain.weight[y])[:, None, None] + norm.shift.weight[y][:, None, None]
            for p, y in zip(plain, label, strict=True)
        ]
    )
    torch.testing.assert_close(norm(x, label), wanted)
    told, condition = by_vector(2)(4), noise(5, 2)
    gain, shift = 1 + condition @ told.gain.weight.t(), condition @ told.shift.weight.t()
    torch.testing.assert_close(told(x, condition), plain * gain[:, :, None, None] + shift[:, :, None, None])


def test_attention_against_a_loop_over_places():
    torch.manual_seed(0)
    layer, x = SelfAttention(16), noise(2, 16, 4, 6)
    assert torch.equal(layer(x), x)  # gamma starts at 0
    nn.init.constant_(layer.gamma.factor, 0.7)
    query, key, value = layer.query(x), F.max_pool2d(layer.key(x), 2), F.max_pool2d(layer.value(x), 2)
    seen = torch.zeros(2, 8, 4, 6)
    for n in range(2):
        for i in range(4):
            for j in range(6):
                logits = torch.stack([query[n, :, i, j] @ key[n, :, a, b] for a in range(2) for b in range(3)])
                values = torch.stack([value[n, :, a, b] for a in range(2) for b in range(3)])
                seen[n, :, i, j] = logits.softmax(0) @ values
    torch.testing.assert_close(layer(x), x + 0.7 * layer.out(seen), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_attention_never_holds_all_pairs_of_places(layout: torch.memory_format):
    layer = SelfAttention(16)
    with Alive(layer) as alive:
        layer(noise(1, 16, 64, 64).to(memory_format=layout)).sum().backward()
    assert alive.peak < 4096 * 1024 * 4 / 4  # bytes of all pairs, in float32


def test_projection_adds_the_inner_product_with_the_class():
    head, features, label = Projection(6, 3), noise(4, 6), torch.tensor([2, 0, 1, 1])
    wanted = [
        head.linear.weight[0] @ f + head.linear.bias[0] + head.embedding.weight[y] @ f
        for f, y in zip(features, label, strict=True)
    ]
    torch.testing.assert_close(head(features, label), torch.stack(wanted))
    assert Projection(6).embedding is None


def test_attention_is_at_the_stated_side_or_refused():
    spec = Spec((3, 128, 192), ("a",))
    assert [attended_stage(spec, 5, side) for side in (4, 64, 0, -1)] == [0, 4, 4, None]
    assert attended_stage(Spec((3, 256, 256), ("a",)), 6, 0) == 4  # maps of 64
    assert attended_stage(DIGITS, 2, 0) == 1  # maps of 14
    with pytest.raises(
        UsageError, match="attention=32: no map of 28x28 pictures has this side: choose from 7, 14, or 0 for 14"
    ):
        attended_stage(DIGITS, 2, 32)


def test_each_stage_hears_its_own_part_of_the_latent():
    """A change in the last part leaves all maps before the last stage as they are; one in the first part does not."""
    torch.manual_seed(0)
    settings = {"latent_size": 11, "width": 4, "shared": 5, "attention": 14, "deep": False}
    generator = BigGANGenerator(DIGITS, **settings).eval()
    assert generator.parts == [5, 3, 3]
    nn.init.constant_(generator.attention.gamma.factor, 1.0)
    maps: list[Tensor] = []
    generator.stages[0].register_forward_hook(lambda layer, inputs, output: maps.append(output))
    latent, label = noise(2, 11), torch.tensor([3, 4])
    changed = latent.clone()
    changed[:, 8:] += 1
    first, second = generator(latent, label), generator(changed, label)
    assert torch.equal(*maps)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first, generator(latent, label + 1))
    with pytest.raises(UsageError, match="latent_size=2 is too little for 3 parts"):
        BigGANGenerator(DIGITS, **settings | {"latent_size": 2})


@pytest.mark.parametrize("shape", [(2, 8, 12), (3, 32, 48), (1, 28, 28), (4, 128, 64)])
@pytest.mark.parametrize("deep", [False, True])
def test_any_channels_and_sides(shape, deep):
    spec, label = Spec(shape, ("a", "b")), torch.tensor([0, 1, 1])
    generator = BigGANGenerator(spec, latent_size=12, width=4, shared=4, attention=0, deep=deep)
    critic = ResNetDiscriminator(spec, width=4, conditional=True, attention=0, deep=deep)
    pictures = generator(noise(3, 12), label)
    assert pictures.shape == (3, *shape)
    assert pictures.abs().max() <= 1
    assert critic(pictures, label).shape == (3,)
