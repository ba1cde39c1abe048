"""Two processes with parts of the samples have what one with all of them has."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from ganvas.metrics import Moments
from ganvas.metrics.over_ranks import gather_over_ranks, merge_over_ranks

PROGRAM = """
import sys
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from ganvas.errors import UsageError
from ganvas.metrics import Moments
from ganvas.metrics.over_ranks import gather_over_ranks, merge_over_ranks

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
features = torch.randn(101, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 1e4
own = features[:70] if rank == 0 else features[70:]
moments = Moments(5)
for batch in own.split(13):
    moments.update(batch)
merged = merge_over_ranks(moments)
alone = merge_over_ranks(Moments.of(features) if rank else Moments(5))  # the first has seen nothing
gathered = gather_over_ranks(own)
none = gather_over_ranks(own[:0] if rank else own)
refused = 0
for call in (lambda: merge_over_ranks(Moments(3 + rank)), lambda: gather_over_ranks(own[:, : 3 + rank])):
    try:
        call()
    except UsageError as error:
        refused += "3 to 4" in str(error)
parts = {"gathered": gathered, "none": none, "refused": torch.tensor(refused)}
for name, each in {"merged": merged, "alone": alone}.items():
    parts |= {f"{name}_{key}": value for key, value in each.to_tensors().items()}
save_file(parts, f"{sys.argv[1]}.{rank}")
dist.destroy_process_group()
"""


def test_two_ranks_equal_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "out")]
    processes = [subprocess.Popen(command, env=place | {"RANK": str(rank)}) for rank in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    features = torch.randn(101, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 1e4
    whole = Moments.of(features)
    for rank in range(2):
        found = load_file(tmp_path / f"out.{rank}")
        assert torch.equal(found["gathered"], features) and torch.equal(found["none"], features[:70])
        assert int(found["refused"]) == 2
        for name in ("merged", "alone"):
            assert int(found[f"{name}_count"]) == 101
            torch.testing.assert_close(found[f"{name}_mean"], whole.mean, rtol=1e-15, atol=0)
            torch.testing.assert_close(found[f"{name}_scatter"], whole.scatter, rtol=1e-10, atol=1e-10)


def test_alone_there_is_nothing_to_do() -> None:
    moments, features = Moments(3), torch.zeros(2, 3)
    assert merge_over_ranks(moments) is moments and gather_over_ranks(features) is features
