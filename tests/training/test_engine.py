"""The engine's one verb, checked on games small enough to solve by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ganvas.data import points
from ganvas.data.batches import Spec
from ganvas.errors import Diverged, UsageError
from ganvas.method import Method, MethodConfig
from ganvas.methods import GAN, WGAN, GANConfig, WGANConfig
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.averaging import Average, decay
from ganvas.training.budget import Budget, rate_factor
from ganvas.training.engine import Engine, step_seed
from ganvas.training.ranks import Ranks

CPU = torch.device("cpu")


class Tug(Method):
    """Two scalars: the first minimises (a - b)^2, the second -a b, by plain gradient descent of rate 0.1."""

    name = "tug"
    Config = MethodConfig

    def __init__(self, config: MethodConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.generator = nn.Linear(1, 1, bias=False)
        self.critic = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.generator.weight, 2.0)
        nn.init.constant_(self.critic.weight, 5.0)

    def optimizers(self):
        named = {"generator": self.generator, "critic": self.critic}
        return {name: torch.optim.SGD(player.parameters(), 0.1) for name, player in named.items()}

    def train_step(self, step, batches, update):
        update("generator", self.generator_loss)
        update("critic", self.critic_loss)

    def generator_loss(self):
        return {
            "square": (self.generator.weight - self.critic.weight).square().sum(),
            "shift": 0.5 * self.generator.weight.sum(),
        }

    def critic_loss(self):
        return {"product": -(self.generator.weight * self.critic.weight).sum()}


def engine(method: Method) -> Engine:
    return Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))


def test_update_moves_one_player_by_the_gradient_of_the_sum_of_its_terms() -> None:
    method = Tug(MethodConfig(latent_size=1), Spec((1,)))
    play = engine(method)
    play.step(0, iter(()))
    # a <- 2 - 0.1 (2 (2 - 5) + 0.5) = 2.55; then b <- 5 + 0.1 * 2.55
    assert method.generator.weight.item() == pytest.approx(2.55)
    assert method.critic.weight.item() == pytest.approx(5.255)
    assert play.terms() == pytest.approx({"generator/square": 9.0, "generator/shift": 1.0, "critic/product": -12.75})
    assert all(p.requires_grad for p in method.parameters())


def test_the_other_player_gets_no_gradient() -> None:
    method = Tug(MethodConfig(latent_size=1), Spec((1,)))
    play = engine(method)
    play.update("generator", method.generator_loss)
    assert method.critic.weight.grad is None


def test_rates_scale_what_the_optimiser_started_with() -> None:
    method = Tug(MethodConfig(latent_size=1), Spec((1,)))
    play = engine(method)
    play.set_rates(0.5)
    play.update("critic", method.critic_loss)
    assert method.critic.weight.item() == pytest.approx(5.0 + 0.05 * 2.0)


def test_clipping_holds_after_every_step_and_only_for_the_critic() -> None:
    data = points("ring")
    method = WGAN(WGANConfig(width=16, latent_size=4, clip=0.02), data.spec)
    play = engine(method)
    stream = data.stream(16, seed=0)
    for step in range(3):
        play.step(step, stream)
    assert max(p.abs().max().item() for p in method.critic.parameters()) == pytest.approx(0.02)
    assert max(p.abs().max().item() for p in method.generator.parameters()) > 0.02
    assert stream.cursor == 3 * method.config.critic_steps


def test_step_seeds_differ_by_seed_rank_and_step() -> None:
    seeds = {step_seed(seed, rank, step) for seed in range(4) for rank in range(4) for step in range(100)}
    assert len(seeds) == 1600


def test_average_follows_the_half_life_in_images() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average = Average(module, half_life=100.0)
    nn.init.ones_(module.weight)
    for k in range(1, 11):
        average.update(images=10_000 + 10 * k, batch=10)  # past the warm-up: after 100 images half of the way is left
    assert average.module.weight.item() == pytest.approx(0.5)
    assert decay(100.0, images=20, batch=1) == pytest.approx(0.5)  # warm-up: the half-life is 5 % of 20 images


def test_the_warm_up_says_how_much_of_training_an_average_looks_back_on() -> None:
    method = Tug(MethodConfig(latent_size=1, ema_half_life=1e6, ema_warm_up=0.25), Spec((1,)))
    play = engine(method)
    nn.init.constant_(method.generator.weight, 4.0)
    play.average(images=400, batch=100)  # a quarter of 400 images: one half-life
    assert play.averaged("generator").weight.item() == pytest.approx(3.0)


def test_average_includes_running_statistics() -> None:
    norm = nn.BatchNorm1d(2)
    average = Average(norm, half_life=10.0)
    norm(torch.randn(32, 2) * 3 + 5)
    average.update(images=10_000, batch=10)
    expected = 0.5 * norm.running_mean
    assert torch.allclose(average.module.running_mean, expected)
    assert average.module.num_batches_tracked == 1


@pytest.mark.parametrize(("schedule", "expected"), [("constant", 1.0), ("linear", 0.75), ("cosine", 0.8535533905932737)])
def test_schedules(schedule: str, expected: float) -> None:
    assert rate_factor(schedule, 250, 1000) == pytest.approx(expected)
    assert rate_factor(schedule, 250, 0) == 1.0


def test_budget_is_spent_by_whichever_ends_first() -> None:
    assert Budget(steps=10, minutes=1.0).fraction(5, 0, 45.0) == pytest.approx(0.75)
    assert Budget(images=0).fraction(0, 0, 0.0) == 1.0
    with pytest.raises(UsageError, match="no budget"):
        Budget()
    with pytest.raises(UsageError, match="out of range"):
        Budget(minutes=float("nan"))


class Poisoned(GAN):
    """A GAN whose generator's loss is NaN at step 12, as often as it has doses left."""

    doses = 10

    def train_step(self, step, batches, update):
        self.poisoned = step == 12 and self.doses > 0
        self.doses -= self.poisoned
        super().train_step(step, batches, update)

    def generator_loss(self, fake):
        terms = super().generator_loss(fake)
        return {name: value * float("nan") if self.poisoned else value for name, value in terms.items()}


