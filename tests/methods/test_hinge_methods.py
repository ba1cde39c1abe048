"""sngan and biggan: losses, one power iteration a discriminator step, labels wanted or not, what is refused, ranks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.data.batches import Images, Spec
from ganvas.errors import DataError, UsageError
from ganvas.methods import SNGAN, BigGAN, BigGANConfig, SNGANConfig
from ganvas.networks.resnet import start_orthogonal_
from ganvas.objectives.penalties import orthogonality
from ganvas.runs import load
from ganvas.runs.model import write_model
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

CPU = torch.device("cpu")
SPEC = Spec((2, 8, 12), ("a", "b", "c"))
LABEL = torch.tensor([0, 1, 2, 1])


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def sngan(spec: Spec = SPEC, **settings: object) -> SNGAN:
    torch.manual_seed(0)
    return SNGAN(SNGANConfig(**{"width": 4, "latent_size": 6, "batch_size": 4, **settings}), spec)


def biggan(spec: Spec = SPEC, **settings: object) -> BigGAN:
    torch.manual_seed(0)
    return BigGAN(BigGANConfig(**{"width": 4, "latent_size": 6, "batch_size": 4, "shared": 4, **settings}), spec)


@pytest.mark.parametrize("make", [sngan, biggan])
def test_the_hinge_of_labelled_scores(make):
    method, real, fake = make(), noise(4, 2, 8, 12), noise(4, 2, 8, 12, seed=1)
    method.discriminator.eval()
    on_real, on_fake = (method.judge(samples, LABEL).tolist() for samples in (real, fake))
    assert on_real != method.judge(real, LABEL.roll(1)).tolist()
    wanted = sum(max(0.0, 1 - score) for score in on_real) / 4 + sum(max(0.0, 1 + score) for score in on_fake) / 4
    assert method.discriminator_loss(real, fake, LABEL)["hinge"].item() == pytest.approx(wanted, abs=1e-5)
    assert method.generator_loss(fake, LABEL)["hinge"].item() == pytest.approx(-sum(on_fake) / 4, abs=1e-5)


@pytest.mark.parametrize("make", [sngan, biggan])
def test_one_power_iteration_a_discriminator_step_and_none_for_the_generators(make):
    method = make(discriminator_steps=3)
    norm = method.discriminator.layers[0].conv1.parametrizations.weight[0]
    iterations, plain = [0], norm.iterate
    norm.iterate = lambda matrix: (iterations.__setitem__(0, iterations[0] + 1), plain(matrix))
    engine = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
    engine.step(0, iter([Images(noise(4, 2, 8, 12, seed=seed), LABEL) for seed in range(3)]))
    assert iterations == [3]
    assert method.discriminator.training
    assert [len(engine.window[f"{player}/hinge"]) for player in ("discriminator", "generator")] == [3, 1]


def test_biggan_regularises_every_matrix_of_the_generator_but_the_embedding():
    method = biggan(orthogonal=0.5)
    weights = [p for name, p in method.generator.named_parameters() if p.dim() > 1 and name != "embedding.weight"]
    assert len(weights) == len(method.regularised()) > 8
    loss = method.generator_loss(noise(4, 2, 8, 12), LABEL)["orthogonal"]
    assert loss.item() == pytest.approx(0.5 * orthogonality(weights).item(), rel=1e-5)
    assert "orthogonal" not in biggan(orthogonal=0.0).generator_loss(noise(4, 2, 8, 12), LABEL)


def test_biggan_starts_orthogonal_in_both_players():
    method = biggan()
    for weight in (*method.regularised(), *(p for p in method.discriminator.parameters() if p.dim() > 1)):
        matrix = weight.detach().flatten(1)
        matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
        torch.testing.assert_close(matrix @ matrix.t(), torch.eye(len(matrix)), rtol=0, atol=1e-5)
    assert start_orthogonal_(torch.nn.BatchNorm2d(3)) is None


def test_without_labels_sngan_is_unconditional_and_biggan_refuses():
    for method in (sngan(Spec((1, 8, 8))), sngan(conditional=False)):
        assert not method.conditional
        assert method.sample(noise(3, 6)).shape[0] == 3
        assert method.discriminator.head.embedding is None
        with pytest.raises(UsageError, match="sngan is not conditional"):
            method.sample(noise(3, 6), torch.tensor([0, 1, 2]))
        engine = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU))
        engine.step(0, iter([Images(noise(4, *method.spec.shape), LABEL)] * 5))
    with pytest.raises(DataError, match="biggan needs labels, this data has none"):
        biggan(Spec((1, 8, 8)))


@pytest.mark.parametrize("make", [sngan, biggan])
def test_what_is_out_of_range_is_refused(make, tmp_path: Path):
    with pytest.raises(UsageError, match="makes pictures, this data is points"):
        make(Spec((2,), ("a",)))
    with pytest.raises(UsageError, match="cannot make pictures of 30x31"):
        make(Spec((1, 30, 31), ("a",)))
    method = make()
    weights = {f"generator.{key}": value.clone() for key, value in method.generator.state_dict().items()}
    model = load(write_model(tmp_path / "model", method, weights, {"step": 1}))
    wanted = method.eval().sample(noise(2, 6), torch.tensor([2, 0]))
    torch.testing.assert_close(model.ready().sample(noise(2, 6), torch.tensor([2, 0])), wanted, rtol=1e-4, atol=1e-5)
    for label in (-1, 3):
        with pytest.raises(UsageError, match=r"out of range, the model's classes are 0 to 2|labels \[.*\] are out of range"):
            model.sample(2, labels=[label])
        with pytest.raises(UsageError, match="label out of range, the model knows 3 classes"):
            method.sample(noise(1, 6), torch.tensor([label]))
    for psi in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="is out of range: it must be above 0"):
            model.sample(2, truncation=psi)


def test_an_attention_that_no_map_has_is_refused():
    with pytest.raises(UsageError, match="attention=5: no map of 8x12 pictures has this side"):
        biggan(attention=5)


RANKS = """
import sys
import torch
from ganvas.data import ArrayData
from ganvas.methods import BigGAN, BigGANConfig
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks

torch.set_num_threads(1)
ranks = Ranks(torch.device("cpu"))
torch.manual_seed(ranks.rank)
images = torch.randint(0, 256, (64, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
data = ArrayData(images, torch.arange(64) % 3, classes=("a", "b", "c"))
method = BigGAN(BigGANConfig(width=4, latent_size=4, shared=4, batch_size=8), data.spec)
engine = Engine(method, device=torch.device("cpu"), autocast=None, seed=0, ranks=ranks)
stream = data.stream(4, seed=0, rank=ranks.rank, world=ranks.world)
for step in range(3):
    engine.step(step, stream)
own = [value for key, value in method.state_dict().items() if "running" not in key]
for value, first in zip(own, (torch.empty_like(v).copy_(v) for v in own)):
    ranks.broadcast([first])
    assert torch.equal(value, first)
"""


def test_two_ranks_keep_the_same_weights_and_singular_vectors(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen([sys.executable, "-c", RANKS], env=os.environ | place | {"RANK": str(rank)}) for rank in range(2)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
