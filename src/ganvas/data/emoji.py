"""Emoji: the lines and the colours of one drawing, and the drawings of one thing by two vendors, as pairs or one by one."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import torch

from ganvas.data import pack as packing
from ganvas.data.cache import cache_dir
from ganvas.data.dataset import ArrayData
from ganvas.data.download import Npm, Unavailable, first_available, read_matching
from ganvas.data.pack import Item, Pack
from ganvas.data.pictures import Look
from ganvas.data.translation import PairData, TwoDomainData
from ganvas.errors import DataError, UsageError

OPENMOJI = Npm("openmoji", "17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68")
VENDORS = {
    "google": Npm("emoji-datasource-google", "16.0.0", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"),
    "twitter": Npm("emoji-datasource-twitter", "16.0.0", "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877"),
}
OPENMOJI_LICENCE = "CC BY-SA 4.0 (OpenMoji)"
VENDORS_LICENCE = "Google: Apache-2.0 (Noto Emoji); Twitter: CC BY 4.0 (Twemoji)"
SKINS = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
HELD_OUT = 0.1
SIDE = 64


def openmoji_edges(*, size: int | None = None, mirror: bool = False) -> PairData:
    """Line drawings (N, 1, size, size) and the same in colour (N, 3, size, size), of 2,140 emoji; white background.

    Flags and variants in skin colour, the other 2,355 of OpenMoji, are left out: their lines do not tell their colours.

    Args:
        size: pixels of a side; 64 by default.
        mirror: flip half of the pairs left to right.

    Raises:
        UsageError: a size that cannot be, or the extra ``faces``, whose renderer this needs, is not installed.
        DataError: the drawings cannot be had.
    """
    side = size or SIDE
    looks = Look((side, side), 1), Look((side, side), 3)
    draw = renderer(side)
    version = importlib.metadata.version("resvg-py")
    keys = [packing.key_of("openmoji told by lines", OPENMOJI.sha256, version, kind, side) for kind in ("black", "color")]
    packs = ready(keys)
    if packs is None:
        drawings, _ = fetched(OPENMOJI, drawings_of)
        names = sorted(name.split("/")[-1] for name in drawings if name.startswith("package/black/") and told_by_lines(name))
        packs = [
            packing.build(key, items(drawings, f"package/{kind}/svg", names, draw), look, expected=len(names))
            for key, kind, look in zip(keys, ("black", "color"), looks, strict=True)
        ]
    source, target = packs
    data = PairData(
        source.images,
        target.images,
        name="openmoji-edges",
        licence=OPENMOJI_LICENCE,
        origin=OPENMOJI.title,
        fingerprint=packing.key_of(source.fingerprint, target.fingerprint),
        mirror=mirror,
        notes=(f"{len(target):,} pairs of lines and colours; flags and variants in skin colour are left out",),
    )
    data.recipe = recipe("openmoji-edges", size, mirror)
    return data.split(held=kept_back(target.names))


def drawings_of(package: Path) -> dict[str, bytes]:
    """The line drawings and the coloured ones of OpenMoji, as many of each.

    Raises:
        Unavailable: they are not in the package.
    """
    found = read_matching(package, lambda name: name.startswith(("package/black/svg/", "package/color/svg/")))
    sides = [{name.split("/")[-1] for name in found if name.startswith(f"package/{kind}/")} for kind in ("black", "color")]
    if sides[0] != sides[1]:
        raise Unavailable(f"{len(sides[0] ^ sides[1])} of its drawings are not there in both line and colour")
    return found


def told_by_lines(name: str) -> bool:
    """Whether the lines of a drawing tell its colours: not so a flag's, nor those of a person of any skin colour."""
    points = PurePosixPath(name).stem.lower().split("-")
    flag = "1f1e6" <= points[0] <= "1f1ff" or points[-1] == "e007f"
    return not flag and not SKINS & {*points}


def items(drawings: dict[str, bytes], folder: str, names: Sequence[str], draw: Callable[[bytes], bytes]) -> Iterable[Item]:
    def item(name: str) -> Item:
        return Item(PurePosixPath(name).stem.lower(), lambda: draw(drawings[f"{folder}/{name}"]))

    return map(item, names)


