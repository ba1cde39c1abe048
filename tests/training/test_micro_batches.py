"""Updates from parts of a batch are the updates of the whole batch; when memory runs out, training goes on with parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ganvas.data import points
from ganvas.data.batches import Images
from ganvas.method import Method
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.engine import Engine
from ganvas.training.micro_batches import MicroBatches, forgetful
from ganvas.training.ranks import Ranks
from tiny import config_for, data_for

CPU = torch.device("cpu")


def stepped(name: str, most: int | None) -> tuple[Method, dict[str, float]]:
    """A method after one step, and its terms; one whose networks treat every sample alone."""
    data = data_for(name)
    torch.manual_seed(4)
    method = METHODS[name](config_for(name, **({"dropout": 0.0} if name == "gan" else {})), data.spec)
    engine = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
    engine.take_at_most(most)
    stream = data.stream(method.config.batch_size, seed=0)
    engine.step(0, stream)
    return method, engine.terms()


@pytest.mark.parametrize("name", ["gan", "r3gan"])
def test_parts_of_a_batch_add_up_to_the_whole(name: str) -> None:
    (whole, terms), (parts, other_terms) = stepped(name, None), stepped(name, 3)  # 8 samples as 3, 3 and 2
    for (key, value), other in zip(whole.named_parameters(), parts.parameters(), strict=True):
        # Gradients and not weights: of a gradient that is only rounding, Adam makes a whole step.
        assert torch.allclose(value.grad, other.grad, rtol=1e-4, atol=1e-6), key
    assert other_terms == pytest.approx(terms, rel=1e-5, abs=1e-6)
    assert all("forward" not in vars(module) for module in parts.children())


def test_no_part_is_larger_than_allowed_and_the_fakes_keep_their_gradient() -> None:
    rows: list[int] = []
    player = nn.Sequential(nn.Linear(2, 2, dtype=torch.float64))
    player[0].register_forward_hook(lambda module, given, out: rows.append(len(given[0])))
    holder = nn.Module()
    holder.generator = player
    micro = MicroBatches(8, 3)
    latent = torch.randn(8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def loss(fake: torch.Tensor, batch: Images, weight: float) -> dict[str, torch.Tensor]:
        rows.append(len(fake))
        assert len(fake) == len(batch.image)
        return {"product": weight * (fake * batch.image).square().mean()}

    batch = Images(torch.arange(16.0, dtype=torch.float64).view(8, 2))
    with micro.around(holder):
        terms = micro.minimise(loss, (player(latent), batch, 0.5), lambda of, gradient=None: of.backward(gradient))
    mine = player[0].weight.grad.clone()
    assert sorted(set(rows)) == [2, 3]
    player.zero_grad()
    whole = loss(player(latent), batch, 0.5)["product"]
    whole.backward()
    assert torch.allclose(mine, player[0].weight.grad, atol=1e-12)
    assert torch.allclose(terms["product"], whole)


def test_batch_norm_remembers_each_part_once() -> None:
    norm = nn.BatchNorm1d(2)
    holder = nn.Module()
    holder.generator = nn.Sequential(nn.Linear(2, 2), norm)
    with MicroBatches(8, 4).around(holder):
        holder.generator(torch.randn(8, 2)).sum().backward()
    assert norm.num_batches_tracked == 2  # two parts, though each was made twice
    before = norm.running_mean.clone()
    with forgetful(norm):
        norm(torch.randn(8, 2) + 5)
    assert torch.equal(norm.running_mean, before)
    assert (norm.momentum, int(norm.num_batches_tracked)) == (0.1, 2)


class Greedy(METHODS["wgan-gp"]):
    """Whose critic has no memory for more than four samples."""

    def critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(real) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().critic_loss(real, fake)


def greedy() -> tuple[Greedy, Any]:
    data = points("ring")
    torch.manual_seed(1)
    return Greedy(Greedy.Config(width=8, latent_size=2, batch_size=16), data.spec), data


def progress_of(run: Run, **settings: Any) -> Iterator[Any]:
    method, data = greedy()
    return train(method, data, run, threads=1, **settings)


def test_training_goes_on_with_smaller_parts_when_memory_runs_out_and_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", seed=0)
    *_, last = progress_of(run, steps=6, log_steps=2)
    assert last.step == 6
    assert [finding.name for finding in last.findings] == ["memory", "memory"]
    assert "4 samples at a time" in last.findings[-1].meaning
    assert [record["micro_batch"] for record in run.stats() if "micro_batch" in record] == [8, 4]
    checkpoint = run.load()
    assert checkpoint is not None
    assert checkpoint.state["micro_batch"] == 4
    *_, resumed = progress_of(Run(tmp_path / "run"), steps=8, resume=True)
    assert not resumed.session.notices  # it did not have to find out anew
    asked = Run(tmp_path / "asked", seed=0)
    *_, told = progress_of(asked, steps=8, micro_batch=4)
    assert all(
        torch.equal(a, b) for a, b in zip(told.engine.method.parameters(), resumed.engine.method.parameters(), strict=True)
    )
