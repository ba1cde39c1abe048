"""Points in files: headings, pictures, single columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganvas.errors import DataError
from ganvas.evaluation.point_files import read_points


def test_a_heading_and_a_byte_order_mark_are_no_points(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("\ufeffx,y\n1,2\n\n3,4.5\n", encoding="utf-8")
    assert torch.equal(read_points(path), torch.tensor([[1.0, 2.0], [3.0, 4.5]]))
    path.write_text("1\n2\n")
    assert torch.equal(read_points(path), torch.tensor([[1.0], [2.0]]))


def test_arrays_of_numbers_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    np.save(path, np.arange(4))
    assert torch.equal(read_points(path), torch.tensor([[0.0], [1.0], [2.0], [3.0]]))
    np.save(path, np.array([[[[0, 255]]]], dtype=np.uint8))
    assert torch.equal(read_points(path), torch.tensor([[[[-1.0, 1.0]]]]))


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((3, 2, 2)), "shape"),
        (np.array(["a", "b"]), "shape"),
        (np.zeros((0, 2)), "no points"),
        (np.array([[1.0], [1e300]]), "row 2"),
        (np.zeros(3, dtype=complex), "complex"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, word: str) -> None:
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(DataError, match=word):
        read_points(tmp_path / "p.npy")


def test_a_header_that_declares_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    np.save(path, np.zeros((4, 2)))
    path.write_bytes(path.read_bytes().replace(b"(4, 2)", b"(9, 2)"))
    with pytest.raises(DataError, match="no array of numbers"):
        read_points(path)