def renderer(side: int) -> Callable[[bytes], bytes]:
    """A function from an SVG to a PNG, ``side`` pixels square, on white.

    Raises:
        UsageError: the extra ``faces`` is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise UsageError(f"drawings need {error.name}, which is not installed", 'pip install "ganvas[faces]"') from None

    def draw(svg: bytes) -> bytes:
        text = svg.decode("utf-8")
        return bytes(svg_to_bytes(svg_string=text, width=side, height=side, background="#ffffff", skip_system_fonts=True))

    return draw


def emoji(*, size: int | None = None, mirror: bool = False) -> ArrayData:
    """7,572 emoji (N, 3, size, size) on white: the pictures of ``emoji_vendors`` one by one, with the vendor as label.

    Args and errors as for ``emoji_vendors``.
    """
    google, twitter = vendor_packs(size or SIDE)
    count = len(google)
    data = ArrayData(
        torch.cat([google.images, twitter.images]),
        torch.arange(2 * count) // count,
        classes=tuple(VENDORS),
        name="emoji",
        licence=VENDORS_LICENCE,
        origin=" and ".join(package.title for package in VENDORS.values()),
        fingerprint=packing.key_of("one by one", google.fingerprint, twitter.fingerprint),
        mirror=mirror,
        recipe=recipe("emoji", size, mirror),
    )
    held = kept_back(google.names)
    return data.split(held=torch.cat([held, held + count]))


def emoji_vendors(*, size: int | None = None, mirror: bool = False, direction: str = "a-to-b") -> PairData:
    """3,786 emoji (N, 3, size, size) as Google draws them and as Twitter does, on white.

    Args:
        size: pixels of a side; 64, as they are, by default.
        mirror: flip half of the pairs left to right.
        direction: a-to-b: Google is the source; b-to-a: Twitter.

    Raises:
        UsageError: a size that cannot be. DataError: the pictures cannot be had.
    """
    google, twitter = vendor_packs(size or SIDE)
    source, target = (google, twitter) if direction == "a-to-b" else (twitter, google)
    data = PairData(
        source.images,
        target.images,
        name="emoji-vendors",
        licence=VENDORS_LICENCE,
        origin=" and ".join(package.title for package in VENDORS.values()),
        fingerprint=packing.key_of(source.fingerprint, target.fingerprint),
        mirror=mirror,
        notes=(f"{len(target):,} pairs; emoji that differ in skin colour only are held out together",),
    )
    data.recipe = recipe("emoji-vendors", size, mirror) | ({} if direction == "a-to-b" else {"direction": direction})
    return data.split(held=kept_back(target.names))


def emoji_vendors_unpaired(*, size: int | None = None, mirror: bool = False) -> TwoDomainData:
    """The same without correspondence: x are emoji by Google, y are *other* emoji by Twitter; the truth is known.

    Args and errors as for ``emoji_vendors``.
    """
    google, twitter = vendor_packs(size or SIDE)
    held = torch.zeros(len(google), dtype=torch.bool)
    held[kept_back(google.names)] = True
    first = torch.tensor([share_of(name, "side") < 0.5 for name in google.names])
    paired = emoji_vendors(size=size, mirror=mirror)

    def domains(part: torch.Tensor, name: str) -> TwoDomainData:
        return TwoDomainData(
            google.images,
            twitter.images,
            rows=((part & first).nonzero()[:, 0], (part & ~first).nonzero()[:, 0]),
            true=paired.held_out,
            name=name,
            licence=VENDORS_LICENCE,
            origin=paired.origin,
            fingerprint=packing.key_of("unpaired", name, google.fingerprint, twitter.fingerprint),
            mirror=mirror,
            notes=("no emoji is in both domains",),
        )

    data = domains(~held, "emoji-vendors-unpaired")
    data.recipe = recipe("emoji-vendors-unpaired", size, mirror)
    return data.whole(lambda: domains(held, "emoji-vendors-unpaired (held out)"))


def vendor_packs(side: int) -> tuple[Pack, Pack]:
    """The pictures of both vendors in the same order."""
    look = Look((side, side), 3)
    keys = [packing.key_of("emoji", [package.sha256 for package in VENDORS.values()], vendor, side) for vendor in VENDORS]
    packs = ready(keys)
    if packs is None:
        pictures = {
            vendor: fetched(package, lambda path, vendor=vendor: pictures_of(path, vendor))[0]  # type: ignore[misc]
            for vendor, package in VENDORS.items()
        }
        names = sorted(set(pictures["google"]) & set(pictures["twitter"]))
        if not names:
            raise DataError("the two vendors have no emoji in common", "report it: the packages are not what they were")
        packs = []
        for key, vendor in zip(keys, VENDORS, strict=True):
            own = pictures[vendor]
            each = (Item(PurePosixPath(name).stem, lambda name=name, own=own: own[name]) for name in names)  # type: ignore[misc]
            packs.append(packing.build(key, each, look, expected=len(names)))
    google, twitter = packs
    if google.names != twitter.names:
        raise DataError("pictures of one vendor cannot be decoded", "`ganvas cache clear` and try again")
    return google, twitter


def pictures_of(package: Path, vendor: str) -> dict[str, bytes]:
    """The 64x64 PNGs of a vendor by file name. Raises ``Unavailable``."""
    prefix = f"package/img/{vendor}/64/"
    found = read_matching(package, lambda name: name.startswith(prefix) and name.endswith(".png"))
    return {name.removeprefix(prefix): content for name, content in found.items()}


def fetched(package: Npm, read: Callable[[Path], dict[str, bytes]]) -> tuple[dict[str, bytes], str]:
    return first_available(
        package.package, [(package, read)], cache_dir() / "packs", "run it once where npm can reach its registry"
    )


def ready(keys: Sequence[str]) -> list[Pack] | None:
    """The packs of these keys, if the cache has them all."""
    packs = [packing.load(key) for key in keys]
    return [pack for pack in packs if pack is not None] if all(packs) else None


def recipe(source: str, size: int | None, mirror: bool) -> dict[str, object]:
    given: dict[str, object] = {"size": size, "mirror": mirror or None}
    return {"source": source, **{name: value for name, value in given.items() if value is not None}}


def family(name: str) -> str:
    """The code points of an emoji without its skin colours: near copies of one drawing share it."""
    return "-".join(part for part in name.lower().split("-") if part not in SKINS)


def share_of(name: str, purpose: str) -> float:
    """A number in [0, 1) that is the same for all of a family, whatever else there is."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {family(name)}".encode()).digest()[:8], "little") / 2**64


def kept_back(names: Sequence[str]) -> torch.Tensor:
    """The positions that are held out: a tenth of the families."""
    return torch.tensor([row for row, name in enumerate(names) if share_of(name, "held out") < HELD_OUT])
