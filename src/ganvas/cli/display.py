"""What a person sees while training runs: one live panel on a terminal, a plain line every ten seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from ganvas.cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ganvas.training import Progress

PLAIN_SECONDS = 10.0
"""Time between the lines of a display that is no terminal."""

SIGNED = "signed; not a distance until divided by the Lipschitz constant"


class Display(Protocol):
    """Shows progress within its ``with`` block."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
    def show(self, progress: Progress) -> None:
        """Called about four times a second and when training is done."""


def choose(output: Output, title: str) -> Display:
    """The display that fits where messages go: live on a terminal, plain lines elsewhere, nothing with --quiet."""
    if output.quiet:
        return Silence()
    if output.messages.is_terminal and not output.messages.is_dumb_terminal:
        return LivePanel(output, title)
    return PlainLines(output, title)


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def show(self, progress: Progress) -> None:
        pass


class PlainLines(Silence):
    """A line at the start, about every ten seconds, and at the end; made for logs."""

    def __init__(self, output: Output, title: str) -> None:
        self.output, self.title = output, title
        self.last = float("-inf")

    def __enter__(self) -> Self:
        self.output.say(self.title)
        return self

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self.last < PLAIN_SECONDS and not progress.done:
            return
        self.last = now
        parts = [where(progress), *numbers(progress.terms)]
        if progress.wasserstein is not None:
            parts.append(f"W estimate {progress.wasserstein:+.4g} (signed)")
        self.output.say("  ".join([*parts, f"doctor: {doctor(progress)}"]))


class LivePanel(Silence):
    """One panel that is drawn in place."""

    def __init__(self, output: Output, title: str) -> None:
        from rich.live import Live

        self.title = title
        self.live = Live(console=output.messages, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.live.stop()

    def show(self, progress: Progress) -> None:
        self.live.update(panel(progress, self.title), refresh=True)


def panel(progress: Progress, title: str) -> RenderableType:
    """The live panel of one moment."""
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    lines: list[RenderableType] = [
        ProgressBar(total=1.0, completed=progress.fraction, complete_style="green"),
        Text(f"{where(progress)}, {memory()}"),
        Text("   ".join(numbers(progress.terms)) or "the first terms are on their way", style="cyan"),
    ]
    if progress.wasserstein is not None:
        lines.append(Text(f"Wasserstein estimate {progress.wasserstein:+.4g}").append(f"  ({SIGNED})", style="dim"))
    worst = max((finding.severity for finding in progress.findings), key=STYLES.index, default="ok")
    lines.append(Text(f"doctor: {doctor(progress)}", style={"ok": "green", "watch": "yellow", "bad": "bold red"}[worst]))
    rows = Table.grid(expand=True)
    for line in lines:
        rows.add_row(line)
    return Panel(rows, title=Text(title), title_align="left")


STYLES = ["ok", "watch", "bad"]


def where(progress: Progress) -> str:
    """ "step 1,234 (43 %), 2,450 images/s, 1:42 left"."""
    parts = [f"step {progress.step:,} ({progress.fraction:.0%})", f"{progress.images_per_second:,.0f} images/s"]
    if progress.done:
        parts.append(f"done in {clock(progress.seconds)}")
    elif progress.seconds_left is not None:
        parts.append(f"{clock(progress.seconds_left)} left")
    return ", ".join(parts)


def numbers(terms: dict[str, float]) -> list[str]:
    """Each term as "player/term value"."""
    return [f"{name} {value:.4g}" for name, value in terms.items()]


def doctor(progress: Progress) -> str:
    """The findings as a sentence each, the worst first as the doctor gives them."""
    words = [f"{f.seen}: {f.meaning}; {f.remedy}" for f in progress.findings if f.severity != "ok"]
    return " | ".join(words) or "nothing wrong so far"


def clock(seconds: float) -> str:
    """Seconds as 1:05 or 2:03:04."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def memory() -> str:
    """The process's resident memory, as "812 MB"."""
    import psutil

    return f"{psutil.Process().memory_info().rss / 1e6:,.0f} MB"
