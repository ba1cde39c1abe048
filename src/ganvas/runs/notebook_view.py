"""A run as a notebook shows it."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

from ganvas.runs import grids

if TYPE_CHECKING:
    from ganvas.runs.run import Run


def page(run: Run) -> str:
    """Where the run stands in a sentence, its samples over time, its curves; HTML that needs nothing else."""
    parts = [f"<p><b>{html.escape(str(run.path))}</b>: {html.escape(state(run))}</p>"]
    strip = run.path / "samples" / "progress.png"
    if strip.is_file():
        parts.append(image(strip.read_bytes(), "the same samples over time"))
    if drawing := grids.curves_bytes(run.stats()):
        parts.append(image(drawing, "curves"))
    return "".join(parts)


def state(run: Run) -> str:
    """ "wgan-gp on mnist, 2,847 steps, best at step 2,500; the budget is spent"."""
    if not run.exists():
        return "not started"
    config, steps, best, ended = run.config, run.steps(), run.best, run.ended()
    words = [f"{config['method']} on {config['data']['name']}", f"{steps[-1] if steps else 0:,} steps"]
    words += [f"best at step {best['step']:,}"] if best else []
    return ", ".join(words) + (f"; {ended['words']}" if ended else "")


def image(png: bytes, about: str) -> str:
    """A picture as an HTML element that holds it."""
    return f'<img alt="{about}" style="max-width:100%" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
