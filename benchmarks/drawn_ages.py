"""Drawn faces as a folder of ages, to try `ganvas train age` where no photographs are at hand: grey hair is 60+, a beard 40-49.

python benchmarks/drawn_ages.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from ganvas.data.faces_attributes import NAMES, faces_attributes

COUNT = 3000


def main() -> None:
    folder = Path(sys.argv[1])
    data = faces_attributes()
    assert data.labels is not None
    for number in range(COUNT):
        has = dict(zip(NAMES, data.labels[number].tolist(), strict=True))
        place = folder / ("60+" if has["grey hair"] else "40-49" if has["beard"] else "19-29")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.images[number].permute(1, 2, 0).numpy()).save(place / f"{number:04}.png")


if __name__ == "__main__":
    main()
