"""Two processes with half of the batch each make the same step as one with all of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ganvas.runs import Run

PROGRAM = """
import sys
import torch
from safetensors.torch import save_file
from torch import nn
from ganvas.data.dataset import ArrayData
from ganvas.method import Method, MethodConfig
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks


class Regression(Method):
    name = "regression"

    def __init__(self, config, spec):
        super().__init__(config, spec)
        torch.manual_seed(5 + ranks.rank)  # other initial weights a rank: the first one's must reach everybody
        self.generator = nn.Linear(4, 1)
        self.critic = nn.Linear(4, 1)

    def optimizers(self):
        return {n: torch.optim.Adam(getattr(self, n).parameters(), 0.01) for n in ("generator", "critic")}

    def train_step(self, step, batches, update):
        for player in ("critic", "generator"):
            update(player, self.loss, getattr(self, player), next(batches).image)

    def loss(self, player, image):
        return {"square": (player(image.flatten(1)).squeeze(1) - image.mean((1, 2, 3))).square().mean()}


torch.set_num_threads(1)
ranks = Ranks(torch.device("cpu"))
images = torch.randint(0, 256, (64, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
data = ArrayData(images)
method = Regression(MethodConfig(), data.spec)
engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=ranks)
stream = data.stream(16 // ranks.world, seed=0, rank=ranks.rank, world=ranks.world)
for step in range(20):
    engine.step(step, stream)
save_file(dict(method.state_dict()), sys.argv[1] + f".{ranks.rank}")
assert ranks.any(ranks.rank == ranks.world - 1, False) == [True, False]
counted = torch.ones(2) * (ranks.rank + 1)
ranks.add_up(counted)
assert counted.tolist() == [sum(range(1, ranks.world + 1))] * 2
"""


LEFT = """
import atexit
import sys
from pathlib import Path


def record():  # runs last of all that are registered
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    Path(sys.argv[1] + f".{rank}").write_text(" ".join(name for name in names if "gloo" in name))


atexit.register(record)
import torch
from ganvas.training.ranks import Ranks

ranks = Ranks(torch.device("cpu"))
assert Ranks(torch.device("cpu")).any(True) == ranks.any(True) == [True]  # `auto` and `train` have one each
rank = ranks.rank
"""


TRAINING = """
import sys
import torch
from ganvas.data import points
from ganvas.methods import GAN, GANConfig
from ganvas.runs import Run
from ganvas.training import train

data = points("ring")
method = GAN(GANConfig(width=16, latent_size=2, batch_size=16), data.spec)
run = Run(sys.argv[1], seed=0)
*_, last = train(method, data, run, minutes=0.05, save_seconds=0.4, threads=1)
with open(sys.argv[1] + f".{last.engine.ranks.rank}", "w") as file:
    file.write(f"{last.step} {sum(p.double().sum().item() for p in method.parameters())!r}")
"""


RESUMED = """
import sys
import torch
from ganvas.data import ArrayData
from ganvas.methods import METHODS
from ganvas.networks.augment import adaptive
from ganvas.runs import Run
from ganvas.training import train

adaptive.TARGET = adaptive.UNSEEN_TARGET = -1e9  # so that the augmentation's strength rises
name, settings = sys.argv[2], {"width": 4, "latent_size": 4, "batch_size": 8, "augment": "ada"}
if name == "stylegan":
    settings |= {"style_size": 4, "mapping_layers": 2, "r1_every": 2, "path_every": 1}
images = torch.randint(0, 256, (64, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
data = ArrayData(images).split(0.4)
for folder, stops in (("unbroken", [6]), ("broken", [3, 5, 6])):
    for stop in stops:
        torch.manual_seed(0 if stop == stops[0] else stop)
        method = METHODS[name](METHODS[name].Config(**settings), data.spec)
        run = Run(sys.argv[1] + "/" + folder, seed=0)
        for progress in train(method, data, run, steps=stop, threads=1, resume=stop != stops[0], heal=1):
            pass
    with open(sys.argv[1] + f"/{folder}.{progress.engine.ranks.rank}", "w") as file:
        file.write(repr(method.augmentation.p.item()))
"""


POOLED = """
import sys
import torch
from ganvas.data.translation import TwoDomainData
from ganvas.methods import CycleGAN, CycleGANConfig
from ganvas.runs import Run
from ganvas.training import train

x, y = torch.randint(0, 256, (2, 40, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
data = TwoDomainData(x, y)
for folder, stops in (("unbroken", [5]), ("broken", [1, 3, 5])):
    for stop in stops:
        torch.manual_seed(0 if stop == stops[0] else stop)
        method = CycleGAN(CycleGANConfig(width=2, batch_size=2, pool=3, blocks=1), data.spec)
        run = Run(sys.argv[1] + "/" + folder, seed=0)
        for progress in train(method, data, run, steps=stop, threads=1, resume=stop != stops[0]):
            pass
    with open(sys.argv[1] + f"/{folder}.{progress.engine.ranks.rank}", "w") as file:
        file.write(repr([(pool.held, pool.pictures.double().sum().item()) for pool in (method.pool_x, method.pool_y)]))
"""


NORMED = """
import sys
import torch
from safetensors.torch import save_file
from ganvas.data.dataset import ArrayData
from ganvas.methods import DCGAN, DCGANConfig
from ganvas.training.at_rest import at_rest
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks


class Replayed(DCGAN):
    draws = 0

    def latent(self, count):
        # Each rank's part of the latents that one process would draw.
        self.draws += 1
        whole = torch.randn(16, self.config.latent_size, generator=torch.Generator().manual_seed(self.draws))
        return whole[ranks.rank * count : (ranks.rank + 1) * count]


torch.set_num_threads(1)
ranks = Ranks(torch.device("cpu"))
images = torch.randint(0, 256, (64, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
images[:32] //= 4  # the parts of a batch differ in their statistics
data = ArrayData(images)
found = {}
for name in ("shared", "apart"):
    if name == "apart":
        ranks.share_norms = lambda method: None
    torch.manual_seed(3)
    config = DCGANConfig(width=8, latent_size=4, batch_size=16 // ranks.world, learning_rate=1e-3)
    method = Replayed(config, data.spec)
    engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=ranks)
    stream = data.stream(16 // ranks.world, seed=0, rank=ranks.rank, world=ranks.world)
    engine.step(0, stream)
    if ranks.first:
        with at_rest(method):  # the first rank alone must not wait for the others
            method.judge(images[:4].float())
    for player in ("generator", "discriminator"):
        parts = [p.grad.flatten() for p in method.get_submodule(player).parameters()]
        found[f"{name} gradient of {player}"] = torch.cat(parts)
        parts = [b.double().flatten() for b in method.get_submodule(player).buffers()]
        found[f"{name} memory of {player}"] = torch.cat(parts)
save_file(found, sys.argv[1] + f".{ranks.rank}")
"""


def launch(world: int, out: Path, program: str = PROGRAM, *arguments: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(out), *arguments], env=os.environ | place | {"RANK": str(rank)})
        for rank in range(world)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * world


def test_two_ranks_equal_one(tmp_path: Path) -> None:
    launch(1, tmp_path / "one")
    launch(2, tmp_path / "two")
    alone, first, second = (load_file(tmp_path / name) for name in ("one.0", "two.0", "two.1"))
    for key, value in alone.items():
        assert torch.equal(first[key], second[key]), key
        assert torch.allclose(value, first[key], atol=1e-6), key


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of its threads from /proc")
def test_no_thread_of_the_groups_is_left_when_the_program_ends(tmp_path: Path) -> None:
    launch(2, tmp_path / "left", LEFT)
    assert [(tmp_path / f"left.{rank}").read_text() for rank in range(2)] == ["", ""]


def test_batch_norm_sees_the_whole_batch_on_two_ranks(tmp_path: Path) -> None:
    launch(1, tmp_path / "one", NORMED)
    launch(2, tmp_path / "two", NORMED)
    alone, first, second = (load_file(tmp_path / name) for name in ("one.0", "two.0", "two.1"))
    worst = 0.0
    for name, value in alone.items():
        off = float((value - first[name]).norm() / value.norm())
        if name.startswith("shared"):
            assert torch.equal(first[name], second[name]), name
            assert off < 1e-4, name
        else:
            worst = max(worst, off)
    assert worst > 1e-3  # without, the bound would be missed


def test_ranks_stop_and_save_together_under_a_budget_of_time(tmp_path: Path) -> None:
    launch(2, tmp_path / "run", TRAINING)
    first, second = ((tmp_path / f"run.{rank}").read_text() for rank in range(2))
    assert first == second
    assert Run(tmp_path / "run").steps()[-1] == int(first.split()[0]) > 0


@pytest.mark.parametrize("name", ["wgan-gp", "stylegan"])
def test_two_ranks_resumed_at_every_step_have_the_same_bits_as_unbroken_ones(name: str, tmp_path: Path) -> None:
    launch(2, tmp_path, RESUMED, name)
    unbroken, broken = (Run(tmp_path / name).load() for name in ("unbroken", "broken"))
    assert unbroken is not None
    assert broken is not None
    assert (unbroken.step, unbroken.state["cursor"]) == (broken.step, broken.state["cursor"])
    strengths = {float((tmp_path / f"{folder}.{rank}").read_text()) for folder in ("unbroken", "broken") for rank in range(2)}
    assert len(strengths) == 1
    assert min(strengths) > 0
    assert all(torch.equal(value, broken.tensors[key]) for key, value in unbroken.tensors.items())
    if name == "stylegan":  # its running mean of path lengths is each rank's own
        assert not torch.equal(unbroken.tensors["method.path.mean"], unbroken.tensors["rank.1.path.mean"])


def test_each_rank_keeps_its_own_image_pool(tmp_path: Path) -> None:
    launch(2, tmp_path, POOLED)
    unbroken, broken = (Run(tmp_path / name).load() for name in ("unbroken", "broken"))
    assert unbroken is not None
    assert broken is not None
    assert unbroken.tensors.keys() == broken.tensors.keys()
    assert all(torch.equal(value, broken.tensors[key]) for key, value in unbroken.tensors.items())
    pools = [(tmp_path / f"{folder}.{rank}").read_text() for folder in ("unbroken", "broken") for rank in range(2)]
    assert pools[0] == pools[2]
    assert pools[1] == pools[3]
    assert pools[0] != pools[1]
    assert all(pool.count("(3, ") == 2 for pool in pools)
