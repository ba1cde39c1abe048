"""The README's promises: each command parses, the Python example runs, and every file it names is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ganvas.cli.app import build

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    lines = [(page.name, line) for page in PAGES for block in blocks(page, "") for line in block.splitlines()]
    return [(page, line.split("  #")[0].strip()) for page, line in lines if line.startswith("ganvas ")]


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_parse(page: str, line: str) -> None:
    build().parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    small = example.replace("steps=10_000", "steps=1").replace("ganvas.data.mnist()", "tiny").replace("clip=0.01", "width=4")
    small = small.replace('["fid", "kid"]', '["kid"], against=tiny_set, features="raw"')
    assert small.replace("tiny_set", "").count("tiny") == small.count("steps=1)") == 1
    monkeypatch.chdir(tmp_path)
    import torch

    from ganvas.data.dataset import ArrayData

    tiny = ArrayData(torch.randint(0, 256, (64, 1, 28, 28), dtype=torch.uint8))
    names: dict[str, object] = {"tiny": tiny, "tiny_set": tiny}
    exec(small, names)  # the README is ours
    images = names["images"]
    assert isinstance(images, torch.Tensor)
    assert images.shape == (64, 1, 28, 28)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
