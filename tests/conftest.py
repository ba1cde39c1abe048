"""Shared by all tests: one thread (so that bits repeat), and a cache folder of its own unless one is given."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
