"""R1, R4, R5: kill -9 anywhere in a save, a full disk at every write, cut and flipped files.

benchmarks/reliability.py does the same more often, and prints figures.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from faults import Faults, disk_full
from torch import Tensor

from ganvas.errors import ModelError, ResourceError
from ganvas.runs import Run, load
from ganvas.runs.checkpoint import folder_of


def tensors(value: float, size: int = 500) -> dict[str, Tensor]:
    return {"w": torch.full((size,), float(value)), "rng": torch.get_rng_state()[:64]}


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.suffix in (".partial", ".retired")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_r1_kill_at_every_file_boundary_and_at_random_times(tmp_path):
    script = Path(__file__).with_name("killed_saves.py")
    done = subprocess.run([sys.executable, script, tmp_path, "--random", "10"], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["failures"] == [], result
    assert result["boundaries"] > 100


def test_every_file_is_on_the_disk_before_its_folder_gets_its_name_and_the_name_before_save_returns(tmp_path):
    run = Run(tmp_path / "run")
    run.start({})
    with Faults(-1, disk_full) as faults:
        run.save(1, tensors(1), {})
    names = [operation for operation, _ in faults.done if operation in ("create", "fsync", "replace")]
    assert names == ["create", "fsync"] * 3 + ["fsync", "replace", "fsync"]


# -- R4 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def work(small, weights_of):
    """Everything a training process writes in one interval, as named steps."""
    method = small("wgan-gp")
    weights = weights_of(method)

    def steps(run: Run) -> None:
        run.open()
        run.rewind_log(2)
        run.log({"step": 3, "value": 3.0})
        run.save(3, tensors(3), {"value": 3})
        run.write_model(method, weights, {"step": 3})
        run.mark_best(3, {"score": 1.0})

    return steps


def test_r4_the_disk_is_full_at_every_operation(tmp_path, small, weights_of, work):
    method = small("wgan-gp")
    boundary, seen = 0, set()
    while True:
        run = Run(tmp_path / f"run{boundary}", keep=1)
        run.start({"method": "none"})
        run.log({"step": 1})
        run.log({"step": 2})
        run.save(2, tensors(2), {"value": 2})
        run.write_model(method, weights_of(method), {"step": 2})
        run.log({"step": 3, "from": "a future that was lost"})
        run.close()
        with Faults(boundary, disk_full) as faults:
            try:
                work(run)
                error = None
            except ResourceError as caught:
                error = caught
        if len(faults.done) <= boundary:
            break
        seen.add(faults.done[boundary][0])
        if error:
            assert "the disk is full" in error.cause and error.mend and error.exit_code == 6 and "\n" not in str(error)
        assert leftovers(run.path) == []
        assert run.load().state["value"] in (2, 3) and run.load().skipped == []
        assert load(run.path).facts["step"] in (2, 3)
        assert all(record["step"] <= 3 for record in run.stats()) and len(run.stats()) in (2, 3)
        run.close()
        work(run)  # with space again, all is as if nothing had been
        assert run.load().state["value"] == 3 and load(run.path).facts["step"] == 3 and run.best["step"] == 3
        assert [record["step"] for record in run.stats()][:2] == [1, 2]
        run.close()
        boundary += 1
    assert boundary > 40 and seen >= {"create", "write", "fsync", "replace", "mkdir"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if (
        not sys.platform.startswith("linux")
        or os.geteuid()
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("needs root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_r4_a_file_system_of_4_megabytes(small_disk, small, weights_of):
    run = Run(small_disk / "run", keep=3)
    run.start({})
    method = small("wgan-gp", width=64)
    for step in (1, 2, 3):
        run.save(step, tensors(step, 330_000), {"value": step})
    with pytest.raises(ResourceError, match="the disk is full"):
        run.save(4, tensors(4, 330_000), {"value": 4})
    assert leftovers(small_disk) == [] and run.steps() == [1, 2, 3] and run.load().state["value"] == 3
    with pytest.raises(ResourceError, match="the disk is full"):
        run.write_model(method, weights_of(method), {})
    assert leftovers(small_disk) == [] and not (run.path / "model").exists()
    record = {"step": 4, "note": "x" * 5000}
    with pytest.raises(ResourceError, match="the disk is full"):
        for _ in range(2000):
            run.log(record)
    assert run.stats()[-1] == record and (run.path / "stats.jsonl").read_bytes().endswith(b"\n")
    run.close()
    with pytest.raises(ResourceError, match="the disk is full"):
        Run(small_disk / "another").start({"long": "x" * 10_000})
    (run.path / "stats.jsonl").unlink()
    (folder_of(run.path / "checkpoints", 1) / "tensors.safetensors").unlink()
    run.open()
    run.save(4, tensors(4, 330_000), {"value": 4})
    assert run.load().state["value"] == 4


def test_a_folder_that_cannot_be_written_is_a_usage_error_not_a_traceback(tmp_path):
    from ganvas.errors import UsageError

    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        Run(tmp_path / "file" / "run").start({})


# -- R5 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_checkpoints(tmp_path):
    run = Run(tmp_path / "run")
    run.start({})
    run.save(1, tensors(1), {"value": 1})
    run.save(2, tensors(2), {"value": 2, "names": [*range(30)]})
    return run


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_r5_truncations_and_bit_flips_fall_back_to_the_last_good(two_checkpoints, name):
    run, source = two_checkpoints, random.Random(0)
    file = folder_of(run.path / "checkpoints", 2) / name
    good = file.read_bytes()
    damaged = [good[: source.randrange(len(good))] for _ in range(100)]
    for _ in range(150):
        bit = source.randrange(len(good) * 8)
        damaged.append(good[: bit // 8] + bytes([good[bit // 8] ^ 1 << bit % 8]) + good[bit // 8 + 1 :])
    for data in damaged:
        file.write_bytes(data)
        checkpoint = run.load()
        assert checkpoint.step == 1 and (checkpoint.tensors["w"] == 1).all()
        assert len(checkpoint.skipped) == 1 and "step-000000002 is damaged" in checkpoint.skipped[0]
    with pytest.raises(ModelError, match="step-000000002 is damaged"):
        run.load(step=2)
    file.write_bytes(good)
    assert run.load().step == 2 and run.load().skipped == []
    file.unlink()
    assert run.load().step == 1
