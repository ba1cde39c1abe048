"""``ganvas data`` for translation: two sides are examined, errors name what is wrong, and the exit code says whose fault."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli
from tests.data.picture_files import fill


def test_both_sides_of_a_folder_are_examined(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "maps"
    fill(root / "A", 6)
    fill(root / "B", 6)
    assert cli("data", "check", f"paired:{root}").code == 0
    assert cli("data", "check", f"paired:{root}", "--json").json["usable"] == 6
    assert [domain["usable"] for domain in cli("data", "check", f"unpaired:{root}", "--json").json["domains"]] == [6, 6]
    fill(root / "A", 1, start=50)
    answer = cli("data", "check", f"paired:{root}")
    assert answer.code == 0 and "source alone" in answer.out and "good050.png" in answer.out
    assert cli("data", "check", f"paired:{root}", "--strict").code == 3
    assert cli("data", "check", f"paired:{root}", "--labels", "x.csv").code == 2


def test_what_is_wrong_is_named(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path / "half" / "A", 6)
    answer = cli("data", "check", f"paired:{tmp_path / 'half'}")
    assert answer.code == 3 and "has A/ but no B/" in answer.err
    (tmp_path / "half" / "A" / "attributes.csv").write_text("file,old\ngood000,1\ngood001,perhaps\n")
    answer = cli("data", "check", f"attributes:{tmp_path / 'half' / 'A'}")
    assert answer.code == 3 and "row 3: old is 'perhaps', neither yes nor no" in answer.err


def test_the_list_names_all_and_flags_reach_the_data(cli: Cli, tmp_path: Path) -> None:
    listed = cli("data", "list", "--json").json["sources"]
    assert {"paired", "unpaired", "degraded", "attributes", "openmoji-edges", "brain-slices", "two-valued"} <= {*listed}
    root = fill(tmp_path / "photos", 8)
    train = ("train", "pix2pix", "--steps", "1", "--dry-run", "--json", "--size", "16")
    answer = cli(*train, "--data", f"degraded:holes:{root}")
    assert answer.code == 0 and answer.json["data"]["source"] == [4, 16, 16]
    assert cli(*train, "--data", f"degraded:rust:{root}").code == 2
    assert cli(*train, "--data", f"degraded:noise:{root}", "--direction", "b-to-a").code == 2
