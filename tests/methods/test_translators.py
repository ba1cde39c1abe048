"""The translators' losses against their papers' formulas, their image pool, and that they learn a mapping that is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganvas.data.batches import Pairs, Spec
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import UsageError
from ganvas.method import Method
from ganvas.methods import METHODS, WGAN, CycleGAN, CycleGANConfig, Pix2Pix, Pix2PixConfig, WGANConfig
from ganvas.methods.cyclegan import ImagePool
from ganvas.training.budget import rate_factor
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks
from tiny import TRANSLATORS, config_for, data_for

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def engine(method: Method) -> Engine:
    return Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))


def spec(source: int, target: int, rows: int, columns: int, *, paired: bool) -> Spec:
    return Spec((target, rows, columns), source=(source, rows, columns), paired=paired)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize(("source", "target"), [(1, 3), (3, 1), (2, 2)])
@pytest.mark.parametrize("size", [(8, 8), (10, 13), (31, 18)])
def test_training_takes_any_size_and_channels(name, source, target, size):
    paired = METHODS[name].batch is Pairs
    method = METHODS[name](config_for(name), spec(source, target, *size, paired=paired))
    play, before = engine(method), [p.clone() for p in method.parameters()]
    batch = method.batch(noise(2, source, *size), noise(2, target, *size))
    play.step(0, iter([batch]))
    assert all(math.isfinite(value) for value in play.terms().values())
    assert sum(not torch.equal(a, b) for a, b in zip(before, method.parameters(), strict=True)) > 0.9 * len(before)
    assert play.translate(noise(3, source, 9, 17)).shape == (3, target, 9, 17)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_bfloat16_trains(name):
    data = data_for(name)
    method = METHODS[name](config_for(name), data.spec)
    play = Engine(method, device=CPU, autocast=torch.bfloat16, seed=0, ranks=Ranks(CPU))
    stream = data.stream(2, seed=0)
    for step in range(3):
        play.step(step, stream)
    assert all(math.isfinite(value) for value in play.terms().values())


def test_pix2pix_minimises_what_equation_4_says():
    torch.manual_seed(0)
    method = Pix2Pix(Pix2PixConfig(width=4, reconstruction=7.0), spec(1, 3, 16, 16, paired=True))
    source, target, fake = noise(2, 1, 16, 16), noise(2, 3, 16, 16, seed=1), noise(2, 3, 16, 16, seed=2)
    on_real = torch.sigmoid(method.discriminator(torch.cat([source, target], 1)))
    on_fake = torch.sigmoid(method.discriminator(torch.cat([source, fake], 1)))
    found = method.discriminator_loss(source, target, fake)
    assert found["half_minimax"].item() == pytest.approx(-0.5 * (on_real.log().mean() + (1 - on_fake).log().mean()).item())
    found = method.generator_loss(source, target, fake)
    assert found["l1"].item() == pytest.approx(7.0 * (target - fake).abs().mean().item())
    assert found["non_saturating"].item() == pytest.approx(-on_fake.log().mean().item(), rel=1e-5)


def test_without_the_game_pix2pix_is_a_regression():
    data = data_for("pix2pix")
    method = Pix2Pix(Pix2PixConfig(width=4, batch_size=2, adversarial=0.0), data.spec)
    play, before = engine(method), [p.clone() for p in method.discriminator.parameters()]
    play.step(0, data.stream(2, seed=0))
    assert list(play.terms()) == ["generator/l1"]
    assert all(torch.equal(a, b) for a, b in zip(before, method.discriminator.parameters(), strict=True))


def test_cyclegan_minimises_what_equation_3_says():
    torch.manual_seed(0)
    method = CycleGAN(CycleGANConfig(width=4, blocks=1, cycle=3.0, identity=0.5), spec(1, 1, 16, 16, paired=False))
    x, y = noise(2, 1, 16, 16), noise(2, 1, 16, 16, seed=1)
    fake_y, fake_x = method.generator(x), method.inverse(y)
    found = method.generator_loss(x, y, fake_x, fake_y)
    wanted = {
        "least_squares_x": (method.discriminator_x(fake_x) - 1).square().mean(),
        "least_squares_y": (method.discriminator_y(fake_y) - 1).square().mean(),
        "cycle_x": 3.0 * (method.inverse(fake_y) - x).abs().mean(),
        "cycle_y": 3.0 * (method.generator(fake_x) - y).abs().mean(),
        "identity_x": 1.5 * (method.inverse(x) - x).abs().mean(),
        "identity_y": 1.5 * (method.generator(y) - y).abs().mean(),
    }
    assert {k: v.item() for k, v in found.items()} == pytest.approx({k: v.item() for k, v in wanted.items()})
    found = method.discriminator_loss(x, y, fake_x, fake_y)
    real, fake = method.discriminator_y(y), method.discriminator_y(fake_y)
    assert found["least_squares_y"].item() == pytest.approx(0.5 * ((real - 1).square().mean() + fake.square().mean()).item())


def test_identity_needs_the_same_channels():
    method = CycleGAN(CycleGANConfig(width=4, blocks=1), spec(1, 3, 16, 16, paired=False))
    x, y = noise(2, 1, 16, 16), noise(2, 3, 16, 16)
    terms = method.generator_loss(x, y, method.translate_back(y), method.translate(x))
    assert not any(name.startswith("identity") for name in terms)


def test_the_pool_shows_and_keeps_fakes_by_halves():
    torch.manual_seed(0)
    pool = ImagePool(20, (1, 1, 1))
    first = torch.arange(20.0).view(-1, 1, 1, 1)
    assert torch.equal(pool.exchange(first), first)
    assert torch.equal(pool.pictures, first)
    shown = pool.exchange(torch.arange(100.0, 1100.0).view(-1, 1, 1, 1)).flatten()
    came = torch.arange(100.0, 1100.0)
    new = shown == came
    assert 0.45 < new.float().mean() < 0.55
    # A fake that is not shown at once is kept, and shown once later or still there: nothing is lost, nothing shown twice.
    assert sorted([*shown.tolist(), *pool.pictures.flatten().tolist()]) == [*range(20), *range(100, 1100)]
    assert (shown[~new] < came[~new]).all()
    assert ImagePool(0, (1, 1, 1)).exchange(first) is first


def test_late_linear_falls_in_the_second_half():
    factors = [rate_factor("late-linear", images, 200) for images in (0, 50, 100, 150, 175, 200, 300)]
    assert factors == pytest.approx([1, 1, 1, 0.5, 0.25, 0, 0])
    assert rate_factor("late-linear", 1000, 0) == 1


def test_data_of_another_kind_is_refused_in_one_line():
    pairs, domains = (spec(1, 3, 16, 16, paired=paired) for paired in (True, False))
    for kind, config, given, words in (
        (Pix2Pix, Pix2PixConfig(), domains, "pairs of pictures, this data is two domains"),
        (Pix2Pix, Pix2PixConfig(), Spec((1, 16, 16)), "pairs of pictures, this data is samples"),
        (CycleGAN, CycleGANConfig(), pairs, "two domains of pictures without pairs, this data is pairs"),
        (WGAN, WGANConfig(), pairs, "samples of one kind, this data is pairs"),
    ):
        with pytest.raises(UsageError, match=words):
            kind(config, given)
    with pytest.raises(UsageError, match="patches of 70x70 need sides of 24 pixels, not 16x16"):
        Pix2Pix(Pix2PixConfig(width=4, patch="70x70"), pairs)
    with pytest.raises(UsageError, match="1 to 8 times as large"):
        Pix2Pix(Pix2PixConfig(), Spec((1, 16, 16), source=(1, 12, 12), paired=True))
    with pytest.raises(UsageError, match="makes none from noise"):
        Pix2Pix(Pix2PixConfig(width=4), pairs).sample(torch.zeros(2, 0))


def smooth(count: int, seed: int) -> Tensor:
    """Soft random pictures, uint8 (count, 1, 24, 20)."""
    coarse = torch.rand(count, 1, 6, 5, generator=torch.Generator().manual_seed(seed))
    return (torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear") * 255).byte()


def boxes(count: int, seed: int) -> Tensor:
    """A white rectangle on black, uint8 (count, 1, 16, 12)."""
    generator, pictures = torch.Generator().manual_seed(seed), torch.zeros(count, 1, 16, 12, dtype=torch.uint8)
    for picture in pictures:
        rows, columns = (int(torch.randint(3, 7, (), generator=generator)) for _ in range(2))
        top, left = (int(torch.randint(0, side, (), generator=generator)) for side in (16 - rows, 12 - columns))
        picture[:, top : top + rows, left : left + columns] = 255
    return pictures


def coloured(grey: Tensor) -> Tensor:
    return torch.cat([255 - grey, grey // 2, grey], dim=1)


def error_after(steps: int, method: Method, data: PairData | TwoDomainData, truth: Pairs) -> tuple[float, float]:
    """The L1 distance to the target of the averaged weights' translations, and of the source itself."""
    play, stream, batch = engine(method), data.stream(method.config.batch_size, seed=0), method.config.batch_size
    for step in range(steps):
        play.step(step, stream)
        play.average((step + 1) * batch, batch)
    identity = (truth.source.expand_as(truth.target) - truth.target).abs().mean()
    return float((play.translate(truth.source) - truth.target).abs().mean()), float(identity)


def test_pix2pix_learns_a_mapping():
    data = PairData(smooth(200, 1), coloured(smooth(200, 1))).split(0.2)
    torch.manual_seed(0)
    method = Pix2Pix(Pix2PixConfig(width=8, batch_size=4, learning_rate=2e-3, dropout=0.0), data.spec)
    error, identity = error_after(120, method, data, data.held_out().pairs(40))
    assert identity > 0.35
    assert error < 0.15 * identity


def test_cyclegan_learns_a_mapping_without_pairs():
    data = TwoDomainData(boxes(300, 1), coloured(boxes(300, 2)))
    truth = PairData(boxes(40, 3), coloured(boxes(40, 3))).pairs(40)
    errors = []
    for seed in range(3):  # the game without pairs is chaotic, rounding decides its turns: one of the three may go astray
        torch.manual_seed(seed)
        method = CycleGAN(CycleGANConfig(width=8, batch_size=4, learning_rate=1e-3, blocks=1, patch="16x16"), data.spec)
        error, identity = error_after(80, method, data, truth)
        errors.append(error)
    assert identity > 0.65
    assert sorted(errors)[1] < 0.35 * identity
