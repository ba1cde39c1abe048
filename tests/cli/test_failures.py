"""Errors to exit codes, one line each."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from ganvas import errors
from ganvas.cli import failures
from ganvas.cli.files import arriving, claim
from ganvas.cli.output import plain, printable
from ganvas.errors import UsageError


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.UsageError("a", "b"), 2, "a: b"),
        (errors.DataError("a", "b"), 3, "a: b"),
        (errors.ModelError("a", "b"), 4, "a: b"),
        (errors.Diverged("a", "b"), 5, "a: b"),
        (errors.ResourceError("a", "b"), 6, "a: b"),
        (MemoryError(), 6, "memory ran out"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), 6, "memory ran out"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 6, "memory ran out"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 6, "the disk is full at /x"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y.png"), 2, "/x/y.png: permission denied"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("odd\nthing"), 1, "internal: RuntimeError: odd thing"),
    ],
)
def test_each_error_has_a_line_and_a_code(monkeypatch, capsys, error, code, said):
    def build(**_: object) -> object:
        raise error

    monkeypatch.setattr("ganvas.cli.app.build", build)
    assert failures.run(["runs"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch, capsys):
    def build(**_: object) -> object:
        raise RuntimeError("odd")

    monkeypatch.setattr("ganvas.cli.app.build", build)
    assert failures.run(["runs", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ganvas", "methods", "--help"]
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (result.returncode, result.stderr) == (0, b"")


def test_names_are_shown_and_not_obeyed(cli):
    answer = cli("info", "[link=https://example.org]x[/link]\x1b[31m")
    assert answer.code == 2
    assert "\x1b" not in answer.err
    assert "[link=https://example.org]x[/link]" in answer.err
    assert printable("a\x1b[1mb\udcffc") == "a\\x1b[1mb\\udcffc"


def test_json_has_no_nan():
    assert plain({"a": [float("nan"), 1.5, float("-inf")], "b": True}) == {"a": [None, 1.5, None], "b": True}


def test_nothing_is_overwritten_unasked(tmp_path):
    kinds = {".png", ".npy"}
    there = tmp_path / "x.png"
    there.write_bytes(b"old")
    with pytest.raises(UsageError, match="exists already"):
        claim(there, kinds, force=False)
    assert claim(there, kinds, force=True) == there
    assert claim(tmp_path / "new", kinds, force=False) == tmp_path / "new"
    with pytest.raises(UsageError, match="not empty"):
        claim(tmp_path, kinds, force=False)
    with pytest.raises(UsageError, match=r"ends in \.jpg"):
        claim(tmp_path / "x.jpg", kinds, force=False)
    with pytest.raises(UsageError, match="no place"):
        claim(tmp_path.__class__("/"), kinds, force=True)


def test_nothing_half_written_stays(tmp_path):
    target = tmp_path / "deep" / "x.png"
    with pytest.raises(RuntimeError), arriving(target) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    with arriving(target) as temporary:
        temporary.write_bytes(b"whole")
    assert [path.name for path in target.parent.iterdir()] == ["x.png"]
