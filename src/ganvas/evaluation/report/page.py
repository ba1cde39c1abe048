"""HTML by construction safe: whatever is not ``Html`` is escaped, wherever it came from."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from importlib import resources

VOID = {"img", "meta", "br"}


class Html(str):
    """Markup that ``element`` made; any other string is text."""

    __slots__ = ()


Child = str | Iterable["Child"]


def text(words: str) -> Html:
    """Words as text: markup in them is shown, not obeyed; control characters and lone surrogates become visible."""
    seen = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "backslashreplace").decode() for c in words
    )
    return Html(html.escape(seen))


def element(tag: str, /, *children: Child, **attributes: object) -> Html:
    """An element; an underscore at an attribute's end is dropped, others are hyphens; None leaves the attribute out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"' for key, value in attributes.items() if value is not None
    )
    return Html(f"<{tag}{told}>") if tag in VOID else Html(f"<{tag}{told}>{joined(children)}</{tag}>")


def joined(children: Iterable[Child]) -> Html:
    """Markup and text one after the other."""
    parts = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        else:
            parts.append(text(child) if isinstance(child, str) else joined(child))
    return Html("".join(parts))


def prose(words: str) -> Html:
    """A sentence in which text between backquotes is code."""
    return joined(element("code", part) if n % 2 else part for n, part in enumerate(re.split(r"`([^`]*)`", words)))


def section(title: str, *children: Child) -> Html:
    return element("section", element("h2", title), *children)


def table(head: Sequence[str], rows: Iterable[Sequence[Child]]) -> Html:
    """A table that scrolls by itself where the screen is narrow; without ``head`` each row's first cell is its heading."""
    body = []
    for first, *rest in rows:
        cells = [element("td", cell) for cell in rest]
        body.append(element("tr", element("td", first) if head else element("th", first, scope="row"), cells))
    top = element("thead", element("tr", [element("th", name, scope="col") for name in head])) if head else Html()
    return element("div", element("table", top, element("tbody", body)), class_="wide")


def document(title: str, *children: Child) -> str:
    """A whole page. Its policy lets it load nothing: no script, no network."""
    style = resources.files("ganvas.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style)),
    )
    page = element("html", head, element("body", element("main", *children)), lang="en")
    return f"<!doctype html>\n{page}\n"
