"""The run folder: start, open, save, load, prune, the log, the lock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganvas.errors import Diverged, ModelError, UsageError
from ganvas.runs import Run
from ganvas.runs.durable import sealed, unseal


def some_tensors(seed: int = 0) -> dict[str, Tensor]:
    """One of each kind that training saves."""
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(4, 3, 5, 5, generator=generator)
    return {
        "float32": draw,
        "channels_last": draw.to(memory_format=torch.channels_last) + 1,
        "transposed": draw[0, 0].T,
        "bfloat16": draw.bfloat16(),
        "float16": draw.half(),
        "float64": draw.double() / 3,
        "int64": torch.tensor([2**62 + 1, -5]),
        "bool": draw[0, 0] > 0,
        "rng": torch.get_rng_state(),
        "scalar": torch.tensor(1.25),
        "empty": torch.zeros(0, 3),
        "tied": draw,
        "slice": draw[1:3],
        "expanded": torch.tensor([1.5]).expand(7),
        "negative zero": torch.tensor([-0.0]),
    }


def assert_same(got: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert got.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert got[name].dtype == tensor.dtype and got[name].shape == tensor.shape, name
        assert got[name].contiguous().view(-1).view(torch.uint8).equal(tensor.contiguous().view(-1).view(torch.uint8)), name


@pytest.fixture
def run(tmp_path: Path):
    with Run(tmp_path / "run", seed=3) as run:
        run.start({"method": "wgan", "seed": 3})
        yield run


def test_a_checkpoint_comes_back_bit_for_bit(run):
    tensors = some_tensors()
    state = {"cursor": 12, "loss": 0.1 + 0.2, "best": float("inf"), "names": ["a", "é"], "none": None}
    run.save(12, tensors, state)
    back = run.load()
    assert back.step == 12 and back.state == state and back.skipped == []
    assert_same(back.tensors, tensors)
    back.tensors["float32"].add_(1)  # what was loaded is ours to change


def test_nothing_to_load_is_none(run):
    assert run.load() is None
    with pytest.raises(ModelError, match="damaged"):
        run.load(step=5)


def test_start_refuses_a_run_and_names_a_free_folder(run, tmp_path):
    run.close()
    with pytest.raises(UsageError, match=r"already holds a run.*ganvas resume.*run-2"):
        Run(run.path).start({})
    (tmp_path / "run-2").mkdir()
    with pytest.raises(UsageError, match="run-3"):
        Run(run.path).start({})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    with pytest.raises(UsageError, match="is not empty"):
        Run(tmp_path / "photos").start({})
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        Run(tmp_path / "file").start({})
    with pytest.raises(UsageError):
        Run("/").start({})


def test_a_start_that_crashed_leaves_the_folder_free(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".lock").touch()
    (folder / "config.json.partial").write_bytes(b'{"sch')
    with Run(folder) as run:
        run.start({"method": "wgan"})
    assert run.config["method"] == "wgan"


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_paths_that_are_none(path):
    with pytest.raises(UsageError, match="is not a folder name"):
        Run(path)


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 2500])
def test_names_too_long(path):
    with pytest.raises(UsageError, match="is too long"):
        Run(path)


@pytest.mark.parametrize("settings", [{"seed": -1}, {"seed": 2**63}, {"keep": 0}])
def test_settings_out_of_range(tmp_path, settings):
    with pytest.raises(UsageError, match="out of range"):
        Run(tmp_path / "r", **settings)


def test_config_survives_and_every_edit_is_seen(run):
    config = run.config
    assert config["method"] == "wgan" and config["schema"] == 1
    path = run.path / "config.json"
    path.write_bytes(path.read_bytes().replace(b"wgan", b"dgan"))
    with pytest.raises(ModelError, match="damaged or was edited"):
        _ = run.config
    path.write_bytes(b'{"schema": 7, "ganvas": "3.1.0"}')
    with pytest.raises(ModelError, match=r"needs Ganvas version 3\.1\.0"):
        _ = run.config
    path.unlink()
    assert not run.exists()
    with pytest.raises(ModelError, match="holds no run"):
        run.open()


def test_pruning_keeps_the_last_the_best_and_enough_whole_ones(run):
    for step in (10, 20, 30):
        run.save(step, some_tensors(), {})
    run.mark_best(20, {"frechet": 1.5})
    for step in (40, 50, 60):
        run.save(step, some_tensors(), {})
    assert run.steps() == [20, 40, 50, 60]
    assert run.best == {"step": 20, "score": {"frechet": 1.5}}
    for step in (50, 60):  # cut short: not counted among the three that stay
        file = run.path / f"checkpoints/step-{step:09d}/tensors.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
    run.save(70, some_tensors(), {})
    assert run.steps() == [20, 40, 70]


def test_a_future_that_was_given_up_is_removed(run):
    for step in (10, 20, 30):
        run.save(step, some_tensors(step), {})
    run.save(20, some_tensors(99), {"again": True})
    assert run.steps() == [10, 20]
    assert run.load().state == {"again": True}
    assert [p.name for p in (run.path / "checkpoints").iterdir() if not p.name.startswith("step-0")] == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_tensors_are_refused(run, bad):
    run.save(1, some_tensors(), {})
    tensors = some_tensors()
    tensors["float32"] = tensors["float32"].index_fill(0, torch.tensor([2]), bad)
    with pytest.raises(Diverged, match=r"float32 is not finite at step 2"):
        run.save(2, tensors, {})
    assert run.steps() == [1] and run.load().step == 1


def test_large_finite_values_are_not_taken_for_infinite(run):
    run.save(1, {"w": torch.full((100,), 3e38), "h": torch.full((99,), 6e4).half()}, {})
    assert run.load().tensors["w"][0] == torch.tensor(3e38)


def test_a_newer_checkpoint_is_not_taken_for_a_damaged_one(run):
    run.save(1, some_tensors(), {})
    folder = run.save(2, some_tensors(), {})
    (folder / "manifest.json").write_bytes(sealed({"schema": 2, "ganvas": "9.0.0", "step": 2, "parts": []}))
    with pytest.raises(ModelError, match=r"needs Ganvas version 9\.0\.0"):
        run.load()


def test_all_damaged_is_said_in_one_line(run):
    for step in (1, 2):
        folder = run.save(step, some_tensors(), {})
        (folder / "state.json").unlink()
    with pytest.raises(ModelError, match=r"no checkpoint of .* is good") as error:
        run.load()
    assert "\n" not in str(error.value)


def test_the_log_is_json_lines_and_rewinds(run):
    for step in range(5):
        run.log({"step": step, "terms": {"critic/wasserstein": 0.5 * step, "bad": float("nan")}})
    with open(run.path / "stats.jsonl", "ab") as file:
        file.write(b'{"step": 5, "ter')
    assert [record["step"] for record in run.stats()] == [0, 1, 2, 3, 4]
    run.rewind_log(2)
    assert [record["step"] for record in run.stats()] == [0, 1, 2]
    assert run.stats()[1]["terms"] == {"critic/wasserstein": 0.5, "bad": None}
    run.log({"step": 3})
    assert run.stats()[-1] == {"step": 3}


def test_a_torn_line_is_cut_by_the_next_process(run):
    run.log({"step": 1})
    with open(run.path / "stats.jsonl", "ab") as file:
        file.write(b'{"step": 2')
    Run(run.path).log({"step": 3})
    assert (run.path / "stats.jsonl").read_bytes() == b'{"step":1}\n{"step":3}\n'


def test_every_bit_of_a_sealed_record_counts():
    data = sealed({"step": 1, "name": "x y", "rate": 1e-05, "nested": {"a": [1, 2.5, None, True]}})
    assert unseal(data) == {"step": 1, "name": "x y", "rate": 1e-05, "nested": {"a": [1, 2.5, None, True]}}
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert unseal(bytes(flipped)) is None, bit
    for size in range(len(data)):
        assert unseal(data[:size]) is None
    assert unseal(b"[" * 100_000) is None
    assert unseal(sealed({"path": "\udcff"})) == {"path": "\udcff"}


HOLD = """
import sys
from ganvas.runs import Run
run = Run(sys.argv[1]); run.open(); print("held", flush=True); sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_has_the_run(run):
    with pytest.raises(UsageError, match="is in use by process"):
        Run(run.path).open()
    run.close()
    assert run.holder is None
    with subprocess.Popen([sys.executable, "-c", HOLD, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match=rf"in use by process {holder.pid} on "):
            run.open()
        assert run.config["method"] == "wgan" and run.steps() == []  # reading needs no lock
        assert f"process {holder.pid}" in run.holder
        holder.kill()
        holder.wait()
        assert run.holder is None
    assert run.open()["method"] == "wgan"  # the lock of a dead process is free


def test_a_holder_file_of_nonsense_does_no_harm(run):
    (run.path / ".holder.json").write_text(json.dumps({"pid": "[red]x", "host": 1}))
    with pytest.raises(UsageError, match="in use by another process"):
        Run(run.path).open()


def test_open_ends_what_a_crash_interrupted(run):
    run.save(1, some_tensors(), {})
    run.save(2, some_tensors(), {})
    checkpoints = run.path / "checkpoints"
    (checkpoints / "step-000000002").rename(checkpoints / "step-000000002.retired")
    (checkpoints / "step-000000003.partial").mkdir()
    (checkpoints / "step-000000003.partial" / "state.json").touch()
    run.close()
    run.open()
    assert run.steps() == [1, 2] and run.load().step == 2
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step-000000001", "step-000000002"]
