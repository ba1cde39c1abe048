"""Losses that went through torch.compile have the gradients of those that did not, and a run with them resumes to the bit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from ganvas.errors import ResourceError, UsageError
from ganvas.method import Method, Terms
from ganvas.methods import METHODS
from ganvas.runs import Run
from ganvas.training import train
from ganvas.training.engine import Engine
from ganvas.training.ranks import Ranks
from tiny import config_for, data_for

pytestmark = pytest.mark.filterwarnings("ignore")  # of the compiler's own parts
CPU = torch.device("cpu")
WITH_DROPOUT = ("gan", "pix2pix")
HAS_COMPILER = shutil.which("c++") is not None or shutil.which("g++") is not None


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile without its last stage, which only makes the traced forward and backward passes quick, in minutes."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))


def gradients(
    name: str, *, compiled: bool, steps: int = 2, autocast: torch.dtype | None = None, **settings: object
) -> tuple[dict[str, torch.Tensor], Engine]:
    """Of every weight after the last of some steps."""
    torch._dynamo.reset()
    data = data_for(name)
    torch.manual_seed(4)
    undrawn = {"dropout": 0.0} if name in WITH_DROPOUT else {}  # traced, it draws other numbers
    method = METHODS[name](config_for(name, **undrawn, **settings), data.spec)
    engine = Engine(method, device=CPU, autocast=autocast, seed=0, ranks=Ranks(CPU), compiled=compiled)
    stream = data.stream(method.config.batch_size, seed=0)
    for step in range(steps):
        engine.step(step, stream)
    found = {key: weight.grad.clone() for key, weight in method.named_parameters() if weight.grad is not None}
    return found, engine


@pytest.mark.parametrize("name", METHODS)
def test_gradients_are_those_of_the_losses_as_written(name: str, traced: None) -> None:
    (eager, plain), (compiled, engine) = gradients(name, compiled=False), gradients(name, compiled=True)
    assert compiled.keys() == eager.keys()
    for key, gradient in eager.items():
        assert torch.allclose(compiled[key], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()) + 1e-8), key
    assert engine.terms() == pytest.approx(plain.terms(), rel=1e-4, abs=1e-6)
    assert engine.compiled is not None and engine.compiled.compiled  # at least the generator's


@pytest.mark.parametrize("name", ["dcgan", "stylegan"])
def test_gradients_in_bf16_are_as_near_as_its_rounding(name: str, traced: None) -> None:
    exact, eager, compiled = (
        torch.cat([gradient.flatten() for gradient in gradients(name, compiled=c, steps=1, autocast=a)[0].values()])
        for c, a in ((False, None), (False, torch.bfloat16), (True, torch.bfloat16))
    )
    rounding = float((eager - exact).norm())
    assert rounding > 1e-3 * float(exact.norm())  # it was bf16
    assert float((compiled - eager).norm()) < rounding / 3


def test_an_augmentation_that_moves_is_not_compiled_anew(traced: None) -> None:
    made = torch._dynamo.utils.counters["stats"]
    _, engine = gradients("dcgan", compiled=True, augment="ada")
    stream, first = data_for("dcgan").stream(8, seed=0), made["unique_graphs"]
    for step, p in enumerate((0.2, 0.4, 0.6), start=2):
        engine.method.augmentation.p.fill_(p)
        engine.step(step, stream)
    assert made["unique_graphs"] == first > 0


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C++ compiler")
def test_a_run_with_compiled_losses_resumes_to_the_bit(tmp_path: Path) -> None:
    def trained(folder: Path, *stops: int) -> Run:
        torch.manual_seed(4)
        method = METHODS["wgan"](config_for("wgan", critic_steps=2), data_for("wgan").spec)
        for index, steps in enumerate(stops):
            run = Run(folder, seed=0)
            for _ in train(method, data_for("wgan"), run, steps=steps, compiled=index == 0, resume=index > 0):
                pass
        return run

    whole, halves = trained(tmp_path / "whole", 6), trained(tmp_path / "halves", 3, 6)
    assert halves.config["training"]["compiled"]
    first, second = whole.load(), halves.load()
    assert first is not None and second is not None
    assert all(torch.equal(value, second.tensors[key]) for key, value in first.tensors.items())


def test_no_compiler_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: object, given: object) -> object:
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=broken))
    with pytest.raises(ResourceError, match=r"no compiler here.*without --compile"):
        gradients("gan", compiled=True)


class Graphs:
    """Stands in for ``torch.compile``: what a CUDA graph made is overwritten when another one is played, here with NaN."""

    def __init__(self, method: Method) -> None:
        self.modes: list[str | None] = []
        self.made: list[torch.Tensor] = []
        for weight in method.parameters():
            weight.register_post_accumulate_grad_hook(self.note)

    def note(self, weight: torch.Tensor) -> None:
        if weight.grad is not None and not any(weight.grad is made for made in self.made):
            self.made.append(weight.grad)

    def compile(self, loss: Callable[..., Terms], mode: str | None = None) -> Callable[..., Terms]:
        self.modes.append(mode)

        def played(*arguments: object) -> Terms:
            for tensor in self.made if mode else ():
                tensor.detach().fill_(float("nan"))
            self.made.clear()
            terms = loss(*arguments)
            self.made += terms.values()
            return terms

        return played


@pytest.mark.parametrize("micro_batch", [None, 3])
@pytest.mark.parametrize("name", METHODS)
def test_nothing_of_a_graph_is_read_after_the_next(name: str, micro_batch: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(cuda_graphs: bool) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
        data = data_for(name)
        torch.manual_seed(4)
        method = METHODS[name](config_for(name), data.spec)
        graphs = Graphs(method)
        monkeypatch.setattr(torch, "compile", graphs.compile)
        engine = Engine(method, device=CPU, autocast=None, seed=0, ranks=Ranks(CPU), cuda_graphs=cuda_graphs)
        engine.take_at_most(micro_batch)
        stream = data.stream(method.config.batch_size, seed=0)
        for step in range(3):
            engine.gauging = step == 2
            engine.step(step, stream)
        mode = None if engine.micro else "reduce-overhead"
        assert set(graphs.modes) == ({mode} if cuda_graphs else set())
        return engine.terms() | engine.read_gauges(None, 3), method.state_dict()

    (terms, weights), (plain, as_written) = trained(True), trained(False)
    assert terms == plain
    assert all(torch.equal(value, as_written[key]) for key, value in weights.items() if isinstance(value, torch.Tensor))


def test_graphs_need_cuda(tmp_path: Path) -> None:
    data = data_for("gan")
    with pytest.raises(UsageError, match=r"CUDA graphs.*cpu.*leave out --cuda-graphs"):
        next(
            iter(
                train(
                    METHODS["gan"](config_for("gan"), data.spec), data, Run(tmp_path), steps=1, device="cpu", cuda_graphs=True
                )
            )
        )
