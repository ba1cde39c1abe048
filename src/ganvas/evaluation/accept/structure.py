"""Row A0: the thesis's reference networks, layer by layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganvas.data.batches import Spec
from ganvas.evaluation.accept.rows import Outcome
from ganvas.networks.reference import ReferenceDiscriminator, ReferenceGenerator

Table = list[tuple[tuple[int, ...], int]]
"""A layer with weights a line: the shape of its output, its parameters."""

DISCRIMINATOR: Table = [((64, 14, 14), 1792), ((64, 7, 7), 36928), ((1,), 3137)]
GENERATOR: Table = [((6272,), 633472), ((128, 14, 14), 262272), ((128, 28, 28), 262272), ((3, 28, 28), 18819)]


def layer_table(network: nn.Module, sample: Tensor) -> Table:
    """Output shape (without the batch axis) and parameters of each layer that has any, in the order in which they run."""
    table: Table = []

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        table.append((tuple(output.shape[1:]), sum(weight.numel() for weight in layer.parameters())))

    leaves = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    try:
        with torch.no_grad():
            network(sample)
    finally:
        for hook in hooks:
            hook.remove()
    return table


def reference_networks(seed: int) -> Outcome:
    """A0: the whole layer table and both totals."""
    del seed  # nothing random
    spec = Spec((3, 28, 28))
    discriminator = ReferenceDiscriminator(spec).eval()
    generator = ReferenceGenerator(spec).eval()
    found = layer_table(discriminator, torch.zeros(1, 3, 28, 28)), layer_table(generator, torch.zeros(1, 100))
    totals = [sum(weight.numel() for weight in network.parameters()) for network in (discriminator, generator)]
    wrong = sum(a != b for a, b in zip([*found[0], *found[1]], [*DISCRIMINATOR, *GENERATOR], strict=False))
    passed = found == (DISCRIMINATOR, GENERATOR) and totals == [41_857, 1_176_835]
    measured = f"{totals[0]:,} and {totals[1]:,} parameters; {wrong} layers differ"
    return Outcome(passed, measured, {"discriminator": totals[0], "generator": totals[1], "layers": [list(f) for f in found]})
