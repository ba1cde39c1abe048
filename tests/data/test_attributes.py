"""Tables of attributes: CelebA's own format, CSV, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.data.picture_files import fill

from ganvas.data import ArrayData, open_source
from ganvas.data.batches import Spec
from ganvas.errors import DataError, UsageError

CELEBA = "\n".join(
    ["30", "Black_Hair Blond_Hair Male"]
    + [f"good{n:03}.png {' 1' if n % 3 == 0 else '-1'} {' 1' if n % 3 == 1 else '-1'}  {1 if n % 2 else -1}" for n in range(30)]
)


def opened(root: Path, **options: object) -> ArrayData:
    data = open_source(f"attributes:{root}", **options)  # type: ignore[arg-type]
    assert isinstance(data, ArrayData)
    return data


def test_celebas_table_is_read_as_it_is(tmp_path: Path, cache: Path) -> None:
    root = fill(tmp_path / "img_align_celeba", 30)
    (tmp_path / "list_attr_celeba.txt").write_text(CELEBA)  # beside the folder, as it is published
    data = opened(root)
    assert data.spec.attributes == (("Black_Hair",), ("Blond_Hair",), ("Male",)) and data.spec.classes == ()
    assert (len(data), len(data.held_out())) == (27, 3) and data.labels is not None
    for n in range(30):
        assert data.labels[n].tolist() == [n % 3 == 0, n % 3 == 1, n % 2]
    image, label = next(data.stream(9, seed=1))
    assert image.shape == (9, 3, 32, 32) and label is not None and label.shape == (9, 3)
    assert Spec.from_json(data.spec.to_json()) == data.spec
    assert "Black_Hair 33%" in data.notes[1]


def test_attributes_are_chosen_and_joined_and_unclear_pictures_left_out(tmp_path: Path, cache: Path) -> None:
    root = fill(tmp_path / "photos", 30)
    (root / "list_attr_celeba.txt").write_text(CELEBA)
    data = opened(root, only="Black_Hair/Blond_Hair,Male")
    assert data.spec.attributes == (("Black_Hair", "Blond_Hair"), ("Male",))
    assert len(data) + len(data.held_out()) == 20
    _, label = data.real(99)
    assert label is not None and torch.all(label[:, :2].sum(1) == 1)
    assert "10 pictures have none or several of Black_Hair/Blond_Hair, left out" in data.notes
    assert open_source(**data.recipe).fingerprint == data.fingerprint


def test_a_csv_will_do_and_pictures_without_a_row_are_counted(tmp_path: Path, cache: Path) -> None:
    root = fill(tmp_path / "photos", 6)
    table = tmp_path / "mine.csv"
    table.write_text("file;smiles;old\n" + "\n".join(f"good{n:03};{'yes' if n else 'no'};{n % 2}" for n in range(5)))
    data = opened(root, labels=table)
    assert len(data) == 5 and data.spec.attributes == (("smiles",), ("old",))
    assert data.labels is not None and data.labels[:5].tolist() == [[int(n > 0), n % 2] for n in range(5)]
    assert "1 pictures have no row in mine.csv, left out" in data.notes


@pytest.mark.parametrize(
    ("table", "only", "error", "said"),
    [
        (None, None, DataError, "photos has no table of attributes"),
        ("file,old\ngood000,maybe\n", None, DataError, "row 2: old is 'maybe', neither yes nor no"),
        ("file,old\n", None, DataError, "attributes.csv has no rows"),
        ("file\ngood000\n", None, DataError, "no column of an attribute"),
        ("file,old\nother,1\n", None, DataError, "tells the attributes of 0 pictures"),
        ("file,old\ngood000,1\ngood001,0\n", "odl", UsageError, "no attribute 'odl': did you mean old"),
        ("file,old\ngood000,1\ngood001,0\n", "old,old", UsageError, "old is named twice"),
    ],
)
def test_what_is_no_table_of_attributes_is_refused(
    tmp_path: Path, cache: Path, table: str | None, only: str | None, error: type[Exception], said: str
) -> None:
    root = fill(tmp_path / "photos", 4)
    if table is not None:
        (root / "attributes.csv").write_text(table)
    with pytest.raises(error, match=said):
        opened(root, only=only)


def test_labels_of_another_shape_are_refused() -> None:
    images = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    with pytest.raises(UsageError, match=r"give int64 labels of shape \(4, 3\)"):
        ArrayData(images, torch.zeros(4, 2, dtype=torch.int64), attributes=[["a", "b"], ["c"]])
    with pytest.raises(UsageError, match="labels run from 0 to 5"):
        ArrayData(images, torch.full((4, 1), 5).index_fill(0, torch.tensor([0]), 0), attributes=[["a"]])
