"""Scores in words: what a person should think of them, and no more than they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ganvas.evaluation.measured import Measured

CLOSE, NEAR, FAR = 1.5, 4.0, 30.0
"""Ratios of a distance to the one between real samples."""
MISSING = 0.8
"""Share of the real samples' own score below which quality or variety is said to be missing."""
SEVERE = 0.4


def verdict(measured: Sequence[Measured]) -> list[str]:
    """A sentence for each side of the matter that the scores tell of: copying, likeness, quality, variety, modes, classes."""
    by_key = {each.key: each for each in measured}
    said = [*copies(by_key), *likeness(by_key), *quality_and_variety(by_key), *known_modes(by_key), *likeness_of_pairs(by_key)]
    return said + [f"{each.key}: {each.words}" for each in measured if each.key.startswith(("cas", "accuracy")) and each.words]


def copies(by_key: dict[str, Measured]) -> Iterator[str]:
    if found := by_key.get("memorisation"):
        yield f"{'copies training samples' if found.facts['detected'] else 'copying'}: {found.words}"


def likeness(by_key: dict[str, Measured]) -> Iterator[str]:
    """One distance in words: the first of those measured whose floor was taken at the same counts."""
    for key in ("frechet", "emd", "sliced"):
        found = by_key.get(key)
        if found is None or found.floor is None or found.floor.value <= 0:
            continue
        if not found.score.stamp.comparable(found.floor.stamp):
            yield (
                f"likeness: {found.score.name} {found.score.value:.3g}; real samples have {found.floor.value:.3g} among "
                f"{found.floor.stamp.generated:,}, too few to compare the two"
            )
            return
        ratio = found.score / found.floor
        words = (
            "as like the data as other real samples are" if ratio <= CLOSE
            else "close to the data" if ratio <= NEAR
            else "clearly not the data yet" if ratio <= FAR
            else "far from the data"
        )  # fmt: skip
        yield f"likeness: {words}: {found.score.name} is {ratio:.3g} times what real samples score"
        return


def quality_and_variety(by_key: dict[str, Measured]) -> Iterator[str]:
    """Precision and recall as shares of what real samples score."""
    for key, good, what in (("precision", "quality", "samples unlike any real one"), ("recall", "variety", "the data's range")):
        found = by_key.get(key)
        if found is None or found.floor is None or not found.floor.value:
            continue
        share = found.score.value / found.floor.value
        missing = {"precision": f"many {what}", "recall": f"much of {what} is missing"}[key]
        if share < MISSING:
            lack = missing if share >= SEVERE else missing.replace("many", "most are").replace("much", "most")
            yield f"{good}: {lack} ({key} {found.score.value:.2f}, real samples {found.floor.value:.2f})"
        else:
            yield f"{good}: no lack ({key} {found.score.value:.2f}, real samples {found.floor.value:.2f})"


def known_modes(by_key: dict[str, Measured]) -> Iterator[str]:
    if found := by_key.get("modes"):
        yield f"modes: {found.score.value:,.0f} {found.words}"


def likeness_of_pairs(by_key: dict[str, Measured]) -> Iterator[str]:
    found = by_key.get("ms-ssim")
    if found and found.floor and found.score.value > found.floor.value + 0.1:
        yield f"variety: pictures are more alike than real ones (MS-SSIM {found.score.value:.2f}, real {found.floor.value:.2f})"