def poisoned(data, doses: int) -> Poisoned:
    method = Poisoned(GANConfig(width=8, latent_size=2, batch_size=8), data.spec)
    method.doses = doses
    return method


def test_divergence_keeps_the_last_good_state_and_says_what_happened(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    with pytest.raises(
        Diverged, match=r"generator/non_saturating became nan by step 13; the state of step 10 is kept"
    ) as caught:
        list(train(poisoned(data, 1), data, run, steps=40, save_steps=10, log_steps=1))
    assert caught.value.exit_code == 5
    kept = Run(tmp_path / "run").load()
    assert kept is not None
    assert kept.step == 10
    assert all(torch.isfinite(value).all() for value in kept.tensors.values())


def test_healing_rolls_back_with_half_the_rates_and_goes_on(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    method = poisoned(data, doses=2)
    *_, last = train(method, data, run, steps=20, save_steps=10, log_steps=1, heal=3)
    assert last.step == 20
    assert last.engine.optimizers["generator"].param_groups[0]["lr"] == pytest.approx(method.config.learning_rate / 4)
    checkpoint = run.load()
    assert checkpoint is not None
    assert checkpoint.state["rollbacks"] == 2
    assert [record["step"] for record in run.stats()] == list(range(1, 21))


def test_healing_gives_up_after_its_retries(tmp_path: Path) -> None:
    data, run = points("ring"), Run(tmp_path / "run", seed=0)
    with pytest.raises(Diverged, match="after 3 rollbacks"):
        list(train(poisoned(data, 10), data, run, steps=40, save_steps=10, log_steps=1, heal=3))
