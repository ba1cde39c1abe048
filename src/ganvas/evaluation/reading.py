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
    """For each side of the matter the score that lies lowest beside what real samples score."""
    sides = {
        "quality": (("precision", "density"), "many samples are unlike any real one", "most samples are unlike any real one"),
        "variety": (("recall", "coverage"), "much of the data's range is missing", "most of the data's range is missing"),
    }
    for side, (keys, some, most) in sides.items():
        shares = {key: ratio for key in keys if (ratio := beside_real(by_key.get(key))) is not None}
        if not shares:
            continue
        worst = min(shares, key=lambda key: shares[key])
        lack = "no lack to be seen" if shares[worst] >= MISSING else some if shares[worst] >= SEVERE else most
        found = by_key[worst]
        assert found.floor is not None
        yield f"{side}: {lack} ({worst} {found.score.value:.2f}, real samples {found.floor.value:.2f})"


def beside_real(found: Measured | None) -> float | None:
    """A score over what real samples score; None where that is not known or 0."""
    return None if found is None or found.floor is None or not found.floor.value else found.score.value / found.floor.value


def known_modes(by_key: dict[str, Measured]) -> Iterator[str]:
    if found := by_key.get("modes"):
        yield f"modes: {found.score.value:,.0f} {found.words}"


def likeness_of_pairs(by_key: dict[str, Measured]) -> Iterator[str]:
    found = by_key.get("ms-ssim")
    if found and found.floor and found.score.value > found.floor.value + 0.1:
        yield f"variety: pictures are more alike than real ones (MS-SSIM {found.score.value:.2f}, real {found.floor.value:.2f})"
