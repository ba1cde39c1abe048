"""``ganvas methods``: what can be trained, and a method's networks as a layer table."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganvas.cli.output import NORMAL, Speaking
from ganvas.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table
    from torch import Tensor, nn

    from ganvas.method import Method

LARGEST = 2**24
"""Values in one sample; a shape above it is a slip of the keyboard."""


def methods(name: str | None = None, /, *, shape: str | None = None, classes: int = 10, output: Speaking = NORMAL) -> None:
    """List the methods, or show the networks of one: each layer with its output's shape and its parameters.

    For example:

        ganvas methods
        ganvas methods wgan --shape 1,28,28
        ganvas methods gan --shape 2              for points in the plane

    Args:
        name: a method; all of them are listed without one.
        shape: of one sample, C,H,W of a picture (both sides of a translation) or the dimensions of a point; 1,28,28 by default.
        classes: how many, for conditional methods.
    """
    from ganvas.methods import METHODS

    if name is None:
        document = {key: {"title": m.title, "paper": m.paper, "conditional": m.conditional} for key, m in METHODS.items()}
        output.result(document, "\n".join(f"{key:10} {m.title}\n{'':10} {m.paper}" for key, m in METHODS.items()))
        return
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=1)
        raise UsageError(f"unknown method {name!r}", f"did you mean {near[0]}?" if near else f"there are {', '.join(METHODS)}")
    from ganvas.data.batches import Images, Pairs, Spec

    kind = METHODS[name]
    wanted = shape_of(shape) if shape is not None else (1, 28, 28)
    labels = tuple(str(n) for n in range(classes)) if kind.conditional else ()
    source = None if kind.batch is Images else wanted
    method = kind(kind.Config(batch_size=2), Spec(wanted, labels, source, paired=kind.batch is Pairs))
    players = {player: list(rows) for player, rows in trace(method).items()}
    totals = {player: sum(p.numel() for p in getattr(method, player).parameters()) for player in players}
    facts: dict[str, Any] = {"method": name, "title": kind.title, "paper": kind.paper, "shape": list(wanted)}
    facts["players"] = {
        player: {"parameters": totals[player], "layers": [vars(row) for row in rows]} for player, rows in players.items()
    }
    output.result(facts, table(f"{kind.title}, {'x'.join(map(str, wanted))}", players, totals))


def shape_of(text: str) -> tuple[int, ...]:
    """ "1,28,28" -> (1, 28, 28)."""
    parts = text.replace("x", ",").split(",")
    sizes = tuple(int(part) for part in parts if part.strip().isdecimal())
    if len(sizes) != len(parts) or len(sizes) not in {1, 3} or not all(sizes):
        raise UsageError(f"{text!r} is no shape", "write C,H,W for pictures, as in 3,64,64, or 2 for points in the plane")
    values = 1
    for size in sizes:
        values *= size
    if values > LARGEST:
        raise UsageError(f"a sample of shape {text} holds {values:,} values", f"stay below {LARGEST:,}")
    return sizes


@dataclass(frozen=True)
class Layer:
    """A row of the layer table. ``output`` is without the batch; ``parameters`` are the layer's own."""

    layer: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def trace(method: Method) -> dict[str, list[Layer]]:
    """The leaf layers of each player in the order in which they first run, found by playing one step without learning."""
    import torch

    rows: dict[str, list[Layer]] = {
        player: [] for player, child in method.named_children() if any(True for _ in child.parameters())
    }
    seen: set[str] = set()

    def note(player: str, name: str) -> Any:
        def hook(layer: nn.Module, inputs: Any, result: Tensor) -> None:
            if name not in seen:
                seen.add(name)
                count = sum(p.numel() for p in own_parameters(layer))
                rows[player].append(Layer(name.removeprefix(f"{player}."), describe(layer), tuple(result.shape[1:]), count))

        return hook

    for player in rows:
        for name, layer in method.get_submodule(player).named_modules(prefix=player):
            inside = "parametrizations" in name.split(".")  # a weight's own workings, such as spectral norm
            if not inside and (own_parameters(layer) or not any(True for _ in layer.children())):
                layer.register_forward_hook(note(player, name))
    labels = torch.zeros(2, dtype=torch.int64) if method.spec.classes else None
    first = torch.zeros(2, *(method.spec.source or method.spec.shape))
    second = torch.zeros(2, *method.spec.shape) if method.spec.source else labels
    batch = method.batch(first, second)  # type: ignore[arg-type]

    def batches() -> Iterator[Any]:
        while True:
            yield batch

    def update(player: str, loss: Any, *arguments: Any) -> None:
        loss(*arguments)

    method.train_step(0, batches(), update)
    return {player: layers for player, layers in rows.items() if layers}


def own_parameters(layer: nn.Module) -> list[Tensor]:
    """The parameters of the layer itself and not of layers in it; those behind its parametrisations are its own."""
    behind = getattr(layer, "parametrizations", None)
    return [*layer.parameters(recurse=False), *(behind.parameters() if behind is not None else ())]


def describe(layer: nn.Module) -> str:
    """The layer's kind with what sets it apart: "Conv2d 3x3 stride 2"."""
    kernel, stride = getattr(layer, "kernel_size", None), getattr(layer, "stride", None)
    name = type(layer).__name__.removeprefix("Parametrized")
    if isinstance(kernel, tuple) and isinstance(stride, tuple):
        return f"{name} {'x'.join(map(str, kernel))} stride {stride[0]}"
    return name


def table(title: str, players: dict[str, list[Layer]], totals: dict[str, int]) -> Table:
    """The layer table, a section a player."""
    from rich.table import Table

    shown = Table(title=title, show_footer=False)
    for column, side in (("player", "left"), ("layer", "left"), ("kind", "left"), ("output", "right"), ("parameters", "right")):
        shown.add_column(column, justify=side)  # type: ignore[arg-type]
    for player, rows in players.items():
        for row in rows:
            count = f"{row.parameters:,}" if row.parameters else ""
            shown.add_row(player, row.layer, row.kind, "x".join(map(str, row.output)) or "1", count)
        shown.add_row(player, "", "all", "", f"{totals[player]:,}", style="bold", end_section=True)
    return shown
