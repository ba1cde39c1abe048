"""StyleGAN2's networks against what they are written to be: filters a sample, unit norms, groups that do not mix."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.networks.equalised import EqualisedConv2d, EqualisedLinear, activate
from ganvas.networks.style_critic import BatchDeviation, StyleCritic, group_size
from ganvas.networks.style_generator import AVERAGE_DECAY, Mapping, ModulatedConv2d, Noise, StyleGenerator, demodulation


def generator(spec: Spec, **settings: int) -> StyleGenerator:
    torch.manual_seed(0)
    return StyleGenerator(spec, **({"latent_size": 5, "style_size": 6, "mapping_layers": 2, "width": 4} | settings))


def test_equalised_layers_start_with_unit_outputs_and_learn_as_slowly_as_told():
    torch.manual_seed(0)
    dense, conv = EqualisedLinear(400, 300, multiplier=0.01), EqualisedConv2d(40, 60, 3, gain=1.0)
    assert dense(torch.randn(200, 400)).std().item() == pytest.approx(1, abs=0.02)
    assert conv(torch.randn(8, 40, 12, 12))[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.03)
    with torch.no_grad():  # a step of Adam moves each weight by the rate: here by 1
        before = dense.weight * dense.weight_scale
        dense.weight += 1
        torch.testing.assert_close(dense.weight * dense.weight_scale - before, torch.full((300, 400), 0.01 / 20))
    x = torch.linspace(-1, 1, 9)
    gained = EqualisedLinear(9, 9, gain=math.sqrt(2))
    with torch.no_grad():
        gained.weight.copy_(3 * torch.eye(9))
    torch.testing.assert_close(activate(gained(x[None]))[0], math.sqrt(2) * F.leaky_relu(x, 0.2))


@pytest.mark.parametrize("up", [False, True])
def test_modulation_is_a_filter_of_its_own_for_each_sample(up):
    torch.manual_seed(0)
    layer = ModulatedConv2d(5, 7, up=up).double()
    layer.bias.data.normal_()
    x, scale = torch.randn(3, 5, 6, 8, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    weight = layer.weight * layer.scale
    filters = weight * scale[:, None, :, None, None]  # (N, O, I, K, K), eq. 1
    filters = filters / (filters.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()  # eq. 3
    torch.testing.assert_close(filters.flatten(2).norm(dim=2), torch.ones(3, 7, dtype=torch.float64), atol=1e-6, rtol=0)
    wanted = []
    for sample, own in zip(x, filters, strict=True):
        if up:
            own = layer.fir(F.conv_transpose2d(sample[None], own.transpose(0, 1), stride=2))
        else:
            own = F.conv2d(sample[None], own, padding=1)
        wanted.append(math.sqrt(2) * (own + layer.bias.view(1, -1, 1, 1)))
    torch.testing.assert_close(layer(x, scale), torch.cat(wanted))


def test_demodulation_survives_a_style_of_zeros():
    assert demodulation(torch.ones(2, 3, 3, 3), torch.zeros(1, 3)).isfinite().all()


def test_noise_is_fresh_while_training_and_fixed_otherwise():
    layer, x = Noise(4, 6), torch.zeros(3, 2, 4, 6)
    assert torch.equal(layer(x), x)  # its strength starts from 0
    layer.strength.data.fill_(0.5)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x)) and torch.equal(layer(x)[0], layer(x)[2])
    torch.testing.assert_close(layer(x)[0, 1], 0.5 * math.sqrt(2) * layer.fixed[0, 0])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 40), (5, 64, 48)])
def test_any_channels_and_sides(shape):
    made = generator(Spec(shape))
    assert made(torch.randn(2, 5)).shape == (2, *shape)
    assert StyleCritic(Spec(shape), width=4, batch_size=4)(torch.randn(6, *shape)).shape == (6,)
    assert made.synthesis.layers == 2 * len(made.synthesis.stages) + 2
    with pytest.raises(UsageError, match="cannot make pictures of 30x28"):
        generator(Spec((1, 30, 28)))


def test_each_layer_listens_to_its_own_row_of_styles():
    made = generator(Spec((3, 16, 16))).eval()
    styles = made.every_layer(made.mapping(torch.randn(2, 5))).clone()
    with torch.no_grad():
        before = made.synthesis(styles)
        for layer in range(made.synthesis.layers):
            moved = styles.clone()
            moved[0, layer] += 1
            after = made.synthesis(moved)
            assert not torch.allclose(after[0], before[0])
            torch.testing.assert_close(after[1], before[1])


def test_the_mapping_ignores_the_length_of_a_latent_and_tells_classes_apart():
    torch.manual_seed(0)
    mapping = Mapping(5, 6, 2, classes=3)
    z, label = torch.randn(4, 5), torch.tensor([0, 1, 2, 1])
    torch.testing.assert_close(mapping(z, label), mapping(7 * z, label), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(mapping(z, label), mapping(z, label.roll(1)))


def test_average_styles_follow_their_own_class():
    mapping = Mapping(5, 2, 1, classes=3)
    w = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0], [0.0, 5.0], [0.0, 5.0], [0.0, 5.0]])
    label = torch.tensor([0, 0, 2, 2, 2, 2])
    mapping.track(w, label)
    found = mapping.average
    torch.testing.assert_close(found[0], (1 - AVERAGE_DECAY) * torch.tensor([2.0, 0.0]))  # 2 of 6: its share of three classes
    assert torch.equal(found[1], torch.zeros(2))
    torch.testing.assert_close(found[2], (1 - AVERAGE_DECAY**2) * torch.tensor([0.0, 5.0]))
    assert torch.equal(mapping.mean_style(torch.tensor([2, 0])), found[[2, 0]])
    torch.testing.assert_close(mapping.mean_style(), found.mean(0))
    alone = Mapping(5, 2, 1)
    for _ in range(3000):
        alone.track(w)
    torch.testing.assert_close(alone.mean_style(), w.mean(0), atol=1e-4, rtol=1e-4)


def test_the_batchs_deviation_is_that_of_neighbours():
    x = torch.randn(8, 3, 2, 5, generator=torch.Generator().manual_seed(0))
    joined = BatchDeviation(4)(x)
    assert torch.equal(joined[:, :3], x)
    for start in (0, 4):
        wanted = x[start : start + 4].std(0, correction=0).mean()
        torch.testing.assert_close(joined[start : start + 4, 3], wanted.expand(4, 2, 5))
    assert BatchDeviation(4)(x[:7]).shape == (7, 4, 2, 5)  # no group of 4 divides it: the whole batch is one
    assert [group_size(n) for n in (1, 2, 5, 6, 9, 32)] == [1, 2, 5, 3, 3, 4]


@pytest.mark.parametrize("batch", [4, 6])
def test_one_pass_of_the_critic_over_two_batches_is_two_passes(batch):
    torch.manual_seed(0)
    critic = StyleCritic(Spec((1, 8, 8)), width=4, batch_size=batch, classes=3).double()
    real, fake = torch.randn(2, batch, 1, 8, 8, dtype=torch.float64)
    label = torch.arange(batch) % 3
    both = critic(torch.cat([real, fake]), label.repeat(2))
    torch.testing.assert_close(both, torch.cat([critic(real, label), critic(fake, label)]))
    assert not torch.allclose(critic(real, label), critic(real, (label + 1) % 3))


def test_bfloat16_keeps_the_islands_in_float32():
    made = generator(Spec((3, 16, 16)), width=16).eval()
    critic = StyleCritic(Spec((3, 16, 16)), width=16, batch_size=4)
    z = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        exact = made(z)
        with torch.autocast("cpu", torch.bfloat16):
            w, rough = made.mapping(z), made(z)
            assert w.dtype == rough.dtype == critic(rough).dtype == torch.float32
            assert made.synthesis.first.convolution(torch.randn(4, 64, 4, 4), torch.randn(4, 64)).dtype == torch.bfloat16
        torch.testing.assert_close(w, made.mapping(z))
        assert (rough - exact).abs().max() < 0.05 * exact.abs().max()
