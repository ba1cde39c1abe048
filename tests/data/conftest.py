from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own, and no network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GANVAS_CACHE", str(folder))
    monkeypatch.setenv("GANVAS_OFFLINE", "1")
    return folder
